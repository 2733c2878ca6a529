import * as fc from 'fast-check'

export const actReason = 'http://terminology.hl7.org/CodeSystem/v3-ActReason'

type Json = Record<string, unknown>

/** An actor of a provision: everybody with this role. */
export const roleActor = (
  value: string,
): { reference: { identifier: { system: string; value: string } } } => ({
  reference: { identifier: { system: 'urn:medledger:role', value } },
})

const actor = fc.oneof(
  fc.stringMatching(/^[0-9a-f]{32}$/).map((id) => ({ reference: { reference: `Practitioner/${id}` } })),
  fc.constantFrom('north', 'south').map((name) => ({ reference: { reference: `Organization/${name}` } })),
  fc.constantFrom('doctor', 'patient').map(roleActor),
  fc.constant({ role: { coding: [{ code: 'IRCP' }] }, reference: { reference: 'Organization/north' } }),
)
const purpose = fc.constantFrom('TREAT', 'BTG', 'HRESCH').map((code) => ({ system: actReason, code }))
const coding = fc.record(
  { system: fc.constantFrom('http://loinc.org', 'urn:x'), code: fc.constantFrom('a', 'b', 'c') },
  { requiredKeys: ['code'] },
)
const concept = fc.array(coding, { minLength: 1, maxLength: 2 }).map((codings) => ({ coding: codings }))
const period = fc.constantFrom<Json>(
  { start: '2025', end: '2026-02' },
  { end: '2026-01-15' },
  { start: '2026-01-15T12:00:00+01:00' },
)

const listOf = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value[]> =>
  fc.array(value, { minLength: 1, maxLength: 3 })

/** Provisions of an R4 Consent that this version understands. */
export const validProvision: fc.Arbitrary<Json> = fc.record(
  {
    type: fc.constantFrom('permit', 'deny'),
    actor: listOf(actor),
    purpose: listOf(purpose),
    code: listOf(concept),
    period,
  },
  { requiredKeys: ['type'] },
)

/** Gives a copy of a value with one more member in one of the objects inside it. */
export type Plant = (name: string, member: unknown) => Json

/** One {@link Plant} for the value itself and for every object inside it. */
export function everyPlace(value: Json): Plant[] {
  const inside = Object.entries(value).flatMap(([name, member]) =>
    placesIn(member).map((plant): Plant => (planted, to) => ({ ...value, [name]: plant(planted, to) })),
  )
  return [(planted, to) => ({ ...value, [planted]: to }), ...inside]
}

type Inside = (name: string, member: unknown) => unknown

function placesIn(value: unknown): Inside[] {
  if (Array.isArray(value)) {
    const items: unknown[] = value
    return items.flatMap((item, index) =>
      placesIn(item).map(
        (plant): Inside =>
          (name, member) =>
            items.with(index, plant(name, member)),
      ),
    )
  }
  return typeof value === 'object' && value !== null ? everyPlace(value as Json) : []
}

import * as fc from 'fast-check'

export const actReason = 'http://terminology.hl7.org/CodeSystem/v3-ActReason'

type Json = Record<string, unknown>

/** A FHIR R4 Consent that this version understands: everybody may read for any purpose, but for `provision`. */
export const consentOf = (
  provision: Readonly<Record<string, unknown>> = { type: 'permit' },
  more: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> => ({
  resourceType: 'Consent',
  status: 'active',
  scope: {
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
  },
  category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
  provision,
  ...more,
})

/** A Consent that chooses the default policy. */
export function defaultPolicyOf(code: string): Record<string, unknown> {
  const { provision: _provision, ...rest } = consentOf()
  return { ...rest, policyRule: { coding: [{ system: 'urn:medledger:default-policy', code }] } }
}

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

import * as fc from 'fast-check'
import { attributes, classes } from './arbitrary-consent.ts'
import type { Coding, Consent, Period, Provision } from './case.ts'
import { consentScope } from './codes.ts'
import { members, often, seldom, validity } from './pools.ts'

/** A rule of a directive of which each level negates the one above, which is what both dialects can say. */
interface Level {
  readonly conditions: Provision
  readonly classes: { readonly resource?: readonly Coding[]; readonly document?: readonly Coding[] }
  readonly period?: Period
  readonly within: readonly Level[]
}

interface Alternating {
  readonly id: string
  readonly effect: 'permit' | 'deny'
  readonly validity?: Period
  readonly date: string
  readonly within: readonly Level[]
}

const privacy = { coding: [{ system: consentScope, code: 'patient-privacy' }] }
const patient = { reference: 'Patient/p' }
const opposite = { permit: 'deny', deny: 'permit' } as const

const listOf = <Value>(
  name: string,
  values: readonly Value[],
): { readonly [name: string]: readonly Value[] } => (values.length === 0 ? {} : { [name]: values })

function levelInR4({ conditions, classes, period, within }: Level, type: 'permit' | 'deny'): Provision {
  return {
    type,
    ...conditions,
    ...(period === undefined ? {} : { period }),
    ...listOf('class', [...(classes.resource ?? []), ...(classes.document ?? [])]),
    ...listOf(
      'provision',
      within.map((inner) => levelInR4(inner, opposite[type])),
    ),
  }
}

function levelInR5({ conditions, classes, period, within }: Level): Provision {
  return {
    ...conditions,
    ...(period === undefined ? {} : { period }),
    ...listOf('resourceType', classes.resource ?? []),
    ...listOf('documentType', classes.document ?? []),
    ...listOf('provision', within.map(levelInR5)),
  }
}

export const inR4 = ({ id, effect, validity, date, within }: Alternating): Consent => ({
  resourceType: 'Consent',
  id,
  status: 'active',
  scope: privacy,
  patient,
  dateTime: date,
  provision: {
    type: effect,
    ...(validity === undefined ? {} : { period: validity }),
    ...listOf(
      'provision',
      within.map((inner) => levelInR4(inner, opposite[effect])),
    ),
  },
})

export const inR5 = ({ id, effect, validity, date, within }: Alternating): Consent => ({
  resourceType: 'Consent',
  id,
  status: 'active',
  category: [privacy],
  subject: patient,
  date,
  decision: effect,
  ...(validity === undefined ? {} : { period: validity }),
  ...listOf('provision', within.map(levelInR5)),
})

function levels(depth: number): fc.Arbitrary<Level[]> {
  const level = fc
    .record({
      conditions: attributes,
      classes,
      period: seldom(validity, 10),
      within: depth <= 1 ? fc.constant([]) : levels(depth - 1),
    })
    .map(({ period, ...rest }) => (period === undefined ? rest : { ...rest, period }))
  return fc.array(level, { maxLength: 2 })
}

/** Directives of alternating levels, without ids. */
export const alternating: fc.Arbitrary<Omit<Alternating, 'id'>> = members({
  effect: often<'permit' | 'deny'>([1, 'permit'], [1, 'deny']),
  validity: seldom(validity, 4),
  date: fc.constantFrom('2023', '2023-04-01', '2023-04-02'),
  within: levels(3),
}) as fc.Arbitrary<Omit<Alternating, 'id'>>

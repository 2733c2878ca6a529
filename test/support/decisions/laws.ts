import * as fc from 'fast-check'
import { decisionCase } from './arbitrary.ts'
import { attributes, classes } from './arbitrary-consent.ts'
import type { CaseDecision, Coding, Consent, DecisionCase, Outcome, Provision } from './case.ts'
import { actReason, consentScope } from './codes.ts'
import { dialectOf } from './directive.ts'
import { often, seldom, validity } from './pools.ts'

/** What the laws are about: the product's decision or the reference's. */
export type Decide = (input: DecisionCase) => CaseDecision

/** The outcome of a case and of each of its records, by name. */
export function outcomesOf({ outcome, records }: CaseDecision): ReadonlyMap<string, Outcome> {
  return new Map([['the case', outcome], ...records.map(({ id, outcome }) => [id, outcome] as const)])
}

/** What is denied before and permitted after. */
export function opened(before: CaseDecision, after: CaseDecision): string[] {
  const was = outcomesOf(before)
  return [...outcomesOf(after)].flatMap(([name, outcome]) =>
    outcome === 'permit' && was.get(name) === 'deny' ? [name] : [],
  )
}

/** All that a decision says but its trace and what remains, in an order of its own. */
export const essence = ({ outcome, basis, basedOn, records }: CaseDecision): unknown => ({
  outcome,
  basis,
  basedOn,
  records: records.map(({ id, outcome }) => `${id}: ${outcome}`).sort(),
})

export const withConsents = (input: DecisionCase, consents: readonly Consent[]): DecisionCase => ({
  ...input,
  consents,
})

const withoutSuperseding = (consent: Consent): Consent => {
  const { extension: _superseding, ...rest } = consent
  return rest
}

/** Every consent by an id of its own, so that it may stand anywhere. */
const named = (input: DecisionCase): DecisionCase =>
  withConsents(
    input,
    input.consents.map((consent, index) => ({ ...consent, id: `c${index}` })),
  )

export const namedCase: fc.Arbitrary<DecisionCase> = decisionCase.map(named)

/** Cases to be decided by deny-overrides and the default policy `deny`, without superseding. */
export const strictCase: fc.Arbitrary<DecisionCase> = namedCase.map(({ combining: _any, ...input }) => ({
  ...input,
  defaultPolicy: 'deny',
  consents: input.consents.map(withoutSuperseding),
}))

/** A rule of one effect and rules of the same effect within it. */
const uniform = (type: 'permit' | 'deny'): fc.Arbitrary<Provision> => {
  const conditions = fc
    .tuple(attributes, classes)
    .map(([rest, { resource = [], document = [] }]): Provision => {
      const all = [...resource, ...document]
      return { type, ...rest, ...(all.length === 0 ? {} : { class: all }) }
    })
  return fc
    .tuple(conditions, seldom(fc.array(conditions, { minLength: 1, maxLength: 2 }), 3))
    .map(([outer, inner]) => (inner === undefined ? outer : { ...outer, provision: inner }))
}

export const privacyConsent = (id: string, provision: Provision): Consent => ({
  resourceType: 'Consent',
  id,
  status: 'active',
  scope: { coding: [{ system: consentScope, code: 'patient-privacy' }] },
  patient: { reference: 'Patient/p' },
  dateTime: '2023-04-01',
  provision,
})

/** Directives of only permits or only denies, by the id `added`. */
export const onlyRules = (type: 'permit' | 'deny'): fc.Arbitrary<Consent> =>
  fc
    .tuple(uniform(type), seldom(validity, 4))
    .map(([rule, period]) => privacyConsent('added', period === undefined ? rule : { ...rule, period }))

export const purposes = (...codes: readonly string[]): { readonly purpose: readonly Coding[] } => ({
  purpose: codes.map((code) => ({ system: actReason, code })),
})

/** A directive that does not count (any more), whatever it says and supersedes. */
export const withoutEffect = (consent: Consent, why: 'revoked' | 'draft' | 'expired'): Consent => {
  const id = 'added'
  if (why === 'revoked') return { ...consent, id, status: 'inactive' }
  if (why === 'draft') return { ...consent, id, status: 'draft' }
  const past = { end: '2019' }
  if (dialectOf(consent) === 'R5') return { ...consent, id, period: past }
  return { ...consent, id, provision: { ...(consent.provision as Provision | undefined), period: past } }
}

type Json = unknown

/** The same with its lists in another order, some of their values twice; the texts and objects themselves as they are. */
export function shuffled(value: Json, random: () => number): Json {
  if (Array.isArray(value)) {
    const inner = value.map((each) => shuffled(each, random))
    const again = inner.filter(() => random() < 0.2)
    return [...inner, ...again]
      .map((each) => ({ each, place: random() }))
      .sort((left, right) => left.place - right.place)
      .map(({ each }) => each)
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shuffled(inner, random)]))
}

/** The attributes of a rule whose codes are of closed tables, each with one that its table does not have. */
const unknown: Readonly<Record<string, unknown>> = {
  purpose: { system: actReason, code: 'NONE-SUCH' },
  action: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentaction', code: 'none-such' }] },
  class: { system: 'http://hl7.org/fhir/resource-types', code: 'NoneSuch' },
  resourceType: { system: 'http://hl7.org/fhir/resource-types', code: 'NoneSuch' },
  securityLabel: { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'none-such' },
  code: { text: 'none such' },
}

/** Every way to put one unknown code in the place of a code of a value. */
export function withUnknownCodes(value: Json): Json[] {
  if (Array.isArray(value)) {
    return value.flatMap((each, index) => withUnknownCodes(each).map((odd) => value.with(index, odd) as Json))
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => {
    const odd = unknown[name]
    const here =
      odd !== undefined && Array.isArray(inner)
        ? inner.map((_each, index) => ({ ...value, [name]: inner.with(index, odd) as Json }))
        : []
    return [...here, ...withUnknownCodes(inner).map((changed) => ({ ...value, [name]: changed }))]
  })
}

export const reasonNotToCount = often<'revoked' | 'draft' | 'expired'>(
  [1, 'revoked'],
  [1, 'draft'],
  [1, 'expired'],
)

/** A fixed choice of chances, so that a failure can be repeated. */
export const chances: fc.Arbitrary<() => number> = fc.integer({ min: 1, max: 2 ** 31 - 2 }).map((seed) => {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
})

import * as fc from 'fast-check'
import type { Coding, Consent, Extension, Provision, Reference } from './case.ts'
import { actCode, consentCategory, consentScope, loinc } from './codes.ts'
import * as pool from './pools.ts'

const { fewOf, members, often, seldom } = pool

/** How often an attribute comes: once in so many rules. */
const oneIn = { request: 5, record: 10, rare: 60 }

const modifierExtension = seldom(fc.constant([{ url: 'urn:not', valueBoolean: true }]), oneIn.rare)

const actor = members({
  role: seldom(pool.roles, 2),
  reference: fc.oneof(
    { weight: 9, arbitrary: pool.partyReference },
    { weight: 1, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constant({ display: 'somebody' }) },
  ),
  modifierExtension,
})

const data = fc.record({
  meaning: often([3, 'instance'], [3, 'related'], [1, 'dependents'], [5, 'authoredby'], [1, 'gossip']),
  thing: fc.constantFrom(...pool.things),
  party: pool.partyReference,
  odd: modifierExtension,
})
const datum = data.map(({ meaning, thing, party, odd }) => ({
  meaning,
  ...(odd === undefined ? {} : { modifierExtension: odd }),
  reference: meaning === 'authoredby' ? party : { reference: thing },
}))

/** The conditions that both dialects write alike. */
export const attributes = members({
  actor: seldom(fewOf(actor), oneIn.request),
  action: seldom(fewOf(pool.actions), oneIn.record),
  purpose: seldom(fewOf(pool.purposes), oneIn.request),
  code: seldom(fewOf(pool.codes), oneIn.record),
  data: seldom(fewOf(datum), oneIn.record),
  dataPeriod: seldom(pool.dataPeriod, oneIn.record),
  securityLabel: seldom(fewOf(pool.ruleLabels), oneIn.record),
})

/** Classes of resources or of documents, not both at once: R4 writes them as one attribute, R5 as two. */
export const classes: fc.Arbitrary<{ readonly resource?: Coding[]; readonly document?: Coding[] }> = fc.oneof(
  { weight: 10, arbitrary: fc.constant({}) },
  { weight: 2, arbitrary: fewOf(pool.resourceClasses).map((resource) => ({ resource })) },
  { weight: 1, arbitrary: fewOf(pool.documentClasses).map((document) => ({ document })) },
)

/** What nobody can understand, seldom. */
const oddities = members({
  period: seldom(pool.validity, 15),
  modifierExtension,
  whim: seldom(fc.constant('strange'), 2 * oneIn.rare),
})

const both = <Left extends object, Right extends object>(
  left: fc.Arbitrary<Left>,
  right: fc.Arbitrary<Right>,
): fc.Arbitrary<Left & Right> => fc.tuple(left, right).map(([one, other]) => ({ ...one, ...other }))

const mixedClasses = fc.oneof(
  { weight: 9, arbitrary: classes },
  {
    weight: 1,
    arbitrary: fc.record({ resource: fewOf(pool.resourceClasses), document: fewOf(pool.documentClasses) }),
  },
)

const classR4 = mixedClasses.map(({ resource, document }) =>
  resource === undefined && document === undefined
    ? {}
    : { class: [...(resource ?? []), ...(document ?? [])] },
)
const classR5 = mixedClasses.map(({ resource, document }) => ({
  ...(resource === undefined ? {} : { resourceType: resource }),
  ...(document === undefined ? {} : { documentType: document }),
}))

const type = often<string | undefined>([20, 'permit'], [8, 'deny'], [1, undefined], [1, 'maybe'])

/** Rules within rules, fewer the deeper. */
function nested(rule: fc.Arbitrary<Provision>, depth: number): fc.Arbitrary<Provision> {
  if (depth <= 1) return rule
  const inner = fc.array(nested(rule, depth - 1), { minLength: 1, maxLength: depth === 2 ? 2 : 3 })
  return fc
    .tuple(rule, seldom(inner, 2))
    .map(([outer, provision]) => (provision === undefined ? outer : { ...outer, provision }))
}

const depth = often([5, 1], [6, 2], [5, 3], [1, 4])
const ruleR4 = both(both(attributes, both(classR4, oddities)), members({ type }))
const ruleR5 = both(
  both(attributes, both(classR5, oddities)),
  members({ expression: seldom(fc.constant({ language: 'text/cql', expression: 'true' }), oneIn.rare) }),
)

const patientReference: fc.Arbitrary<Reference | undefined> = often<Reference | undefined>(
  [40, { reference: 'Patient/p' }],
  [2, { reference: 'https://fhir.example/Patient/p/_history/2' }],
  [2, { identifier: pool.identifierOfPatient }],
  [1, { reference: 'Patient/other' }],
  [1, { display: 'a patient' }],
  [1, undefined],
)

const extension: fc.Arbitrary<Extension[]> = fc
  .record({
    url: fc.constantFrom('urn:medledger:supersedes', 'http://hl7.org/fhir/StructureDefinition/replaces'),
    target: fc.constantFrom('Consent/c0', 'Consent/c1', 'https://fhir.example/Consent/c2'),
    by: fc.constantFrom('valueUri', 'valueCanonical', 'valueReference'),
  })
  .map(({ url, target, by }) => [{ url, [by]: by === 'valueReference' ? { reference: target } : target }])

const coded = (system: string, code: string): Coding => ({ system, code })
const policyRule = often(
  [4, { coding: [coded(actCode, 'OPTIN')] }],
  [2, { coding: [coded(actCode, 'OPTOUT')] }],
  [1, { coding: [coded(actCode, 'OPTIN'), coded(actCode, 'OPTOUT')] }],
  [1, { coding: [coded('urn:policies', 'OPTIN')] }],
)
const scope = often(
  [30, { coding: [coded(consentScope, 'patient-privacy')] }],
  [1, { coding: [coded(consentScope, 'research')] }],
  [1, { coding: [coded(consentScope, 'gossip')] }],
  [1, undefined],
)
const category = fewOf(
  often(
    [12, { coding: [coded(consentScope, 'patient-privacy')] }],
    [4, { coding: [coded(loinc, '59284-0')] }],
    [4, { coding: [coded(actCode, 'INFA')] }],
    [2, { coding: [coded(consentCategory, 'research')] }],
    [1, { coding: [coded('urn:categories', 'odd')] }],
    [1, { text: 'odd' }],
  ),
)
const dates = seldom(
  fc.constantFrom('2023', '2023-04', '2023-04-01', '2023-12-31T23:00:00-01:00', '2024-01'),
  2,
).map((date) => date ?? '2023-04-01')

/** What both dialects have at the top, seldom amiss. */
const head = (ofStatus: string): fc.Arbitrary<Partial<Consent>> =>
  members({
    status: often([24, 'active'], [1, 'draft'], [1, 'inactive'], [1, 'entered-in-error'], [1, ofStatus]),
    extension: seldom(extension, 10),
    implicitRules: seldom(fc.constant('urn:rules'), oneIn.rare),
    modifierExtension,
    whim: seldom(fc.constant('strange'), oneIn.rare),
  })

export const consentR4: fc.Arbitrary<Consent> = fc
  .record({
    head: head('rejected'),
    rest: members({
      scope,
      patient: patientReference,
      dateTime: often([6, true], [1, false]).chain((dated) => (dated ? dates : fc.constant(undefined))),
      policyRule: seldom(policyRule, 3),
    }),
    provision: seldom(
      depth.chain((levels) => nested(ruleR4, levels)),
      40,
    ),
    always: depth.chain((levels) => nested(ruleR4, levels)),
    untyped: often([5, false], [1, true]),
    withPeriod: seldom(pool.validity, 3),
  })
  .map(({ head, rest, provision, always, untyped, withPeriod }) => {
    const { type, ...without } = always
    const root = { ...without, ...(untyped || type === undefined ? {} : { type }) }
    const valid = withPeriod === undefined ? root : { ...root, period: withPeriod }
    return {
      resourceType: 'Consent' as const,
      ...head,
      ...rest,
      ...(provision === undefined ? { provision: valid } : {}),
    }
  })

export const consentR5: fc.Arbitrary<Consent> = fc
  .record({
    head: head('not-done'),
    rest: members({
      category: seldom(category, 30).map(
        (odd) => odd ?? [{ coding: [coded(consentScope, 'patient-privacy')] }],
      ),
      subject: patientReference,
      date: often([6, true], [1, false]).chain((dated) => (dated ? dates : fc.constant(undefined))),
      decision: often<string | undefined>([12, 'deny'], [12, 'permit'], [1, 'maybe'], [1, undefined]),
      period: seldom(pool.validity, 3),
      scope: seldom(scope, oneIn.rare),
    }),
    provision: fc.array(
      depth.chain((levels) => nested(ruleR5, levels)),
      { maxLength: 3 },
    ),
  })
  .map(({ head, rest, provision }) => ({
    resourceType: 'Consent' as const,
    ...head,
    ...rest,
    provision,
  }))

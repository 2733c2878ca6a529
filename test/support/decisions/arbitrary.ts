import * as fc from 'fast-check'
import { consentR4, consentR5 } from './arbitrary-consent.ts'
import type {
  Consent,
  DecisionCase,
  DefaultPolicy,
  Party,
  Purpose,
  Reference,
  Request,
  Resource,
} from './case.ts'
import * as pool from './pools.ts'
import { isSmall } from './reference.ts'

const { fewOf, members, often, seldom } = pool

const purpose: fc.Arbitrary<Purpose[]> = often<Purpose[]>(
  [10, ['TREAT']],
  [8, ['BTG']],
  [4, ['TREAT', 'BTG']],
  [3, ['HRESCH']],
  [2, ['CLINTRCH']],
  [2, ['COC']],
  [2, ['ETREAT']],
  [2, ['TREAT', 'HRESCH']],
  [1, ['BTG', 'HRESCH']],
  [1, ['BTG', 'ETREAT']],
  [1, ['SNOOP']],
  [1, [{ system: 'urn:purposes', code: 'TREAT' }]],
  [1, [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'TREAT' }]],
)

const parties: readonly Party[] = [
  ...[
    'Practitioner/a',
    'Practitioner/b',
    'Organization/h',
    'RelatedPerson/k',
    'Group/kind',
    'CareTeam/c',
  ].map((reference) => ({ reference })),
  pool.identifierOfA,
  pool.identifierOfH,
]
const actors = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.constant(['Practitioner/a', 'Organization/h'].map((reference) => ({ reference }))),
  },
  { weight: 5, arbitrary: fc.subarray([...parties], { minLength: 1, maxLength: 4 }) },
)

const request: fc.Arbitrary<Request> = members({
  patient: often<Request['patient']>([15, 'Patient/p'], [1, pool.identifierOfPatient]),
  actors,
  role: seldom(fc.constantFrom('NURSE', 'DOCTOR', 'PRCP'), 3),
  action: often<string | undefined>([10, undefined], [2, 'access'], [1, 'use'], [1, 'disclose']),
  class: seldom(fc.constantFrom('Observation', 'Condition', 'DocumentReference'), 8),
  purpose,
  at: pool.at,
}) as fc.Arbitrary<Request>

const subject: fc.Arbitrary<Reference | undefined> = often<Reference | undefined>(
  [30, { reference: 'Patient/p' }],
  [2, { identifier: pool.identifierOfPatient }],
  [1, { reference: 'https://fhir.example/Patient/p' }],
  [1, { reference: 'Patient/other' }],
  [1, { display: 'a patient' }],
  [1, undefined],
)

const author: fc.Arbitrary<Reference> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc
      .constantFrom(...pool.people.slice(0, 3), 'PractitionerRole/r')
      .map((reference) => ({ reference })),
  },
  { weight: 2, arbitrary: fc.constantFrom({ identifier: pool.identifierOfA }, { display: 'somebody' }) },
)
const security = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  { weight: 5, arbitrary: fewOf(pool.recordLabels) },
)
const meta = security.map((labels) => (labels === undefined ? undefined : { security: labels }))
const reference = fc.constantFrom(...pool.things).map((named) => ({ reference: named }))
const period = fc
  .tuple(pool.clinicalDates, pool.clinicalDates)
  .map(([one, other]) => (one <= other ? { start: one, end: other } : { start: other, end: one }))
const optionalDate = fc.oneof(
  { weight: 6, arbitrary: pool.clinicalDates },
  { weight: 1, arbitrary: fc.constant(undefined) },
)
const concept = fewOf(fc.constantFrom(...pool.clinicalCodes)).map((coding) => ({ coding }))
const documentConcept = fewOf(fc.constantFrom(...pool.documentTypes)).map((coding) => ({ coding }))

const observation = members({
  resourceType: fc.constant('Observation'),
  id: fc.constantFrom('o1', 'o2'),
  meta,
  subject,
  code: concept,
  valueCodeableConcept: seldom(concept, 4),
  effectiveDateTime: optionalDate,
  effectivePeriod: seldom(period, 8),
  issued: seldom(fc.constant('2023-01-01T00:00:00Z'), 8),
  performer: seldom(fewOf(author), 2),
  encounter: seldom(reference, 3),
  contained: seldom(
    members({ resourceType: fc.constant('Specimen'), id: fc.constant('s'), meta }).map((it) => [it]),
    20,
  ),
})

const condition = members({
  resourceType: fc.constant('Condition'),
  id: fc.constantFrom('c1', 'c2'),
  meta,
  subject,
  category: seldom(
    concept.map((one) => [one]),
    3,
  ),
  code: concept,
  onsetDateTime: seldom(pool.clinicalDates, 2),
  recordedDate: optionalDate,
  recorder: seldom(author, 2),
  encounter: seldom(reference, 3),
})

const encounter = members({
  resourceType: fc.constant('Encounter'),
  id: fc.constant('e1'),
  meta,
  subject,
  class: fc.constant({ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' }),
  period,
  participant: seldom(
    author.map((individual) => [{ individual }]),
    2,
  ),
})

const documentReference = members({
  resourceType: fc.constant('DocumentReference'),
  id: fc.constantFrom('d1', 'd2'),
  meta,
  subject,
  type: documentConcept,
  category: seldom(
    documentConcept.map((one) => [one]),
    3,
  ),
  context: seldom(
    period.map((when) => ({ period: when })),
    3,
  ),
  date: optionalDate,
  author: seldom(fewOf(author), 2),
  content: fc.constantFrom([], [{ attachment: {}, format: pool.documentFormat }]),
  related: seldom(reference, 3),
})

const composition = members({
  resourceType: fc.constant('Composition'),
  id: fc.constant('head'),
  meta,
  subject,
  type: documentConcept,
})
const bundle = fc.record({ meta, head: composition, inner: observation }).map(({ meta, head, inner }) => ({
  resourceType: 'Bundle',
  id: 'b1',
  type: 'document',
  ...(meta === undefined ? {} : { meta }),
  entry: [
    { resource: head },
    { resource: { ...inner, ...(head.subject === undefined ? {} : { subject: head.subject }) } },
  ],
}))
const patient = members({ resourceType: fc.constant('Patient'), id: fc.constantFrom('p', 'other'), meta })

export const record: fc.Arbitrary<Resource> = fc.oneof(
  { weight: 8, arbitrary: observation },
  { weight: 4, arbitrary: condition },
  { weight: 2, arbitrary: encounter },
  { weight: 5, arbitrary: documentReference },
  { weight: 1, arbitrary: bundle },
  { weight: 1, arbitrary: patient },
) as fc.Arbitrary<Resource>

export const records: fc.Arbitrary<Resource[]> = fc.uniqueArray(record, {
  maxLength: 4,
  selector: ({ resourceType, id }) => `${resourceType}/${id}`,
})

export const consent: fc.Arbitrary<Consent> = fc.oneof(consentR4, consentR5)

export const defaultPolicy: fc.Arbitrary<DefaultPolicy> = often<DefaultPolicy>(
  [3, 'deny'],
  [2, 'basic-normal'],
  [2, 'all-normal'],
  [2, 'break-glass-only'],
)

/** Cases of `medledger decide`; of four the consents have ids, of the fifth some have none. */
export const decisionCase: fc.Arbitrary<DecisionCase> = fc
  .record({
    consents: often([2, 0], [6, 1], [5, 2], [3, 3], [2, 4]).chain((length) =>
      fc.array(consent, { minLength: length, maxLength: length }),
    ),
    named: often([4, true], [1, false]),
    request,
    records,
    directory: seldom(pool.directory, 2),
    defaultPolicy,
    combining: often<DecisionCase['combining']>([4, undefined], [2, 'deny-overrides'], [2, 'newest-wins']),
  })
  .map(({ consents, named, directory, combining, ...rest }) => ({
    ...rest,
    consents: consents.map((each, index) => (named || index % 2 === 0 ? { ...each, id: `c${index}` } : each)),
    ...(directory === undefined ? {} : { directory }),
    ...(combining === undefined ? {} : { combining }),
  }))
  .filter(isSmall)

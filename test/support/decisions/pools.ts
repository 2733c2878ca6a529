import * as fc from 'fast-check'
import type { Coding, Concept, Period, Reference, Resource } from './case.ts'
import {
  actCode,
  actReason,
  confidentiality,
  consentAction,
  fhirTypes,
  levels,
  loinc,
  observationValue,
  participationType,
  resourceTypes,
  roleCode,
} from './codes.ts'

/** The values of random cases: few of each kind, so that rules, requests and records meet often. */

/** One of several, each with how often it comes. */
export const often = <Value>(...weighted: readonly (readonly [number, Value])[]): fc.Arbitrary<Value> =>
  fc.oneof(...weighted.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })))

/** Undefined all but once in so many times. */
export const seldom = <Value>(value: fc.Arbitrary<Value>, oneIn: number): fc.Arbitrary<Value | undefined> =>
  fc.oneof({ weight: oneIn - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value })

/** An object without the members that are undefined. */
export const members = <Shape extends object>(shape: {
  readonly [Name in keyof Shape]: fc.Arbitrary<Shape[Name]>
}): fc.Arbitrary<{ [Name in keyof Shape]?: Exclude<Shape[Name], undefined> }> =>
  fc.record<Shape>(shape).map(
    (value) =>
      Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
        [Name in keyof Shape]?: Exclude<Shape[Name], undefined>
      },
  )

/** One value, sometimes two or three. */
export const fewOf = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value[]> =>
  fc.oneof(
    { weight: 5, arbitrary: value.map((one) => [one]) },
    { weight: 3, arbitrary: fc.array(value, { minLength: 2, maxLength: 3 }) },
  )

export const at = fc.constantFrom(
  '2024-03-15T12:00:00Z',
  '2024-03-15T12:00:00Z',
  '2024-03-15T00:00:00Z',
  '2024-03-15T23:59:59.999Z',
  '2024-03-16T00:00:00Z',
  '2024-03-15T23:30:00-02:00',
  '2024-03-31T23:59:59Z',
  '2025-01-01T00:00:00Z',
)

const starts = ['2024', '2024-03', '2024-03-15', '2024-03-15T12:00:00Z', '2024-03-15T14:00:00+02:00', '2025']
const ends = ['2024', '2024-03', '2024-03-15', '2024-03-15T12:00:00Z', '2024-03-15T12:00:00-01:00', '2023']

const soundValidity = members({
  start: seldom(fc.constantFrom(...starts.slice(0, 5), '2020', '2020', ...starts), 2),
  end: seldom(fc.constantFrom(...ends.slice(0, 5), '2030', '2030', ...ends), 2),
}).filter(({ start, end }) => (start ?? end) !== undefined && (start ?? '') <= (end ?? '9'))

/** A validity period, within which most times fall; seldom one that cannot be understood. */
export const validity = fc.oneof(
  { weight: 40, arbitrary: soundValidity },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Period>(
      { start: '2030', end: '2020' },
      { end: '2030-02-30' },
      { start: 'long ago' },
      { until: '2030' } as Period,
    ),
  },
)

const days = [
  '2021',
  '2022',
  '2022-05',
  '2022-05-10',
  '2022-05-10T08:00:00Z',
  '2022-05-10T23:30:00-02:00',
  '2023-01',
]
export const clinicalDates = fc.constantFrom(
  ...days,
  '2022-05-09',
  '2022-05-11',
  '2022-05-10T12:00:00.500+02:00',
)

export const dataPeriod = members({
  start: seldom(fc.constantFrom('2021', '2022', '2022-05', '2022-05-10', '2022-05-10T08:00:00Z'), 2),
  end: seldom(fc.constantFrom('2022', '2022-05', '2022-05-10', '2022-05-10T08:00:00Z', '2023-01-01'), 2),
}).filter(({ start, end }) => (start ?? end) !== undefined && (start ?? '') <= (end ?? '9'))

export const people = ['Practitioner/a', 'Practitioner/b', 'Organization/h', 'RelatedPerson/k']
const groups = [
  'Group/team',
  'Group/kind',
  'Group/empty',
  'Group/elsewhere',
  'CareTeam/c',
  'PractitionerRole/r',
]
export const identifierOfA = { system: 'urn:npi', value: '1' }
export const identifierOfH = { system: 'urn:oid', value: '7' }
export const identifierOfPatient = { system: 'urn:mrn', value: '1' }

const refersTo = (reference: string): Reference => ({ reference })
export const partyReference: fc.Arbitrary<Reference> = fc.oneof(
  { weight: 10, arbitrary: fc.constantFrom(...people.slice(0, 3)).map(refersTo) },
  { weight: 4, arbitrary: fc.constantFrom(...people, ...groups).map(refersTo) },
  { weight: 1, arbitrary: fc.constant({ reference: 'https://fhir.example/Practitioner/a/_history/3' }) },
  { weight: 1, arbitrary: fc.constantFrom({ identifier: identifierOfA }, { identifier: identifierOfH }) },
  { weight: 1, arbitrary: fc.constant({ identifier: { system: 'urn:npi', value: '9' } }) },
)

/** Whom a case may list in its directory. */
const listed: readonly Resource[] = [
  { resourceType: 'Practitioner', id: 'a', identifier: [identifierOfA] },
  { resourceType: 'Organization', id: 'h', identifier: [identifierOfH] },
  {
    resourceType: 'PractitionerRole',
    id: 'r',
    practitioner: { reference: 'Practitioner/a' },
    organization: { reference: 'Organization/h' },
  },
  {
    resourceType: 'Group',
    id: 'team',
    actual: true,
    member: [
      { entity: { reference: 'Practitioner/b' } },
      { entity: { identifier: identifierOfA } },
      { entity: { reference: 'Organization/h' }, inactive: true },
    ],
  },
  { resourceType: 'Group', id: 'kind', actual: false, member: [{ entity: { reference: 'Practitioner/a' } }] },
  { resourceType: 'Group', id: 'empty', actual: true },
  { resourceType: 'Patient', id: 'p', identifier: [identifierOfPatient] },
]

const former = { end: '2023' }
const variants: Readonly<Record<string, readonly object[]>> = {
  PractitionerRole: [{ active: false }, { period: former }, { active: true, period: { start: '2020' } }],
  Group: [{ member: [{ entity: { reference: 'Practitioner/b' }, period: former }] }],
}

/** A directory; some of its roles and members are not in force any more. */
export const directory: fc.Arbitrary<Resource[]> = fc
  .tuple(fc.subarray([...listed]), fc.nat({ max: 9 }))
  .map(([some, choice]) =>
    some.map((each) => ({ ...each, ...(choice < 3 ? variants[each.resourceType]?.[choice] : {}) })),
  )

export const roles: fc.Arbitrary<Concept> = often(
  [6, { coding: [{ system: participationType, code: 'IRCP' }] }],
  [2, { coding: [{ system: participationType, code: 'PRCP' }] }],
  [2, { coding: [{ system: roleCode, code: 'DELEGATEE' }] }],
  [1, { coding: [{ system: 'urn:roles', code: 'NURSE' }] }],
  [1, { coding: [{ system: 'urn:roles', code: 'DOCTOR' }] }],
)

const action = (code: string): Concept => ({ coding: [{ system: consentAction, code }] })
export const actions: fc.Arbitrary<Concept> = often(
  [8, action('access')],
  [2, action('use')],
  [2, action('disclose')],
  [1, action('peep')],
  [1, { text: 'peep' }],
)

const reason = (code: string): Coding => ({ system: actReason, code })
export const purposes: fc.Arbitrary<Coding> = often(
  [8, reason('TREAT')],
  [6, reason('BTG')],
  [2, reason('ETREAT')],
  [2, reason('HRESCH')],
  [1, reason('CLINTRCH')],
  [1, reason('PurposeOfUse')],
  [1, { code: 'TREAT' }],
  [1, { system: 'urn:purposes', code: 'TREAT' }],
  [1, reason('SNOOP')],
)

export const resourceClasses: fc.Arbitrary<Coding> = often(
  [4, { system: resourceTypes, code: 'Observation' }],
  [2, { system: resourceTypes, code: 'Condition' }],
  [2, { system: fhirTypes, code: 'DocumentReference' }],
  [1, { code: 'Encounter' }],
  [1, { system: resourceTypes, code: 'Gossip' }],
)

export const documentTypes = ['11488-4', '18842-5'].map((code): Coding => ({ system: loinc, code }))
export const documentFormat: Coding = { system: 'urn:formats', code: 'pdf' }
export const documentClasses: fc.Arbitrary<Coding> = fc.constantFrom(...documentTypes, documentFormat)

export const clinicalCodes: readonly Coding[] = [
  { system: 'http://snomed.info/sct', code: '86406008' },
  { system: loinc, code: '8480-6' },
  { system: 'urn:codes', code: '8480-6' },
]
export const codes: fc.Arbitrary<Concept> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...clinicalCodes).map((coding) => ({ coding: [coding] })) },
  { weight: 1, arbitrary: fc.constant({ coding: [{ code: '8480-6' }] }) },
  { weight: 1, arbitrary: fc.constant({ coding: clinicalCodes.slice(0, 2) }) },
  { weight: 1, arbitrary: fc.constant({ coding: documentTypes.slice(0, 1) }) },
  { weight: 1, arbitrary: fc.constant({ text: 'blood pressure' }) },
)

const about = (code: string): Coding => ({ system: actCode, code })
const level = (code: string): Coding => ({ system: confidentiality, code })
const sensitivities = ['ETH', 'SUD', 'PSY', 'HIV', 'OPIOIDUD', 'SPI'].map(about)

export const ruleLabels: fc.Arbitrary<Coding> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('L', 'N', 'R', 'V').map(level) },
  { weight: 6, arbitrary: fc.constantFrom(...sensitivities) },
  { weight: 1, arbitrary: fc.constantFrom(level('X'), about('XYZ'), { system: 'urn:labels', code: 'VIP' }) },
)

export const recordLabels: fc.Arbitrary<Coding> = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...levels).map(level) },
  { weight: 8, arbitrary: fc.constantFrom(...sensitivities, about('ETHUD')) },
  { weight: 1, arbitrary: fc.constantFrom(level('X'), { system: 'urn:labels', code: 'VIP' }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(reason('HTEST'), about('NORDSCLCD'), {
      system: observationValue,
      code: 'PATAST',
    }),
  },
)

export const things = ['Observation/o1', 'Condition/c1', 'Encounter/e1', 'CarePlan/cp']

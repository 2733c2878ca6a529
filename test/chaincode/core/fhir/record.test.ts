import { describe, expect, test } from 'vitest'
import type { RecordFacts } from 'medledger-chaincode/core'
import { readDirectory } from '../../../../chaincode/src/core/fhir/directory.ts'
import { patientMatcher } from '../../../../chaincode/src/core/fhir/patient.ts'
import { readRecord } from '../../../../chaincode/src/core/fhir/record.ts'

type Json = Record<string, unknown>

const loinc = 'http://loinc.org'
const confidentiality = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality'
const actCode = 'http://terminology.hl7.org/CodeSystem/v3-ActCode'
const actReason = 'http://terminology.hl7.org/CodeSystem/v3-ActReason'
const observationValue = 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue'
const concept = (code: string): Json => ({ coding: [{ system: loinc, code }] })
const ref = (reference: string): Json => ({ reference })

function read(resource: Json, directory: Json[] = [], zone = 'UTC'): RecordFacts {
  const known = readDirectory(directory)
  const isPatient = patientMatcher('Patient/maria', known)
  return readRecord({ resourceType: 'Observation', id: 'o1', ...resource }, 7, {
    isPatient,
    directory: known,
    zone,
  })
}
const bundle = (...resources: Json[]): Json => ({
  resourceType: 'Bundle',
  type: 'document',
  entry: resources.map((resource) => ({ resource })),
})

test('of a resource that says nothing nothing is known', () => {
  expect(read({})).toStrictEqual({
    id: 'Observation/o1',
    ours: 2,
    type: 'Observation',
    classes: [],
    codes: [],
    allCodes: [],
    confidentiality: 3,
    sensitivities: [],
    authors: [],
    identifiedIn: [],
    isAuthorUnclear: true,
    references: [],
  })
})

test('a record is named by its type and id, or by its place', () => {
  expect(read({ id: undefined }).id).toBe('Observation/#7')
  expect(read({ id: 5 }).id).toBe('Observation/#7')
  expect(read({ resourceType: 5 })).toMatchObject({ id: '/o1', type: '' })
})

describe('a record is the patient’s', () => {
  const no = 0
  const unknown = 1
  const yes = 2
  const other = ref('Patient/tomas')
  test.each<[string, Json, number]>([
    ['by its subject', { subject: ref('Patient/maria') }, yes],
    ['not when its subject is another', { subject: other }, no],
    ['not when its patient is another', { patient: other }, no],
    ['not when its beneficiary is another', { beneficiary: other }, no],
    ['not when its individual is another', { individual: other }, no],
    ['not when it is for another', { for: other }, no],
    ['by all of its subjects', { subject: [ref('Patient/maria'), other] }, no],
    ['perhaps, when its subject is not named', { subject: { display: 'Maria' } }, unknown],
    [
      'perhaps, when its subject is a group',
      { subject: { identifier: { system: 'a', value: 'b' } } },
      unknown,
    ],
    ['not when one is another and one is not named', { subject: { display: 'M' }, patient: other }, no],
    ['when it is hers by its own id', { resourceType: 'Patient', id: 'maria' }, yes],
    ['not when it is another patient', { resourceType: 'Patient', id: 'tomas' }, no],
    ['not when it is a patient without an id', { resourceType: 'Patient', id: undefined }, no],
    ['when it names nobody', { performer: [other] }, yes],
    [
      'not when a resource within is another’s',
      { contained: [{ resourceType: 'Condition', subject: other }] },
      no,
    ],
    ['when what is no resource within names another', { component: [{ subject: other }] }, yes],
    ['not when what a bundle holds is another’s', bundle({ resourceType: 'Condition', subject: other }), no],
    [
      'when all that a bundle holds is hers',
      bundle({ resourceType: 'Condition', subject: ref('Patient/maria') }),
      yes,
    ],
  ])('%s', (_how, resource, expected) => expect(read(resource).ours).toBe(expected))
})

describe('the codes of a record', () => {
  test('are what it is about, as far as it says so itself', () => {
    const resource = {
      code: concept('a'),
      type: [concept('b')],
      category: [concept('c'), concept('a')],
      class: { system: loinc, code: 'd' },
      vaccineCode: concept('e'),
      medicationCodeableConcept: concept('f'),
      medication: { concept: concept('g'), reference: ref('Medication/m') },
      valueCodeableConcept: concept('h'),
      component: [{ code: concept('i') }],
    }
    const { codes, allCodes } = read(resource)
    expect(codes).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((code) => `${loinc}|${code}`))
    expect([...allCodes].sort()).toEqual(
      ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map((code) => `${loinc}|${code}`),
    )
  })

  test('need a code and no system', () => {
    expect(
      read({
        code: {
          coding: [{ code: 'a' }, { system: loinc }, { system: '', code: 'b' }, { system: loinc, code: '' }],
        },
      }).codes,
    ).toEqual(['|a', '|b'])
    expect(read({ code: concept('a')['coding'] }).codes).toEqual([`${loinc}|a`])
    expect(read({ code: 'a', medication: 'b' }).codes).toEqual([])
  })

  test('of a document include those of its composition', () => {
    const { codes, classes } = read(bundle({ resourceType: 'Composition', type: concept('a') }))
    expect([codes, classes]).toEqual([[`${loinc}|a`], [`${loinc}|a`]])
  })

  test('anywhere do not include labels and tags', () => {
    const meta = { security: [{ system: actCode, code: 'HIV' }], tag: [{ system: 'urn:x', code: 't' }] }
    expect(read({ meta, contained: [{ meta }] }).allCodes).toEqual([])
  })
})

describe('the type of a document', () => {
  const document = {
    type: concept('a'),
    category: [concept('b')],
    class: concept('c'),
    content: [{ format: { system: 'urn:format', code: 'd' } }, { attachment: {} }, 'x'],
  }
  const all = [...['a', 'b', 'c'].map((code) => `${loinc}|${code}`), 'urn:format|d']

  test.each(['DocumentReference', 'Composition', 'DocumentManifest'])('is that of a %s', (resourceType) =>
    expect(read({ resourceType, ...document }).classes).toEqual(all),
  )

  test('is that of the composition at the head of a bundle', () => {
    expect(
      read(
        bundle(
          { resourceType: 'Composition', type: concept('a') },
          { resourceType: 'Composition', type: concept('z') },
        ),
      ).classes,
    ).toEqual([`${loinc}|a`])
    expect(read(bundle({ resourceType: 'Observation', ...document })).classes).toEqual([])
    expect(read({ resourceType: 'Bundle' }).classes).toEqual([])
    expect(read({ resourceType: 'Bundle', entry: ['x'] }).classes).toEqual([])
    expect(
      read({
        resourceType: 'List',
        entry: [{ resource: { resourceType: 'Composition', type: concept('a') } }],
      }).classes,
    ).toEqual([])
  })

  test('is not that of what is no document', () => expect(read(document).classes).toEqual([]))
})

describe('labels', () => {
  const labelled = (...security: Json[]): [number, readonly string[]] => {
    const record = read({ meta: { security } })
    return [record.confidentiality, record.sensitivities]
  }
  const level = (code: string): Json => ({ system: confidentiality, code })
  const sensitivity = (code: string): Json => ({ system: actCode, code })

  test.each<[string, Json[], [number, string[]]]>([
    ['none: Normal', [], [3, []]],
    ['a level', [level('U')], [0, []]],
    ['the highest of several levels', [level('L'), level('R'), level('N')], [4, []]],
    ['a level that nobody knows: very restricted', [level('X')], [5, []]],
    ['a sensitivity alone: Restricted', [sensitivity('PSY')], [4, ['PSY']]],
    ['a sensitivity with a level', [sensitivity('PSY'), level('N')], [3, ['PSY']]],
    [
      'several sensitivities, sorted and once each',
      ['PSY', 'HIV', 'PSY'].map(sensitivity),
      [4, ['HIV', 'PSY']],
    ],
    ['a policy of handling', ['DELAU', 'NORDSCLCD', 'COMPT', 'OPTIN'].map(sensitivity), [3, []]],
    ['an unknown code of v3-ActCode', [sensitivity('NOSUCH')], [4, [`${actCode}|NOSUCH`]]],
    ['the top of the sensitivities', [sensitivity('*')], [4, [`${actCode}|*`]]],
    ['a purpose of the data', [{ system: actReason, code: 'HTEST' }], [3, []]],
    ['an observation about the data', [{ system: observationValue, code: 'SUBSETTED' }], [3, []]],
    ['a label of another system', [{ system: 'urn:x', code: 'VIP' }], [4, ['urn:x|VIP']]],
    [
      'a label of another system by the code of a sensitivity',
      [{ system: 'urn:x', code: 'HIV' }],
      [4, ['urn:x|HIV']],
    ],
    [
      'a label of another system by the code of a policy',
      [{ system: 'urn:x', code: 'DELAU' }],
      [4, ['urn:x|DELAU']],
    ],
    ['a label without a system', [{ code: 'R' }], [4, ['|R']]],
    ['a label without a code', [{ system: actCode, display: 'PSY' }], [3, []]],
  ])('%s', (_what, security, expected) => expect(labelled(...security)).toEqual(expected))

  test('of what is inside count too', () => {
    const meta = { security: [level('V'), sensitivity('SUD')] }
    for (const resource of [
      bundle({ resourceType: 'Condition', meta }),
      { contained: [{ resourceType: 'Condition', meta }] },
    ])
      expect(read(resource)).toMatchObject({ confidentiality: 5, sensitivities: ['SUD'] })
    expect(read({ meta: { security: level('V') } }).confidentiality).toBe(5)
  })

  test('that a document states of itself count too', () => {
    const securityLabel = [{ coding: [level('R'), sensitivity('HIV')] }]
    expect(read({ resourceType: 'DocumentReference', securityLabel })).toMatchObject({
      confidentiality: 4,
      sensitivities: ['HIV'],
    })
    expect(read({ securityLabel })).toMatchObject({ confidentiality: 3, sensitivities: [] })
    expect(read(bundle({ resourceType: 'DocumentReference', securityLabel })).confidentiality).toBe(4)
    expect(read({ resourceType: 'Composition', confidentiality: 'V' }).confidentiality).toBe(5)
    expect(read(bundle({ resourceType: 'Composition', confidentiality: 'R' })).confidentiality).toBe(4)
    expect(read({ resourceType: 'Composition', confidentiality: 'high' }).confidentiality).toBe(5)
    expect(read({ resourceType: 'Composition' }).confidentiality).toBe(3)
    expect(read({ confidentiality: 'V' }).confidentiality).toBe(3)
  })
})

describe('the clinical date', () => {
  const day = (text: string): { first: number; last: number } => ({
    first: Date.parse(text),
    last: Date.parse(text) + 86_400_000 - 1,
  })
  const date = '2026-01-15'

  test.each<[Json]>([
    [{ effectiveDateTime: date }],
    [{ onsetDateTime: date }],
    [{ performedDateTime: date }],
    [{ occurrenceDateTime: date }],
    [{ occurredDateTime: date }],
    [{ started: date }],
    [{ date }],
    [{ authoredOn: date }],
    [{ recordedDate: date }],
    [{ whenHandedOver: date }],
    [{ whenPrepared: date }],
    [{ issued: date }],
    [{ created: date }],
    [{ sent: date }],
    [{ dateAsserted: date }],
    [{ effectivePeriod: { start: date, end: date } }],
    [{ period: { start: date, end: date } }],
    [{ context: { period: { start: date, end: date } } }],
  ])('may be that of %j', (resource) => expect(read(resource).dated).toEqual(day(date)))

  test('is the first of them that is there', () => {
    const order: Json[] = [
      { effectiveInstant: '2026-01-01' },
      { onsetDateTime: '2026-01-02' },
      { performedDateTime: '2026-01-03' },
      { occurrenceDateTime: '2026-01-04' },
      { occurredDateTime: '2026-01-05' },
      { started: '2026-01-08' },
      { date: '2026-01-09' },
      { authoredOn: '2026-01-10' },
      { recordedDate: '2026-01-11' },
      { whenHandedOver: '2026-01-12' },
      { whenPrepared: '2026-01-13' },
      { issued: '2026-01-14' },
      { created: '2026-01-15' },
      { sent: '2026-01-16' },
      { dateAsserted: '2026-01-17' },
    ]
    order.forEach((first, index) => {
      const resource = Object.assign({}, ...order.slice(index).toReversed()) as Json
      expect(read(resource).dated).toEqual(day(String(Object.values(first)[0])))
    })
    const both = { date: '2026-01-09', context: { period: { start: date, end: date } } }
    expect(read(both).dated).toEqual(day(date))
    expect(read({ ...both, period: { start: '2026-01-01', end: '2026-01-01' } }).dated).toEqual(
      day('2026-01-01'),
    )
  })

  test('of a document is that of its composition', () =>
    expect(
      read({ ...bundle({ resourceType: 'Composition', date }), timestamp: '2026-02-01T00:00:00Z' }).dated,
    ).toEqual(day(date)))

  test('is not there when it is told in words, whatever other date there is', () => {
    for (const member of ['onsetString', 'onsetAge', 'onsetRange', 'occurrenceTiming'])
      expect(read({ [member]: 'at ten', recordedDate: date }).dated).toBeUndefined()
    expect(read({ date: 'yesterday', issued: date }).dated).toBeUndefined()
    expect(read({ onsetX: 'x', effectiveness: 'y', recordedDate: date }).dated).toEqual(day(date))
    expect(read({}).dated).toBeUndefined()
    expect(read({ context: 'x' }).dated).toBeUndefined()
  })

  test('of a period reaches as far as it says', () => {
    expect(read({ period: { start: date } }).dated).toEqual({ first: Date.parse(date), last: Infinity })
    expect(read({ period: { end: date } }).dated).toEqual({ first: -Infinity, last: day(date).last })
    expect(read({ period: {} }).dated).toBeUndefined()
    expect(read({ period: { start: 'x', end: date } }).dated).toBeUndefined()
    expect(read({ period: { start: date, end: 'x' } }).dated).toBeUndefined()
  })

  test('is a day in the zone', () =>
    expect(read({ date }, [], 'Europe/Zurich').dated).toEqual({
      first: day(date).first - 3_600_000,
      last: day(date).last - 3_600_000,
    }))
})

describe('the authors of a record', () => {
  const okafor = ref('Practitioner/okafor')
  const authors = (resource: Json, directory: Json[] = []): [readonly string[], boolean] => {
    const record = read(resource, directory)
    return [[...record.authors].sort(), record.isAuthorUnclear]
  }

  test.each([
    'author',
    'performer',
    'recorder',
    'asserter',
    'requester',
    'sender',
    'assessor',
    'informationSource',
    'participant',
  ])('may be its %s', (name) => {
    expect(authors({ [name]: okafor })).toEqual([['Practitioner/okafor'], false])
    expect(authors({ [name]: [okafor, ref('Organization/north')] })).toEqual([
      ['Organization/north', 'Practitioner/okafor'],
      false,
    ])
  })

  test.each(['actor', 'individual', 'agent', 'member'])('may be the %s within', (name) =>
    expect(authors({ performer: [{ function: {}, [name]: okafor }] })).toEqual([
      ['Practitioner/okafor'],
      false,
    ]),
  )

  test('are all of them', () =>
    expect(authors({ recorder: okafor, asserter: ref('Patient/maria') })).toEqual([
      ['Patient/maria', 'Practitioner/okafor'],
      false,
    ]))

  test('are unclear when there is none, or one who is not named', () => {
    expect(authors({})).toEqual([[], true])
    expect(authors({ performer: [{ display: 'Dr Okafor' }] })).toEqual([[], true])
    expect(authors({ performer: [okafor, { display: 'Dr Chen' }] })).toEqual([['Practitioner/okafor'], true])
    expect(authors({ performer: [ref('#p')] })).toEqual([[], true])
    expect(authors({ performer: ['Practitioner/okafor'] })).toEqual([[], true])
    expect(authors({ performer: [ref('urn:uuid:1')] })).toEqual([['urn:uuid:1'], true])
    expect(authors({ performer: [{ identifier: { system: 'urn:gln', value: '1' } }] })).toEqual([
      ['urn:gln|1'],
      true,
    ])
  })

  test('have all the names that the directory has for them', () => {
    const person = {
      resourceType: 'Practitioner',
      id: 'okafor',
      identifier: [{ system: 'urn:gln', value: '1' }],
    }
    const byIdentifier = { performer: [{ identifier: { system: 'urn:gln', value: '1' } }] }
    expect(authors(byIdentifier, [person])).toEqual([['Practitioner/okafor', 'urn:gln|1'], false])
  })

  test('wrote in a role as a person at an organisation', () => {
    const role = {
      resourceType: 'PractitionerRole',
      id: 'r',
      practitioner: okafor,
      organization: ref('Organization/north'),
    }
    const inRole = { author: [ref('PractitionerRole/r')] }
    const all = ['Organization/north', 'Practitioner/okafor', 'PractitionerRole/r']
    expect(authors(inRole, [role])).toEqual([all, false])
    expect(authors(inRole)).toEqual([['PractitionerRole/r'], true])
    expect(authors(inRole, [{ ...role, practitioner: { display: 'Dr Okafor' } }])).toEqual([
      ['Organization/north', 'PractitionerRole/r'],
      true,
    ])
  })

  test('of a document are those of its composition', () =>
    expect(authors(bundle({ resourceType: 'Composition', author: [okafor] }))).toEqual([
      ['Practitioner/okafor'],
      false,
    ]))
})

test('a record refers to whatever it names anywhere, once each', () => {
  const { references } = read({
    subject: ref('Patient/maria'),
    encounter: ref('https://example.org/Encounter/e'),
    component: [{ extension: [{ valueReference: ref('Encounter/e') }] }],
    contained: [{ resourceType: 'Condition', encounter: ref('Encounter/f') }],
    note: [{ reference: 5 }, ref('#x')],
  })
  expect([...references].sort()).toEqual(['Encounter/e', 'Encounter/f', 'Patient/maria'])
})

test('however deeply a record is nested, it is read', () => {
  let nested: Json = { code: concept('deep') }
  for (let depth = 0; depth < 100_000; depth++) nested = { inner: nested }
  expect(read(nested).allCodes).toEqual([`${loinc}|deep`])
})

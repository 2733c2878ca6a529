import { describe, expect, test } from 'vitest'
import {
  decide,
  denialOfParts,
  describedRecord,
  partsOf,
  toDirective,
  utc,
  type Facts,
  type RecordFacts,
} from 'medledger-chaincode/core'
import { consentOf } from '../../support/ledger-consents.ts'

type Json = Record<string, unknown>

const loinc = (code: string): { system: string; code: string } => ({ system: 'http://loinc.org', code })
const psy = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY' }
const confidential = (code: string): { system: string; code: string } => ({
  system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality',
  code,
})
const purpose = (code: string): Json => ({
  system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason',
  code,
})
const ofType = (code: string): Json => ({ class: [{ system: 'http://hl7.org/fhir/resource-types', code }] })
const document = {
  document: `north-${'d'.repeat(32)}`,
  type: loinc('34133-9'),
  date: '2025-11-03',
  author: 'e'.repeat(32),
}

const composition = { resourceType: 'Composition', date: '2025-11-03', author: [{ display: 'the ward' }] }
const bundleOf = (...resources: readonly Json[]): Json => ({
  resourceType: 'Bundle',
  type: 'document',
  entry: [composition, ...resources].map((resource, index) => ({ fullUrl: `urn:uuid:${index}`, resource })),
})

/** R5 directives have a decision; the others are provisions of R4. */
function directive(rule: Json, index: number): Facts['directives'][number] {
  const category = [{ coding: [loinc('59284-0')] }]
  const resource =
    rule['decision'] === undefined
      ? consentOf(rule)
      : { resourceType: 'Consent', status: 'active', category, ...rule }
  const mapped = toDirective(String(index), resource, utc)
  if (mapped.kind !== 'directive') throw new Error(JSON.stringify(mapped))
  return mapped.directive
}

const factsOf = (rules: readonly Json[], more: Partial<Facts> = {}): Facts => ({
  at: Date.UTC(2026, 0, 1),
  purposes: ['TREAT'],
  action: 'access',
  asker: {
    references: new Set(['Practitioner/a']),
    identifiers: new Set(),
    groups: new Set(),
    role: 'doctor',
  },
  directives: rules.map(directive),
  defaultPolicy: 'all-normal',
  combining: 'deny-overrides',
  records: [],
  ...more,
})

type Described = Parameters<typeof describedRecord>[0]

/** What becomes of a document that is permitted as a whole: the consents that deny a part. */
function denial(
  rules: readonly Json[],
  bundle: Json,
  { facts: more = {}, described = {} }: { facts?: Partial<Facts>; described?: Partial<Described> } = {},
): readonly string[] | undefined {
  const record: RecordFacts = describedRecord({ ...document, ...described }, utc)
  const facts = factsOf(rules, more)
  expect(decide({ ...facts, records: [record] }).records[0]?.outcome).toBe('permit')
  return denialOfParts(facts, record, partsOf(bundle, utc))
}

const permit = { type: 'permit' }
const observation = { resourceType: 'Observation', id: 'o', code: { coding: [loinc('718-7')] } }

describe('a deny of something inside a document that is permitted as a whole', () => {
  test.each<[string, Json, Json]>([
    ['a type of resource', ofType('Observation'), observation],
    ['a code, wherever it stands', { code: [{ coding: [loinc('718-7')] }] }, observation],
    [
      'a code in something contained',
      { code: [{ coding: [loinc('718-7')] }] },
      { resourceType: 'DiagnosticReport', contained: [observation] },
    ],
    [
      'a contained type',
      ofType('Observation'),
      { resourceType: 'DiagnosticReport', contained: [observation] },
    ],
    [
      'a clinical date',
      { dataPeriod: { start: '2019', end: '2019' } },
      { ...observation, effectiveDateTime: '2019-06-01' },
    ],
    [
      'an author',
      { data: [{ meaning: 'authoredby', reference: { reference: 'Practitioner/x' } }] },
      { ...observation, performer: [{ reference: 'http://h.example/fhir/Practitioner/x' }] },
    ],
    [
      'an instance',
      { data: [{ meaning: 'instance', reference: { reference: 'Observation/o' } }] },
      observation,
    ],
    [
      'what refers to something',
      { data: [{ meaning: 'related', reference: { reference: 'Encounter/e' } }] },
      { ...observation, encounter: { reference: 'Encounter/e' } },
    ],
    [
      'a type with a label',
      { ...ofType('Observation'), securityLabel: [psy] },
      { ...observation, meta: { security: [psy] } },
    ],
  ])('by %s', (_what, rule, resource) => {
    expect(denial([permit, { type: 'deny', ...rule }], bundleOf(resource))).toEqual(['1'])
  })

  test.each<[string, Json, Json]>([
    ['of another type', ofType('Observation'), { resourceType: 'Condition', id: 'c' }],
    ['of another code', { code: [{ coding: [loinc('1-1')] }] }, observation],
    [
      'of another date',
      { dataPeriod: { start: '2019', end: '2019' } },
      { ...observation, issued: '2020-06-01' },
    ],
    ['for another purpose', { ...ofType('Observation'), purpose: [purpose('HRESCH')] }, observation],
    [
      'for somebody else',
      { ...ofType('Observation'), actor: [{ reference: { reference: `Practitioner/${'b'.repeat(32)}` } }] },
      observation,
    ],
    ['that is over', { ...ofType('Observation'), period: { end: '2025' } }, observation],
    ['of what has no such label', { ...ofType('Observation'), securityLabel: [psy] }, observation],
  ])('does not count when it is %s', (_what, rule, resource) => {
    expect(denial([permit, { type: 'deny', ...rule }], bundleOf(resource))).toBeUndefined()
  })

  test('counts for the patient herself as little as any other', () => {
    const rules = [{ type: 'deny', ...ofType('Observation') }]
    expect(denial(rules, bundleOf(observation), { facts: { self: true } })).toBeUndefined()
    expect(denial(rules, bundleOf(observation))).toEqual(['0'])
  })

  test('counts whatever basis the document is permitted on', () => {
    const own = { ...describedRecord(document, utc), isOwn: true }
    const facts = factsOf([{ type: 'deny', ...ofType('Observation') }], {
      isStaff: true,
      defaultPolicy: 'deny',
      records: [own],
    })
    expect(decide(facts).records).toMatchObject([{ outcome: 'permit', basis: 'author' }])
    expect(denialOfParts(facts, own, partsOf(bundleOf(observation), utc))).toEqual(['0'])
  })

  test('that another directive replaces does not count', () => {
    const facts = factsOf([permit, { type: 'deny', ...ofType('Observation') }])
    const [first, second] = facts.directives
    const replaced = { ...facts, directives: [{ ...first, supersedes: ['1'] }, second] } as Facts
    const record = describedRecord(document, utc)
    expect(denialOfParts(replaced, record, partsOf(bundleOf(observation), utc))).toBeUndefined()
  })

  test('names all consents that deny something, once', () => {
    const rules = [
      permit,
      { type: 'deny', ...ofType('Condition') },
      { type: 'deny', ...ofType('Observation') },
    ]
    const parts = bundleOf(observation, { ...observation, id: 'p' }, { resourceType: 'Condition', id: 'c' })
    expect(denial(rules, parts)).toEqual(['1', '2'])
  })
})

describe('what a permit names is asked of the document, not of its parts', () => {
  const inside = bundleOf(observation, { resourceType: 'Patient', id: 'p' }, { resourceType: 'Practitioner' })
  test.each<[string, Json[]]>([
    ['by its type', [{ type: 'permit', code: [{ coding: [loinc('34133-9')] }] }]],
    ['by its class', [{ type: 'permit', class: [loinc('34133-9')] }]],
    ['by its date', [{ type: 'permit', dataPeriod: { start: '2025', end: '2025' } }]],
    [
      'by R5’s exception from a deny of everything',
      [{ decision: 'deny', provision: [{ documentType: [loinc('34133-9')] }] }],
    ],
    [
      'by an exception from a nested deny of everything',
      [
        {
          type: 'permit',
          provision: [{ type: 'deny', provision: [{ type: 'permit', class: [loinc('34133-9')] }] }],
        },
      ],
    ],
  ])('a document that is permitted %s is released', (_how, rules) => {
    expect(denial(rules, inside)).toBeUndefined()
  })

  test('a deny within such an exception counts for each part', () => {
    const exception = {
      documentType: [loinc('34133-9')],
      provision: [{ resourceType: [{ code: 'Observation' }] }],
    }
    expect(denial([{ decision: 'deny', provision: [exception] }], inside)).toEqual(['0'])
  })
})

describe('an exception from a deny that is about parts only', () => {
  const deny = { type: 'deny', ...ofType('Observation') }
  const excepting = (exception: Json): Json[] => [
    permit,
    { ...deny, provision: [{ type: 'permit', ...exception }] },
  ]
  const described = { labels: [psy] }
  const unlabelled = bundleOf(observation, { resourceType: 'Condition', meta: { security: [psy] } })

  test('must be about the part itself, whatever its document has', () => {
    expect(denial(excepting({ securityLabel: [psy] }), unlabelled, { described })).toEqual(['1'])
    const labelled = bundleOf({ ...observation, meta: { security: [psy] } })
    expect(denial(excepting({ securityLabel: [psy] }), labelled, { described })).toBeUndefined()
  })

  test('by a code is by one that says what the part is', () => {
    const rule = excepting({ code: [{ coding: [loinc('718-7')] }] })
    expect(denial(rule, bundleOf(observation))).toBeUndefined()
    const mentioned = { resourceType: 'Observation', component: [{ code: { coding: [loinc('718-7')] } }] }
    expect(denial(rule, bundleOf(mentioned))).toEqual(['1'])
  })
})

describe('what a part does not say itself is as in its document', () => {
  const byDate = (year: string): Json[] => [permit, { type: 'deny', dataPeriod: { start: year, end: year } }]
  const byAuthor = [
    permit,
    { type: 'deny', data: [{ meaning: 'authoredby', reference: { reference: 'Practitioner/x' } }] },
  ]

  test('its date and its author', () => {
    const plain = bundleOf({ resourceType: 'Patient' }, observation)
    expect(denial(byDate('2019'), plain)).toBeUndefined()
    expect(denial(byAuthor, plain)).toBeUndefined()
  })

  test('but not what it says and nobody can read: that is held back', () => {
    expect(denial(byDate('2019'), bundleOf({ resourceType: 'Condition', onsetString: 'long ago' }))).toEqual([
      '1',
    ])
    const unnamed = bundleOf({ ...observation, performer: [{ display: 'somebody' }] })
    expect(denial(byAuthor, unnamed)).toEqual(['1'])
  })

  test('the Composition’s author in words is the descriptor’s', () => {
    expect(denial(byAuthor, bundleOf())).toBeUndefined()
  })
})

describe('in an emergency', () => {
  const treatment = { type: 'deny', ...ofType('Observation'), purpose: [purpose('TREAT')] }
  const emergency = { type: 'permit', class: [loinc('34133-9')], purpose: [purpose('BTG')] }

  test('a permit of it by name, for the document, prevails over a deny of treatment and over no other', () => {
    const facts = { purposes: ['BTG'] }
    expect(denial([emergency, treatment], bundleOf(observation), { facts })).toBeUndefined()
    const { purpose: _any, ...always } = treatment as Json
    expect(denial([emergency, always], bundleOf(observation), { facts })).toEqual(['1'])
  })
})

describe('the parts of a document', () => {
  test('are known by their own names, where the Bundle refers to them by its own', () => {
    const bundle = {
      resourceType: 'Bundle',
      type: 'document',
      entry: [
        { fullUrl: 'urn:uuid:1', resource: composition },
        { fullUrl: 'urn:uuid:2', resource: { resourceType: 'Encounter', id: 'e' } },
        { fullUrl: 'http://h.example/fhir/Practitioner/x', resource: { resourceType: 'Practitioner' } },
        {
          fullUrl: 'urn:uuid:4',
          resource: {
            resourceType: 'Observation',
            encounter: { reference: 'urn:uuid:2' },
            performer: [{ reference: 'http://h.example/fhir/Practitioner/x' }],
          },
        },
      ],
    }
    const before = JSON.stringify(bundle)
    expect(partsOf(bundle, utc)).toMatchObject([
      {
        type: 'Observation',
        references: expect.arrayContaining(['Encounter/e']),
        authors: ['Practitioner/x'],
      },
      { type: 'Practitioner', id: 'Practitioner/x' },
      { type: 'Encounter', id: 'Encounter/e' },
      { type: 'Composition' },
    ])
    expect(JSON.stringify(bundle)).toBe(before)
  })

  test('that are alike are one, as plain JSON without what is empty', () => {
    const one = { resourceType: 'Condition', onsetPeriod: { start: '2020-01-01T00:00:00Z' } }
    const parts = partsOf({ resourceType: 'Bundle', entry: [{ resource: one }, { resource: one }] }, utc)
    expect(parts).toEqual([{ type: 'Condition', confidentiality: 3, first: Date.UTC(2020, 0, 1) }])
    expect(JSON.parse(JSON.stringify(parts))).toEqual(parts)
  })

  test.each([
    {},
    { resourceType: 'Bundle' },
    { resourceType: 'Bundle', entry: [null, 1, {}, { resource: [] }] },
  ])('of %j are none', (bundle) => expect(partsOf(bundle, utc)).toEqual([]))

  test('a Composition’s own date, where it can be read, counts beside the descriptor’s', () => {
    const old = { ...composition, date: '2015-01-01' }
    const rules = [permit, { type: 'deny', dataPeriod: { end: '2015' } }]
    expect(denial(rules, { resourceType: 'Bundle', entry: [{ resource: old }] })).toEqual(['1'])
  })

  test('confidentiality is that of each part', () => {
    const rules = [permit, { type: 'deny', ...ofType('Observation'), securityLabel: [confidential('R')] }]
    const restricted = { ...observation, meta: { security: [confidential('R')] } }
    const described = { labels: [confidential('R')] }
    expect(denial(rules, bundleOf(restricted), { described })).toEqual(['1'])
    expect(denial(rules, bundleOf(observation), { described })).toBeUndefined()
  })
})

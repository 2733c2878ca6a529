import { describe, expect, test } from 'vitest'
import type { Effect, Rule } from 'medledger-chaincode/core'
import { attributesOf } from '../../../../chaincode/src/core/fhir/provision.ts'

type Json = Record<string, unknown>

const loinc = 'http://loinc.org'
const actReason = 'http://terminology.hl7.org/CodeSystem/v3-ActReason'
const actCode = 'http://terminology.hl7.org/CodeSystem/v3-ActCode'
const confidentiality = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality'
const consentAction = 'http://terminology.hl7.org/CodeSystem/consentaction'
const resourceTypes = 'http://hl7.org/fhir/resource-types'
const fhirTypes = 'http://hl7.org/fhir/fhir-types'
const role = (...codes: string[]): Json => ({ coding: codes.map((code) => ({ code })) })

/** The attributes of a rule, and where something was not understood. */
function read(
  provision: Json,
  effect: Effect = 'permit',
): { rule: Omit<Rule, 'effect' | 'rules'>; unclear: string[] } {
  const unclear: string[] = []
  const rule = attributesOf(provision, effect, {
    path: 'P',
    zone: 'UTC',
    report: (path) => unclear.push(path),
  })
  return { rule, unclear }
}
const understood = (rule: object): object => ({ rule, unclear: [] })
const not = (name: string, value: object): object => ({
  rule: { [name]: value },
  unclear: [`P.${name.replace(/s$/, '')}`],
})

test('an absent attribute is no constraint', () => expect(read({})).toStrictEqual(understood({})))

describe('an actor', () => {
  const south = { reference: 'Organization/south' }
  const gln = { system: 'urn:gln', value: '1' }
  test.each<[string, Json, Json]>([
    ['a reference', { reference: south }, south],
    ['an identifier', { reference: { identifier: gln } }, { identifier: 'urn:gln|1' }],
    ['both', { reference: { ...south, identifier: gln } }, { ...south, identifier: 'urn:gln|1' }],
    [
      'a reference at some server',
      { reference: { reference: 'https://x.org/Organization/south/_history/2' } },
      south,
    ],
    ['a reference as the recipient', { role: role('IRCP'), reference: south }, south],
    ['a reference as a representative', { role: role('HPOWATT'), reference: south }, south],
    [
      'a reference as several things, the recipient among them',
      { role: role('AUT', 'PRCP'), reference: south },
      south,
    ],
    ['a reference in another role', { role: role('nurse'), reference: south }, { ...south, role: 'nurse' }],
    [
      'a reference in a role that has no code',
      { role: { text: 'nurse' }, reference: south },
      { ...south, role: '?' },
    ],
    ['a role', { role: role('doctor') }, { role: 'doctor' }],
    ['the first of several roles', { role: role('doctor', 'nurse') }, { role: 'doctor' }],
    ['whoever receives information', { role: role('IRCP') }, { anybody: true }],
    ['whoever receives information, in other words too', { role: role('x', 'IRCP') }, { anybody: true }],
    ['a representative in general', { role: role('PRCP') }, { role: 'PRCP' }],
    ['with an id and an extension', { id: 'a', extension: [], role: role('doctor') }, { role: 'doctor' }],
  ])('is %s', (_what, actor, expected) =>
    expect(read({ actor: [actor] })).toStrictEqual(understood({ actors: [expected] })),
  )

  test.each<[string, unknown]>([
    ['that is null', null],
    ['that is a text', 'Organization/south'],
    ['without anything', {}],
    ['by display alone', { reference: { display: 'South' } }],
    ['within the Consent', { reference: { reference: '#south' } }],
    ['in a role without a code', { role: { text: 'doctor' } }],
  ])('%s is not understood', (_what, actor) => {
    expect(read({ actor: [actor] })).toEqual(not('actors', [{ role: '?' }]))
    expect(read({ actor: [{ reference: south }, actor] })).toEqual(not('actors', [south, { role: '?' }]))
  })

  const absent = {
    url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason',
    valueCode: 'not-applicable',
  }
  test('has in R4 a role alone by a reference that says it does not apply, and nothing else', () => {
    const of = (value: unknown): object => read({ actor: [{ role: role('doctor'), reference: value }] })
    expect(of({ extension: [absent] })).toEqual(understood({ actors: [{ role: 'doctor' }] }))
    const others = [
      {},
      'x',
      { extension: [] },
      { extension: [absent, absent] },
      { extension: [absent], display: 'x' },
      { extension: [{ ...absent, valueCode: 'unknown' }] },
      { extension: [{ ...absent, url: 'urn:x' }] },
      { extension: ['x'] },
    ]
    for (const value of others) expect(of(value)).toEqual(not('actors', [{ role: '?' }]))
    expect(read({ actor: [{ role: role('IRCP'), reference: { extension: [absent] } }] })).toEqual(
      understood({ actors: [{ anybody: true }] }),
    )
  })

  test('with a member that could change its meaning is not understood', () => {
    expect(read({ actor: [{ reference: south, modifierExtension: [{ url: 'x' }] }] })).toEqual({
      rule: { actors: [{ role: '?' }] },
      unclear: ['P.actor.modifierExtension', 'P.actor'],
    })
  })
})

describe('a purpose', () => {
  test.each<[Json, string]>([
    [{ system: actReason, code: 'TREAT' }, 'TREAT'],
    [{ code: 'HRESCH' }, 'HRESCH'],
    [{ system: 'urn:x', code: 'TREAT' }, 'urn:x|TREAT'],
    [{ system: actReason, code: 'PurposeOfUse' }, 'PurposeOfUse'],
  ])('%j is %s', (purpose, code) =>
    expect(read({ purpose: [purpose] })).toEqual(understood({ purposes: [code] })),
  )

  test.each([
    [{ system: actReason, code: 'MEDNEC' }],
    [{ code: 'TREATMENT' }],
    [{ system: actReason }],
    ['TREAT'],
    [null],
  ])('%j is not understood', (purpose) => {
    expect(read({ purpose: [purpose] })).toEqual(not('purposes', ['?']))
    expect(read({ purpose: [{ code: 'TREAT' }, purpose] })).toEqual(not('purposes', ['TREAT', '?']))
  })
})

describe('an action', () => {
  const action = (...codings: Json[]): Json => ({ coding: codings })
  test.each(['collect', 'access', 'use', 'disclose', 'correct'])('is %s', (code) => {
    expect(read({ action: [action({ system: consentAction, code })] })).toEqual(
      understood({ actions: [code] }),
    )
    expect(read({ action: [action({ code })] })).toEqual(understood({ actions: [code] }))
  })

  test('may be said in words of others as well', () => {
    const coding = action(
      { system: 'urn:x', code: 'use' },
      { system: consentAction, code: 'disclose' },
      { code: 'read' },
    )
    expect(read({ action: [coding] })).toEqual(understood({ actions: ['disclose'] }))
    expect(read({ action: [action({ code: 'use' }, { code: 'access' })] })).toEqual(
      understood({ actions: ['use', 'access'] }),
    )
  })

  test.each([
    [action({ code: 'read' })],
    [action({ system: 'urn:x', code: 'use' })],
    [action()],
    [{ text: 'use' }],
    [{ code: 'use' }],
    [null],
  ])('%j is not understood', (value) => expect(read({ action: [value] })).toEqual(not('actions', ['?'])))
})

describe('a class', () => {
  test.each<[Json, unknown]>([
    [{ system: resourceTypes, code: 'Observation' }, { resource: 'Observation' }],
    [{ system: fhirTypes, code: 'Observation' }, { resource: 'Observation' }],
    [{ code: 'Observation' }, { resource: 'Observation' }],
    [
      { system: loinc, code: '11502-2' },
      { system: loinc, code: '11502-2' },
    ],
    [
      { system: loinc, code: 'Observation' },
      { system: loinc, code: 'Observation' },
    ],
  ])('%j is %j', (value, expected) =>
    expect(read({ class: [value] })).toEqual(understood({ classes: [expected] })),
  )

  test.each([
    [{ system: resourceTypes, code: 'Observatoin' }],
    [{ code: '11502-2' }],
    [{ system: loinc }],
    [null],
  ])('%j is not understood', (value) =>
    expect(read({ class: [value] })).toEqual({ rule: { classes: ['?'] }, unclear: ['P.class'] }),
  )

  test('is in R5 a resource type, of whatever system, or a type of document', () => {
    expect(
      read({
        resourceType: [
          { system: fhirTypes, code: 'Observation' },
          { system: 'urn:x', code: 'Condition' },
        ],
      }),
    ).toEqual(understood({ classes: [{ resource: 'Observation' }, { resource: 'Condition' }] }))
    expect(read({ resourceType: [{ code: 'Observatoin' }, {}] })).toEqual({
      rule: { classes: ['?'] },
      unclear: ['P.resourceType', 'P.resourceType'],
    })
    expect(read({ documentType: [{ system: loinc, code: 'a' }, { code: 'b' }] })).toEqual(
      understood({ documents: [{ system: loinc, code: 'a' }, { code: 'b' }] }),
    )
    expect(read({ documentType: [{ system: loinc }] })).toEqual({
      rule: { documents: ['?'] },
      unclear: ['P.documentType'],
    })
  })
})

test('codings of a code are alternatives; one of which there is none is not understood', () => {
  const code = [
    { coding: [{ system: loinc, code: 'a' }, { code: 'b' }], text: 'x' },
    { coding: [{ system: loinc, code: 'c' }] },
  ]
  expect(read({ code })).toEqual(
    understood({ codes: [{ system: loinc, code: 'a' }, { code: 'b' }, { system: loinc, code: 'c' }] }),
  )
  for (const value of [{ text: 'x' }, { coding: [] }, { coding: [{ system: loinc }] }, null, 'a'])
    expect(read({ code: [value] })).toEqual(not('codes', ['?']))
})

describe('data', () => {
  const reference = { reference: 'Encounter/e' }
  test.each(['instance', 'related', 'dependents', 'authoredby'])('are meant as %s', (meaning) =>
    expect(read({ data: [{ meaning, reference }] })).toEqual(
      understood({ data: [{ meaning, reference: 'Encounter/e' }] }),
    ),
  )

  test.each([
    [{ meaning: 'like', reference }],
    [{ reference }],
    [{ meaning: 'instance' }],
    [{ meaning: 'instance', reference: { identifier: { system: 'a', value: 'b' } } }],
    [null],
  ])('%j are not understood', (data) =>
    expect(read({ data: [data] })).toEqual({
      rule: { data: [{ meaning: '?', reference: '' }] },
      unclear: ['P.data'],
    }),
  )

  test('written by somebody may name her by an identifier', () => {
    const byIdentifier = { identifier: { system: 'urn:gln', value: '1' } }
    expect(read({ data: [{ meaning: 'authoredby', reference: byIdentifier }] })).toEqual(
      understood({ data: [{ meaning: 'authoredby', reference: 'urn:gln|1' }] }),
    )
    for (const meaning of ['instance', 'related', 'dependents'])
      expect(read({ data: [{ meaning, reference: byIdentifier }] }).unclear).toEqual(['P.data'])
  })

  test('with a member that could change their meaning are not understood', () => {
    expect(read({ data: [{ meaning: 'instance', reference, modifierExtension: [] }] })).toEqual({
      rule: { data: [{ meaning: '?', reference: '' }] },
      unclear: ['P.data.modifierExtension', 'P.data'],
    })
  })
})

describe('security labels', () => {
  const level = (code: string): Json => ({ system: confidentiality, code })
  const sensitivity = (code: string): Json => ({ system: actCode, code })

  test.each<[string, Json[], object, object]>([
    ['a level', [level('N')], { confidentiality: 3 }, { confidentiality: 3 }],
    [
      'several levels: a permit goes up to the highest, a deny begins with the lowest',
      [level('N'), level('V'), level('L')],
      { confidentiality: 5 },
      { confidentiality: 1 },
    ],
    ['the lowest level', [level('U')], { confidentiality: 0 }, { confidentiality: 0 }],
    [
      'sensitivities',
      [sensitivity('HIV'), sensitivity('PSY')],
      { sensitivities: ['HIV', 'PSY'] },
      { sensitivities: ['HIV', 'PSY'] },
    ],
    [
      'both',
      [sensitivity('HIV'), level('R')],
      { confidentiality: 4, sensitivities: ['HIV'] },
      { confidentiality: 4, sensitivities: ['HIV'] },
    ],
    [
      'another system',
      [{ system: 'urn:x', code: 'VIP' }],
      { sensitivities: ['urn:x|VIP'] },
      { sensitivities: ['urn:x|VIP'] },
    ],
  ])('name %s', (_what, securityLabel, inPermit, inDeny) => {
    expect(read({ securityLabel }, 'permit')).toStrictEqual(understood({ labels: inPermit }))
    expect(read({ securityLabel }, 'deny')).toStrictEqual(understood({ labels: inDeny }))
  })

  test.each([
    [level('X')],
    [level('')],
    [sensitivity('DELAU')],
    [sensitivity('*')],
    [{ system: actReason, code: 'HTEST' }],
    [{ code: 'N' }],
    [null],
  ])('%j is not understood', (value) =>
    expect(read({ securityLabel: [value] })).toEqual({
      rule: { labels: { sensitivities: ['?'] } },
      unclear: ['P.securityLabel'],
    }),
  )
})

describe('a list', () => {
  const names = [
    'actor',
    'purpose',
    'action',
    'class',
    'resourceType',
    'documentType',
    'code',
    'data',
    'securityLabel',
  ]

  test.each(names)('of no %s, or what is none, is not the absence of one', (name) => {
    for (const value of [[], null, {}, 'x', 0]) {
      const { rule, unclear } = read({ [name]: value })
      expect(JSON.stringify(Object.values(rule))).toContain('?')
      expect(unclear).toEqual([`P.${name}`])
    }
  })
})

describe('a period', () => {
  test('of a rule is its validity, one of data the date of the record', () => {
    const period = { start: '2026-01-10' }
    const start = Date.UTC(2026, 0, 10)
    expect(read({ period })).toStrictEqual(understood({ start }))
    expect(read({ dataPeriod: period })).toStrictEqual(understood({ dated: { start } }))
    expect(read({ period: null })).toStrictEqual({ rule: { unclear: true }, unclear: ['P.period'] })
    expect(read({ dataPeriod: null })).toStrictEqual({ rule: { unclear: true }, unclear: ['P.dataPeriod'] })
    expect(read({ dataPeriod: { ...period, modifierExtension: [] } })).toStrictEqual({
      rule: { unclear: true },
      unclear: ['P.dataPeriod.modifierExtension'],
    })
    expect(read({ period, dataPeriod: null })).toStrictEqual({
      rule: { start, unclear: true },
      unclear: ['P.dataPeriod'],
    })
  })
})

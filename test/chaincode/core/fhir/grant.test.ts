import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toDirective, type Mapped } from 'medledger-chaincode/core'
import { r4, r5 } from '../../../support/core-consents.ts'
import { actReason, roleActor, validProvision } from '../../../support/ledger-consents.ts'
import { runs } from '../../../support/runs.ts'

const id = 'ab'.repeat(16)
const person = 'cd'.repeat(16)
const loinc = 'http://loinc.org'
const actCode = 'http://terminology.hl7.org/CodeSystem/v3-ActCode'

type Json = Record<string, unknown>

const map = (resource: Json, zone = 'UTC'): Mapped => toDirective(id, resource, zone)
const mapProvision = (provision: Json): Mapped => map(consentOf({ type: 'permit', ...provision }))
const faultsOf = (mapped: Mapped): readonly string[] => (mapped.kind === 'faults' ? mapped.faults : [])
const directive = (root: Json, more: Json = {}): unknown => ({
  kind: 'directive',
  directive: { consent: id, root: { effect: 'permit', ...root }, ...more },
})
const person4 = { reference: { reference: `Practitioner/${person}` } }
const consentOf = (provision: Json = { type: 'permit' }, more: Json = {}): Json => ({
  ...r4,
  provision,
  ...more,
})
const r5Of = (more: Json): Json => ({ ...r5, provision: [], ...more })

const policyOf = (...codes: string[]): Json => ({
  coding: codes.map((code) => ({ system: 'urn:medledger:default-policy', code })),
})
const defaultPolicyOf = (...codes: string[]): Json => ({ ...r4, policyRule: policyOf(...codes) })

describe('a Consent becomes a directive', () => {
  test.each(['permit', 'deny'])('that %ss everything', (type) => {
    expect(map(consentOf({ type }))).toEqual(directive({ effect: type }))
  })

  test.each<[string, Json, Json]>([
    ['a person', person4, { reference: `Practitioner/${person}` }],
    ['a patient', { reference: { reference: `Patient/${person}` } }, { reference: `Patient/${person}` }],
    [
      'a person at some server',
      { reference: { reference: `https://x/Practitioner/${person}` } },
      { reference: `Practitioner/${person}` },
    ],
    [
      'an organisation',
      { reference: { reference: 'Organization/north' } },
      { reference: 'Organization/north' },
    ],
    ['a role as an identifier', roleActor('doctor'), { identifier: 'urn:medledger:role|doctor' }],
    ['a role', { role: { coding: [{ code: 'auditor' }] } }, { role: 'auditor' }],
    ['whoever receives information', { role: { coding: [{ code: 'IRCP' }] } }, { anybody: true }],
    [
      'a recipient by name',
      { role: { coding: [{ code: 'IRCP' }] }, reference: { reference: 'Organization/north', display: 'N' } },
      { reference: 'Organization/north' },
    ],
  ])('for %s', (_who, actor, expected) => {
    expect(mapProvision({ actor: [actor] })).toEqual(directive({ actors: [expected] }))
  })

  test('for every role that an asker can have', () => {
    for (const role of ['doctor', 'patient', 'auditor', 'custodian', 'operator'])
      expect(mapProvision({ actor: [roleActor(role)] }).kind).toBe('directive')
  })

  test('for purposes', () => {
    const purpose = ['TREAT', 'BTG'].map((code) => ({ system: actReason, code, display: code }))
    expect(mapProvision({ purpose })).toEqual(directive({ purposes: ['TREAT', 'BTG'] }))
  })

  test('for types of document, whose codings are alternatives', () => {
    const code = [
      { coding: [{ system: loinc, code: '34133-9' }, { code: 'summary' }], text: 'Summary' },
      { coding: [{ system: loinc, code: '11502-2' }] },
    ]
    const codes = [
      { system: loinc, code: '34133-9' },
      { code: 'summary' },
      { system: loinc, code: '11502-2' },
    ]
    expect(mapProvision({ code })).toEqual(directive({ codes }))
  })

  test('for a time: a date without an hour is the whole day, in the zone', () => {
    const provision = { type: 'permit', period: { start: '2026-01-10', end: '2026-01-15' } }
    const hour = 3_600_000
    expect(map(consentOf(provision))).toEqual(
      directive({ start: Date.UTC(2026, 0, 10), end: Date.UTC(2026, 0, 16) - 1 }),
    )
    expect(map(consentOf(provision), 'Europe/Zurich')).toEqual(
      directive({ start: Date.UTC(2026, 0, 10) - hour, end: Date.UTC(2026, 0, 16) - hour - 1 }),
    )
    expect(mapProvision({ period: { end: '2026-01-15T12:00:00+01:00' } })).toEqual(
      directive({ end: Date.UTC(2026, 0, 15, 11, 0, 0, 999) }),
    )
    expect(mapProvision({ period: { start: '2026' } })).toEqual(directive({ start: Date.UTC(2026, 0, 1) }))
  })

  test('for data: a document is its Bundle and its DocumentReference, at any depth', () => {
    const data = (reference: string): Json => ({ data: [{ meaning: 'instance', reference: { reference } }] })
    const named = (reference: string): Json => ({ data: [{ meaning: 'instance', reference }] })
    const nested = {
      ...data('Bundle/north-1'),
      provision: [{ type: 'deny', ...data('Bundle/north-2'), provision: [{ type: 'permit' }] }],
    }
    expect(mapProvision(nested)).toEqual(
      directive({
        ...named('DocumentReference/north-1'),
        rules: [{ effect: 'deny', ...named('DocumentReference/north-2'), rules: [{ effect: 'permit' }] }],
      }),
    )
    expect(mapProvision(data('Encounter/Bundle'))).toEqual(directive(named('Encounter/Bundle')))
  })

  test('whatever it says that has no bearing on the decision', () => {
    const more = {
      id: 'x',
      meta: { versionId: '1' },
      text: { status: 'generated', div: '<div/>' },
      patient: { reference: `Patient/${person}` },
      sourceAttachment: { title: 'Signed form' },
      policyRule: { coding: [{ system: actCode, code: 'OPTIN' }] },
      extension: [{ url: 'x' }],
      contained: [],
      verification: [{ verified: false }],
      policy: [{ uri: 'x' }],
      _status: { extension: [] },
    }
    expect(map(consentOf({ type: 'permit' }, more))).toEqual(directive({}))
  })

  test('with its date and with what it replaces', () => {
    const more = {
      dateTime: '2026-01-01',
      extension: [{ url: 'urn:medledger:supersedes', valueUri: 'Consent/c0' }],
    }
    expect(map(consentOf({ type: 'permit' }, more))).toEqual(
      directive({}, { given: Date.UTC(2026, 0, 1), supersedes: ['c0'] }),
    )
  })

  test('without a provision by its policy', () => {
    const policyRule = { coding: [{ system: actCode, code: 'OPTOUT' }] }
    expect(map({ ...r4, policyRule })).toEqual(directive({ effect: 'deny' }))
  })

  test('in R5 likewise', () => {
    expect(map(r5Of({}))).toEqual(directive({ effect: 'deny' }))
    expect(map(r5Of({ provision: undefined }))).toEqual(directive({ effect: 'deny' }))
    expect(
      map(r5Of({ provision: [{ actor: [person4], purpose: [{ system: actReason, code: 'TREAT' }] }] })),
    ).toEqual(
      directive({
        effect: 'deny',
        rules: [{ effect: 'permit', actors: [{ reference: `Practitioner/${person}` }], purposes: ['TREAT'] }],
      }),
    )
  })
})

describe('a Consent without a provision chooses a default policy', () => {
  test.each(['deny', 'basic-normal', 'all-normal', 'break-glass-only'])('%s', (code) => {
    expect(map(defaultPolicyOf(code))).toEqual({ kind: 'default-policy', defaultPolicy: code })
  })

  const allowed = 'Consent.policyRule must be one of deny, basic-normal, all-normal, break-glass-only'
  test.each<[string, Json, string[]]>([
    ['one that there is not', defaultPolicyOf('open'), [allowed]],
    ['none', { ...defaultPolicyOf('deny'), policyRule: undefined }, ['Consent.provision is missing']],
    [
      'two',
      {
        ...defaultPolicyOf('deny'),
        policyRule: {
          coding: ['deny', 'all-normal'].map((code) => ({ system: 'urn:medledger:default-policy', code })),
        },
      },
      [allowed],
    ],
    [
      'one with an extension that could change it',
      { ...defaultPolicyOf('deny'), modifierExtension: [] },
      ['Consent.modifierExtension is not understood', allowed],
    ],
    [
      'one beside a provision',
      { ...defaultPolicyOf('deny'), provision: { type: 'permit' } },
      ['Consent.policyRule chooses a default policy, which a Consent with a provision cannot'],
    ],
  ])('and not %s', (_what, resource, faults) => {
    expect(faultsOf(map(resource)).slice(0, faults.length)).toEqual(faults)
  })
})

describe('what is not understood is a fault', () => {
  test.each<[string, Json, string]>([
    ['another resource', { resourceType: 'Contract' }, 'resourceType must be Consent'],
    ['a draft', { status: 'draft' }, 'Consent.status must be active'],
    ['no status', { status: undefined }, 'Consent.status must be active'],
    ['a scope of research', { scope: { coding: [{ code: 'research' }] } }, 'Consent.scope is not understood'],
    [
      'another scope',
      {
        scope: {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'research' }],
        },
      },
      'Consent.scope (R4) or category (R5) must say that it is about privacy',
    ],
    [
      'a scope of another system',
      { scope: { coding: [{ system: 'x', code: 'patient-privacy' }] } },
      'Consent.scope is not understood',
    ],
    [
      'modifierExtension',
      { modifierExtension: [{ url: 'x' }] },
      'Consent.modifierExtension is not understood',
    ],
    ['implicitRules', { implicitRules: 'x' }, 'Consent.implicitRules is not understood'],
    ['no decision in R5', { scope: undefined, provision: [] }, 'Consent.decision is not understood'],
    ['a provision that is null', { provision: null }, 'Consent.provision is not understood'],
    ['nothing at all', { provision: undefined }, 'Consent.provision is missing'],
    [
      'a choice of default policy beside a provision',
      { policyRule: defaultPolicyOf('deny')['policyRule'] },
      'Consent.policyRule chooses a default policy, which a Consent with a provision cannot',
    ],
  ])('in the resource: %s', (_what, more, fault) => {
    expect(faultsOf(map(consentOf({ type: 'permit' }, more)))).toContain(fault)
  })

  test('in R5: a scope of R4', () =>
    expect(faultsOf(map(consentOf({ type: 'permit' }, { decision: 'deny' })))).toContain(
      'Consent.scope is not understood',
    ))

  test.each<[string, Json]>([
    [
      'nine levels',
      {
        provision: [
          {
            type: 'deny',
            provision: [
              {
                type: 'deny',
                provision: [
                  {
                    type: 'deny',
                    provision: [
                      {
                        type: 'deny',
                        provision: [
                          {
                            type: 'deny',
                            provision: [
                              { type: 'deny', provision: [{ type: 'deny', provision: [{ type: 'deny' }] }] },
                            ],
                          },
                        ],
                      },
                    ],
                  },
                ],
              },
            ],
          },
        ],
      },
    ],
    [
      'more than two hundred provisions',
      { provision: Array.from({ length: 200 }, () => ({ type: 'deny' })) },
    ],
  ])('%s', (_what, provision) => {
    expect(faultsOf(mapProvision(provision))).toEqual([
      'Consent.provision is nested more than 8 deep or has more than 200 provisions',
    ])
  })

  const at = 'Consent.provision'
  test.each<[string, Json, string]>([
    ['no type, and no policy', { type: null }, `${at}.type`],
    ['another type', { type: 'Permit' }, `${at}.type`],
    ['a nested rule without a type', { provision: [{}] }, `${at}.provision[0].type`],
    ['what is no nested rule', { provision: [{ type: 'deny' }, 'deny'] }, `${at}.provision[1]`],
    ['modifierExtension', { modifierExtension: [{ url: 'x' }] }, `${at}.modifierExtension`],
    ['a security label of another sort', { securityLabel: [{ code: 'R' }] }, `${at}.securityLabel`],
    ['data without a reference', { data: [{ meaning: 'instance' }] }, `${at}.data`],
    ['another action', { action: [{ coding: [{ code: 'read' }] }] }, `${at}.action`],
    ['a class that FHIR has not', { class: [{ code: 'Document' }] }, `${at}.class`],
    ['no actors', { actor: [] }, `${at}.actor`],
    ['no purposes', { purpose: [] }, `${at}.purpose`],
    ['no codes', { code: [] }, `${at}.code`],
    ['an actor that is no list', { actor: 'x' }, `${at}.actor`],
    ['actors that are null', { actor: null }, `${at}.actor`],
    ['an actor that is null', { actor: [null] }, `${at}.actor`],
    [
      'a person whom the registry cannot know',
      { actor: [{ reference: { reference: 'Practitioner/chen' } }] },
      `${at}.actor`,
    ],
    [
      'a person with more than a handle',
      { actor: [{ reference: { reference: `Practitioner/${person}0` } }] },
      `${at}.actor`,
    ],
    [
      'an organisation whom the constitution cannot name',
      { actor: [{ reference: { reference: 'Organization/North-1' } }] },
      `${at}.actor`,
    ],
    ['a group', { actor: [{ reference: { reference: `Group/${person}` } }] }, `${at}.actor`],
    ['a related person', { actor: [{ reference: { reference: `RelatedPerson/${person}` } }] }, `${at}.actor`],
    ['an actor by display alone', { actor: [{ reference: { display: 'Dr Chen' } }] }, `${at}.actor`],
    [
      'an identifier that is no role',
      { actor: [{ reference: { identifier: { system: 'urn:gln', value: 'doctor' } } }] },
      `${at}.actor`,
    ],
    [
      'one good actor and one that is not',
      { actor: [roleActor('doctor'), { reference: {} }] },
      `${at}.actor`,
    ],
    ['a role nobody can have', { actor: [roleActor('nurse')] }, `${at}.actor`],
    [
      'a role nobody can have, by code',
      { actor: [{ role: { coding: [{ code: 'nurse' }] } }] },
      `${at}.actor`,
    ],
    ['an actor as author', { actor: [{ ...person4, role: { coding: [{ code: 'AUT' }] } }] }, `${at}.actor`],
    [
      'a person in a role',
      { actor: [{ ...person4, role: { coding: [{ code: 'doctor' }] } }] },
      `${at}.actor`,
    ],
    [
      'an actor by reference and by role',
      {
        actor: [
          { reference: { ...(roleActor('doctor').reference as Json), reference: 'Organization/north' } },
        ],
      },
      `${at}.actor`,
    ],
    [
      'an actor of a nested rule',
      {
        provision: [
          { type: 'deny' },
          { type: 'deny', provision: [{ type: 'deny', actor: [roleActor('nurse')] }] },
        ],
      },
      `${at}.provision[1].provision[0].actor`,
    ],
    ['a purpose nobody can state', { purpose: [{ system: actReason, code: 'TREATMENT' }] }, `${at}.purpose`],
    ['a purpose as text', { purpose: ['TREAT'] }, `${at}.purpose`],
    ['a code by text alone', { code: [{ text: 'Summary' }] }, `${at}.code`],
    ['a concept without codings', { code: [{ coding: [] }] }, `${at}.code`],
    ['an empty code', { code: [{ coding: [{ system: loinc, code: '' }] }] }, `${at}.code`],
    ['a period that is null', { period: null }, `${at}.period`],
    ['a period without an end or a start', { period: {} }, `${at}.period`],
    ['a period that is a date', { period: '2026' }, `${at}.period`],
    ['an hour without an offset', { period: { end: '2026-01-15T12:00:00' } }, `${at}.period`],
    ['a day that does not exist', { period: { start: '2026-02-30' } }, `${at}.period`],
    ['an end that is null', { period: { start: '2026', end: null } }, `${at}.period`],
    ['an end before the start', { period: { start: '2026-01-02', end: '2026-01-01' } }, `${at}.period`],
    ['a data period that cannot be read', { dataPeriod: {} }, `${at}.dataPeriod`],
  ])('in the provision: %s', (_what, provision, path) => {
    expect(faultsOf(mapProvision(provision))).toEqual([`${path} is not understood`])
  })

  test('and all of it is reported, without the values and without made-up names', () => {
    const provision = {
      type: 'x',
      data: [],
      period: { end: 'Maria' },
      actor: [{ reference: 'Maria' }],
      maria: 1,
    }
    const faults = faultsOf(map(consentOf(provision, { status: 'active', Rossi: true })))
    expect(faults).toEqual(
      [
        'Consent.(unknown member)',
        `${at}.type`,
        `${at}.(unknown member)`,
        `${at}.actor`,
        `${at}.data`,
        `${at}.period`,
      ].map((path) => `${path} is not understood`),
    )
    expect(faults.join()).not.toMatch(/maria|rossi/i)
  })

  test('with the resource’s own before what keeps it from being read', () => {
    expect(faultsOf(map({ ...consentOf(), resourceType: 'Contract', status: 'draft' }))).toEqual([
      'resourceType must be Consent',
      'Consent.status must be active',
    ])
  })
})

/** Every element of a Consent whose meaning another member could change. */
const places: Readonly<Record<string, (member: Json) => Json>> = {
  resource: (member) => consentOf({ type: 'permit' }, member),
  provision: (member) => consentOf({ type: 'permit', ...member }),
  'nested provision': (member) => consentOf({ type: 'permit', provision: [{ type: 'deny', ...member }] }),
  actor: (member) => consentOf({ type: 'permit', actor: [{ ...person4, ...member }] }),
  data: (member) =>
    consentOf({
      type: 'permit',
      data: [{ meaning: 'related', reference: { reference: 'Encounter/e' }, ...member }],
    }),
  period: (member) => consentOf({ type: 'permit', period: { start: '2026', ...member } }),
  dataPeriod: (member) => consentOf({ type: 'permit', dataPeriod: { start: '2026', ...member } }),
  'resource in R5': (member) => r5Of(member),
  'provision in R5': (member) => r5Of({ provision: [member] }),
  'period in R5': (member) => r5Of({ period: { start: '2026', ...member } }),
}

describe('the mapper', () => {
  test('never drops an unknown member silently', () => {
    const place = fc.constantFrom(...Object.keys(places))
    fc.assert(
      fc.property(place, fc.string({ minLength: 1 }), fc.jsonValue(), (where, name, value) => {
        const mapped = map(places[where]?.({ [`x${name}`]: value }) ?? {})
        expect(faultsOf(mapped)).toContainEqual(
          expect.stringMatching(/\(unknown member\) is not understood$/),
        )
      }),
      { numRuns: runs(500) },
    )
  })

  test('understands every Consent made of what it knows', () => {
    fc.assert(
      fc.property(validProvision, (provision) => {
        expect(map(consentOf(provision)).kind).toBe('directive')
      }),
      { numRuns: runs(100) },
    )
  })

  test('is total: any JSON gives a result', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (resource, provision) => {
        expect(map(resource).kind).toBe('faults')
        expect(['directive', 'faults']).toContain(map(consentOf(provision as never)).kind)
      }),
      { numRuns: runs(100) },
    )
  })

  test('changes nothing in what it is given', () => {
    const resource = consentOf({ type: 'deny', period: { end: '2026' } })
    const before = structuredClone(resource)
    map(resource)
    expect(resource).toEqual(before)
  })
})

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toDirective, type Mapped } from 'medledger-chaincode/core'
import { actCode, defaultPolicyOf, defaultPolicyOfR5, loinc, r4, r5 } from '../../../support/core-consents.ts'
import { actReason, roleActor, validProvision } from '../../../support/ledger-consents.ts'
import { runs } from '../../../support/runs.ts'

const id = 'ab'.repeat(16)
const person = 'cd'.repeat(16)

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

  test.each(['deny', 'basic-normal', 'all-normal', 'break-glass-only'])('%s, in R5', (code) => {
    expect(map(defaultPolicyOfR5(code))).toEqual({
      kind: 'default-policy',
      defaultPolicy: code,
    })
  })

  test('and in R5 not beside a decision or a provision', () => {
    const beside = (name: string): string =>
      `Consent.${name} cannot stand beside the choice of a default policy`
    const chosen = defaultPolicyOfR5('deny')
    expect(faultsOf(map({ ...chosen, provision: [] }))).toEqual([beside('provision')])
    expect(faultsOf(map({ ...chosen, decision: 'deny' }))).toEqual([beside('decision')])
    expect(faultsOf(map(defaultPolicyOfR5('deny', 'deny')))).toEqual([
      'Consent.regulatoryBasis must be one of deny, basic-normal, all-normal, break-glass-only',
    ])
    expect(faultsOf(map(defaultPolicyOfR5('open')))).toHaveLength(1)
    expect(map({ ...r5, regulatoryBasis: [{ text: 'law' }] }).kind).toBe('directive')
  })

  const allowed = 'Consent.policyRule must be one of deny, basic-normal, all-normal, break-glass-only'
  test.each<[string, Json, string[]]>([
    ['one that there is not', defaultPolicyOf('open'), [allowed]],
    ['none', { ...defaultPolicyOf('deny'), policyRule: undefined }, ['Consent.provision is missing']],
    ['two', defaultPolicyOf('deny', 'all-normal'), [allowed]],
    [
      'one with an extension that could change it',
      { ...defaultPolicyOf('deny'), modifierExtension: [] },
      ['Consent.modifierExtension is not understood'],
    ],
    [
      'one beside a provision',
      { ...defaultPolicyOf('deny'), provision: { type: 'permit' } },
      ['Consent.provision cannot stand beside the choice of a default policy'],
    ],
  ])('and not %s', (_what, resource, faults) => {
    expect(faultsOf(map(resource)).slice(0, faults.length)).toEqual(faults)
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

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toDirective, type Mapped } from 'medledger-chaincode/core'
import { consentOf, defaultPolicyOf } from '../../support/ledger-samples.ts'
import { actReason, everyPlace, roleActor, validProvision } from '../../support/ledger-consents.ts'

const id = 'ab'.repeat(16)
const person = 'cd'.repeat(16)
const loinc = 'http://loinc.org'

const map = (resource: Record<string, unknown>): Mapped => toDirective(id, resource)
const mapProvision = (provision: Record<string, unknown>): Mapped =>
  map(consentOf({ type: 'permit', ...provision }))
const faultsOf = (mapped: Mapped): readonly string[] => (mapped.kind === 'faults' ? mapped.faults : [])
const directive = (more: Record<string, unknown>): Mapped => ({
  kind: 'directive',
  directive: { consent: id, effect: 'permit', ...more } as never,
})

describe('a Consent becomes a directive', () => {
  test.each(['permit', 'deny'])('that %ss everything', (type) => {
    expect(map(consentOf({ type }))).toEqual(directive({ effect: type }))
  })

  test.each([
    ['a person', { reference: { reference: `Practitioner/${person}` } }, { person }],
    ['an organisation', { reference: { reference: 'Organization/north' } }, { organisation: 'north' }],
    ['a role', roleActor('doctor'), { role: 'doctor' }],
    [
      'a recipient by name',
      { role: { coding: [{ code: 'IRCP' }] }, reference: { reference: 'Organization/north', display: 'N' } },
      { organisation: 'north' },
    ],
  ])('for %s', (_who, actor, expected) => {
    expect(mapProvision({ actor: [actor] })).toEqual(directive({ actors: [expected] }))
  })

  test('for purposes', () => {
    const purpose = ['TREAT', 'BTG'].map((code) => ({ system: actReason, code, display: code }))
    expect(mapProvision({ purpose })).toEqual(directive({ purposes: ['TREAT', 'BTG'] }))
  })

  test('for types of document, whose codes are alternatives', () => {
    const code = [
      { coding: [{ system: loinc, code: '34133-9' }, { code: 'summary' }], text: 'Summary' },
      { coding: [{ system: loinc, code: '11502-2' }] },
    ]
    const types = [
      { system: loinc, code: '34133-9' },
      { code: 'summary' },
      { system: loinc, code: '11502-2' },
    ]
    expect(mapProvision({ code })).toEqual(directive({ types }))
  })

  test('for a time: a date without an hour is the whole day', () => {
    expect(mapProvision({ period: { start: '2026-01-10', end: '2026-01-15' } })).toEqual(
      directive({ start: Date.UTC(2026, 0, 10), end: Date.UTC(2026, 0, 16) - 1 }),
    )
    expect(mapProvision({ period: { end: '2026-01-15T12:00:00+01:00' } })).toEqual(
      directive({ end: Date.UTC(2026, 0, 15, 11, 0, 0, 999) }),
    )
    expect(mapProvision({ period: { start: '2026' } })).toEqual(directive({ start: Date.UTC(2026, 0, 1) }))
  })

  test('whatever it says that has no bearing on the decision', () => {
    const more = {
      id: 'x',
      meta: { versionId: '1' },
      text: { status: 'generated', div: '<div/>' },
      dateTime: '2026-01-01',
      patient: { reference: `Patient/${person}` },
      sourceAttachment: { title: 'Signed form' },
      policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] },
    }
    expect(map(consentOf({ type: 'permit' }, more))).toEqual(directive({}))
  })
})

test.each(['deny', 'basic-normal'])('without a provision it chooses the default policy %s', (code) => {
  expect(map(defaultPolicyOf(code))).toEqual({ kind: 'default-policy', defaultPolicy: code })
})

describe('what is not understood is a fault', () => {
  test.each([
    ['another resource', { resourceType: 'Contract' }],
    ['a draft', { status: 'draft' }],
    ['no status', { status: undefined }],
    ['a scope of research', { scope: { coding: [{ code: 'research' }] } }],
    ['a scope of another system', { scope: { coding: [{ system: 'x', code: 'patient-privacy' }] } }],
    ['modifierExtension', { modifierExtension: [{ url: 'x' }] }],
    ['extension', { extension: [{ url: 'x' }] }],
    ['implicitRules', { implicitRules: 'x' }],
    ['contained', { contained: [] }],
    ['verification', { verification: [{ verified: false }] }],
    ['policy', { policy: [{ uri: 'x' }] }],
    ['_status', { _status: { extension: [] } }],
    ['decision (R5)', { decision: 'deny' }],
    ['a list of provisions', { provision: [{ type: 'permit' }] }],
    ['a provision that is null', { provision: null }],
    ['a choice of default policy beside a provision', { policyRule: defaultPolicyOf('deny')['policyRule'] }],
  ])('in the resource: %s', (_what, more) => {
    expect(faultsOf(map(consentOf({ type: 'permit' }, more)))).not.toEqual([])
  })

  test.each([
    ['an unknown default policy', defaultPolicyOf('open')],
    ['none', { ...defaultPolicyOf('deny'), policyRule: undefined }],
    ['a default policy and an extension', { ...defaultPolicyOf('deny'), modifierExtension: [] }],
  ])('without a provision: %s', (_what, resource) => {
    expect(faultsOf(map(resource))).not.toEqual([])
  })

  test.each([
    ['no type', { type: undefined }],
    ['another type', { type: 'Permit' }],
    ['a nested provision', { provision: [{ type: 'deny' }] }],
    ['an empty list of nested provisions', { provision: [] }],
    ['modifierExtension', { modifierExtension: [{ url: 'x' }] }],
    ['securityLabel', { securityLabel: [{ code: 'R' }] }],
    ['data', { data: [{ meaning: 'instance' }] }],
    ['action', { action: [{ coding: [{ code: 'access' }] }] }],
    ['class', { class: [{ code: 'Composition' }] }],
    ['dataPeriod', { dataPeriod: { start: '2026' } }],
    ['no actors', { actor: [] }],
    ['no purposes', { purpose: [] }],
    ['no codes', { code: [] }],
    ['an actor that is no list', { actor: roleActor('doctor') }],
    ['actors that are null', { actor: null }],
    ['an actor that is null', { actor: [null] }],
    ['a patient as actor', { actor: [{ reference: { reference: `Patient/${person}` } }] }],
    [
      'an actor at another server',
      { actor: [{ reference: { reference: `https://x/Practitioner/${person}` } }] },
    ],
    ['an actor by display alone', { actor: [{ reference: { display: 'Dr Chen' } }] }],
    ['one good actor and one that is not', { actor: [roleActor('doctor'), { reference: {} }] }],
    ['a role nobody can have', { actor: [roleActor('nurse')] }],
    ['an actor as author', { actor: [{ ...roleActor('doctor'), role: { coding: [{ code: 'AUT' }] } }] }],
    [
      'an actor by reference and by role',
      { actor: [{ reference: { ...roleActor('doctor').reference, reference: 'Organization/north' } }] },
    ],
    ['a purpose of another system', { purpose: [{ system: 'x', code: 'TREAT' }] }],
    ['a purpose without a system', { purpose: [{ code: 'TREAT' }] }],
    ['a purpose nobody can state', { purpose: [{ system: actReason, code: 'TREATMENT' }] }],
    ['a purpose as text', { purpose: ['TREAT'] }],
    ['a code by text alone', { code: [{ text: 'Summary' }] }],
    ['a concept without codings', { code: [{ coding: [] }] }],
    ['a concept of which one coding has no code', { code: [{ coding: [{ code: 'a' }, { system: loinc }] }] }],
    ['a coding whose system is no text', { code: [{ coding: [{ system: 1, code: 'a' }] }] }],
    ['a coding of one version', { code: [{ coding: [{ system: loinc, code: 'a', version: '2.7' }] }] }],
    ['an empty code', { code: [{ coding: [{ system: loinc, code: '' }] }] }],
    ['a period that is null', { period: null }],
    ['a period without an end or a start', { period: {} }],
    ['a period that is a date', { period: '2026' }],
    ['an hour without an offset', { period: { end: '2026-01-15T12:00:00' } }],
    ['a day that does not exist', { period: { start: '2026-02-30' } }],
    ['an end that is null', { period: { start: '2026', end: null } }],
    ['an end before the start', { period: { start: '2026-01-02', end: '2026-01-01' } }],
    ['an extension of the end', { period: { end: '2026', _end: { extension: [] } } }],
  ])('in the provision: %s', (_what, provision) => {
    expect(faultsOf(mapProvision(provision))).not.toEqual([])
  })

  test('and all of it is reported, without the values', () => {
    const faults = faultsOf(
      mapProvision({ type: 'x', data: [], period: { end: 'Maria' }, actor: [{ reference: 'Maria' }] }),
    )
    expect(faults).toHaveLength(4)
    expect(faults.join()).not.toContain('Maria')
  })
})

describe('the mapper', () => {
  test('never drops an unknown member silently', () => {
    const planted = fc
      .tuple(validProvision, fc.string({ minLength: 1 }), fc.jsonValue())
      .chain(([provision, name, value]) =>
        fc.tuple(
          fc.constantFrom(...everyPlace(provision)),
          fc.constant({ provision, name: `x${name}`, value }),
        ),
      )
    fc.assert(
      fc.property(planted, ([plant, { name, value }]) => {
        expect(map(consentOf(plant(name, value))).kind).toBe('faults')
      }),
      { numRuns: 500 },
    )
  })

  test('understands every Consent made of what it knows', () => {
    fc.assert(
      fc.property(validProvision, (provision) => {
        expect(map(consentOf(provision)).kind).toBe('directive')
      }),
    )
  })

  test('is total: any JSON gives a result', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (resource, provision) => {
        expect(map(resource).kind).toBe('faults')
        expect(['directive', 'faults']).toContain(map(consentOf(provision as never)).kind)
      }),
    )
  })

  test('changes nothing in what it is given', () => {
    const resource = consentOf({ type: 'deny', period: { end: '2026' } })
    const before = structuredClone(resource)
    map(resource)
    expect(resource).toEqual(before)
  })
})

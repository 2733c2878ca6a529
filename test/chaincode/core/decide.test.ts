import { describe, expect, test } from 'vitest'
import { decide, type Directive, type Facts } from 'medledger-chaincode/core'

const loinc = 'http://loinc.org'
const permit: Directive = { consent: 'c1', effect: 'permit' }
const deny: Directive = { consent: 'c2', effect: 'deny' }

/** A doctor of South asks for two records at North, under the policy `deny`; no directive. */
const base: Facts = {
  at: 1000,
  purpose: 'TREAT',
  asker: { kind: 'person', id: 'chen', role: 'doctor', organisation: 'south' },
  patient: 'maria',
  custodian: 'north',
  directives: [],
  defaultPolicy: 'deny',
  records: [
    { id: 'd1', type: { system: loinc, code: 'summary' } },
    { id: 'd2', type: { system: loinc, code: 'imaging' }, author: 'okafor' },
  ],
}

const outcomes = (facts: Partial<Facts>): string[] =>
  decide({ ...base, ...facts }).records.map(({ outcome, basis }) => `${outcome} ${basis}`)
const outcomesUnder = (...directives: Directive[]): string[] => outcomes({ directives })

const bothPermitted = ['permit directive', 'permit directive']
const bothDenied = ['deny directive', 'deny directive']
const nothingApplies = ['deny default-policy', 'deny default-policy']

describe('without a directive that applies', () => {
  test('the policy deny denies', () => expect(outcomesUnder()).toEqual(nothingApplies))

  test('the policy basic-normal permits the custodian’s own staff what they wrote, for treatment', () => {
    const okafor = { kind: 'person', id: 'okafor', role: 'doctor', organisation: 'north' } as const
    const asked = { asker: okafor, defaultPolicy: 'basic-normal' } as const
    expect(outcomes(asked)).toEqual(['deny default-policy', 'permit author'])
    expect(outcomes({ ...asked, defaultPolicy: 'deny' })).toEqual(nothingApplies)
    expect(outcomes({ ...asked, purpose: 'HRESCH' })).toEqual(nothingApplies)
    expect(outcomes({ ...asked, asker: { ...okafor, organisation: 'south' } })).toEqual(nothingApplies)
    expect(outcomes({ ...asked, asker: { ...okafor, kind: 'patient' } })).toEqual(nothingApplies)
    expect(outcomes({ ...asked, directives: [deny] })).toEqual(bothDenied)
  })
})

describe('a directive applies', () => {
  test('to everybody, when it names nobody', () => expect(outcomesUnder(permit)).toEqual(bothPermitted))

  test.each([
    ['the person', { person: 'chen' }, true],
    ['another person', { person: 'okafor' }, false],
    ['her organisation', { organisation: 'south' }, true],
    ['another organisation', { organisation: 'north' }, false],
    ['her role', { role: 'doctor' }, true],
    ['another role', { role: 'auditor' }, false],
  ])('to %s', (_who, actor, applies) => {
    const expected = applies ? bothPermitted : nothingApplies
    expect(outcomesUnder({ ...permit, actors: [actor] })).toEqual(expected)
    expect(outcomesUnder({ ...permit, actors: [{ person: 'nobody' }, actor] })).toEqual(expected)
  })

  test('to no patient as a member of an organisation', () => {
    const asker = { kind: 'patient', id: 'tomas', role: 'patient', organisation: 'authority' } as const
    const directives = [{ ...permit, actors: [{ organisation: 'authority' }, { person: 'tomas' }] }]
    expect(outcomes({ asker, directives })).toEqual(nothingApplies)
  })

  test('for its purposes only', () => {
    expect(outcomesUnder({ ...permit, purposes: ['HRESCH', 'TREAT'] })).toEqual(bothPermitted)
    expect(outcomesUnder({ ...permit, purposes: ['HRESCH'] })).toEqual(nothingApplies)
  })

  test('to its types of record only', () => {
    const summaries = { ...permit, types: [{ system: loinc, code: 'summary' }] }
    expect(outcomesUnder(summaries)).toEqual(['permit directive', 'deny default-policy'])
    expect(outcomesUnder({ ...permit, types: [{ system: 'urn:x', code: 'summary' }] })).toEqual(
      nothingApplies,
    )
    expect(outcomesUnder({ ...permit, types: [{ code: 'imaging' }] })).toEqual([
      'deny default-policy',
      'permit directive',
    ])
  })

  test.each([
    ['from its start', { start: 1000 }, true],
    ['not before', { start: 1001 }, false],
    ['until its end', { end: 1000 }, true],
    ['not after', { end: 999 }, false],
    ['in between', { start: 999, end: 1001 }, true],
  ])('%s', (_when, period, applies) => {
    expect(outcomesUnder({ ...permit, ...period })).toEqual(applies ? bothPermitted : nothingApplies)
    expect(outcomesUnder(permit, { ...deny, ...period })).toEqual(applies ? bothDenied : bothPermitted)
  })

  test('only when all of it does', () => {
    const narrow = { ...permit, actors: [{ person: 'chen' }], purposes: ['TREAT'], end: 999 }
    expect(outcomesUnder(narrow)).toEqual(nothingApplies)
  })
})

describe('a decision explains itself', () => {
  test('with the consents that decided, sorted and once each', () => {
    const { records, rule } = decide({
      ...base,
      directives: [{ ...deny, consent: 'c3' }, permit, deny, { ...deny, purposes: ['TREAT'] }],
    })
    expect(rule).toBe('deny-overrides')
    expect(records[0]).toEqual({ id: 'd1', outcome: 'deny', basis: 'directive', basedOn: ['c2', 'c3'] })
  })

  test('with a line for every directive', () => {
    const directives: Directive[] = [
      { ...permit, start: 1001 },
      { ...permit, consent: 'c4', end: 999 },
      { ...permit, consent: 'c5', purposes: ['BTG'] },
      { ...permit, consent: 'c6', actors: [{ person: 'x' }] },
      deny,
    ]
    expect(decide({ ...base, directives }).trace).toEqual([
      'c1: not yet valid',
      'c2: deny applies',
      'c4: no longer valid',
      'c5: for another purpose',
      'c6: for somebody else',
    ])
  })

  test('with what depends on the record', () => {
    const summaries: Directive = { ...deny, types: [{ code: 'summary' }] }
    const decision = decide({ ...base, directives: [permit, summaries] })
    expect(decision).toMatchObject({ outcome: 'permit', residual: [summaries] })
    expect(decision.records.map(({ outcome }) => outcome)).toEqual(['deny', 'permit'])
  })

  test('and as a whole permits when a conceivable record would be permitted', () => {
    const overall = (facts: Partial<Facts>): string => decide({ ...base, records: [], ...facts }).outcome
    expect(overall({})).toBe('deny')
    expect(overall({ directives: [permit] })).toBe('permit')
    expect(overall({ directives: [permit, deny] })).toBe('deny')
    expect(overall({ directives: [{ ...permit, types: [{ code: 'summary' }] }] })).toBe('permit')
    const asker = { ...base.asker, organisation: 'north' }
    expect(overall({ defaultPolicy: 'basic-normal', asker })).toBe('permit')
    expect(overall({ defaultPolicy: 'basic-normal', asker, directives: [deny] })).toBe('deny')
  })
})

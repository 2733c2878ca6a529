import { describe, expect, test } from 'vitest'
import {
  coreVersion,
  decide,
  type Decision,
  type Directive,
  type Facts,
  type Rule,
} from 'medledger-chaincode/core'
import { deny, directiveOf, factsOf, permit, recordFacts } from '../../support/core-facts.ts'

const under = (...roots: Rule[]): Directive[] =>
  roots.map((root, index) => directiveOf(root, `c${index + 1}`))
const decided = (more: Partial<Facts>): Decision => decide(factsOf(more))
const conditions = { classes: [{ resource: 'Condition' }] } as const

test('the core has a version', () => expect(coreVersion).toBe(2))

describe('a decision explains itself', () => {
  test('with the conflict rule, the consents that decided, sorted and once each', () => {
    const directives = [
      directiveOf(deny(), 'c3'),
      directiveOf(permit(), 'c1'),
      directiveOf(deny(), 'c2'),
      directiveOf(deny({ purposes: ['TREAT'] }), 'c2'),
    ]
    expect(decided({ directives })).toMatchObject({
      outcome: 'deny',
      basis: 'consent',
      basedOn: ['c2', 'c3'],
      rule: 'deny-overrides',
      residual: [],
      records: [{ id: 'Observation/o1', outcome: 'deny', basis: 'consent', basedOn: ['c2', 'c3'] }],
    })
    expect(decided({ directives, combining: 'newest-wins' }).rule).toBe('newest-wins')
  })

  test('with a line for every directive and every record', () => {
    const directives = [
      ...under(
        permit({ start: 1001 }),
        permit({ end: 999 }),
        permit({ purposes: ['HRESCH'] }),
        permit({ actors: [{ reference: 'Practitioner/x' }] }),
      ),
      directiveOf(permit(), 'c5', { unclear: ['Consent.provision.expression', 'Consent.provision.data'] }),
      directiveOf(permit(), 'c6', { supersedes: ['c7'] }),
      directiveOf(deny(), 'c7'),
    ]
    expect(decided({ directives }).trace).toEqual([
      { note: 'does-not-apply', consent: 'c7', because: 'superseded' },
      { note: 'applies', consent: 'c5', purpose: 'TREAT' },
      { note: 'not-understood', consent: 'c5', where: 'Consent.provision.expression' },
      { note: 'not-understood', consent: 'c5', where: 'Consent.provision.data' },
      { note: 'applies', consent: 'c6', purpose: 'TREAT' },
      { note: 'does-not-apply', consent: 'c1', because: 'not-yet-valid', purpose: 'TREAT' },
      { note: 'does-not-apply', consent: 'c2', because: 'no-longer-valid', purpose: 'TREAT' },
      { note: 'does-not-apply', consent: 'c3', because: 'for-another-purpose', purpose: 'TREAT' },
      { note: 'does-not-apply', consent: 'c4', because: 'for-somebody-else', purpose: 'TREAT' },
      {
        note: 'record',
        record: 'Observation/o1',
        outcome: 'permit',
        because: 'consent',
        basedOn: ['c5', 'c6'],
      },
    ])
  })

  test('with the default policy, for each purpose for which nobody speaks, and with a declared emergency', () => {
    const directives = under(permit({ purposes: ['HRESCH'] }))
    expect(decided({ directives, purposes: ['BTG', 'HRESCH'], records: [] }).trace).toEqual([
      { note: 'emergency-declared' },
      { note: 'default-policy', policy: 'deny', purpose: 'BTG' },
      { note: 'does-not-apply', consent: 'c1', because: 'for-another-purpose', purpose: 'BTG' },
      { note: 'applies', consent: 'c1', purpose: 'HRESCH' },
    ])
  })

  test('with a line for each round of newest-wins', () => {
    const directives = [directiveOf(permit(), 'a', { given: 1 }), directiveOf(permit(), 'b', { given: 2 })]
    expect(decided({ directives, combining: 'newest-wins', records: [] }).trace).toEqual([
      { note: 'applies', consent: 'b', purpose: 'TREAT' },
      { note: 'applies', consent: 'a', purpose: 'TREAT' },
    ])
  })
})

describe('a directive that is superseded', () => {
  const replaced = directiveOf(deny(), 'old')

  test('takes no part', () => {
    const directives = [replaced, directiveOf(permit(), 'new', { supersedes: ['old'] })]
    expect(decided({ directives })).toMatchObject({ outcome: 'permit', basedOn: ['new'] })
  })

  test('takes part when whoever names it has ended', () => {
    const directives = [replaced, directiveOf(permit({ end: 999 }), 'new', { supersedes: ['old'] })]
    expect(decided({ directives })).toMatchObject({ outcome: 'deny', basedOn: ['old'] })
  })
})

describe('a record', () => {
  test('is decided on by itself, in the order in which it was sent', () => {
    const records = [
      recordFacts({ id: 'Condition/x', type: 'Condition' }),
      recordFacts(),
      recordFacts({ id: 'Observation/o2', ours: 0 }),
    ]
    expect(decided({ directives: under(permit(conditions)), records }).records).toEqual([
      { id: 'Condition/x', outcome: 'permit', basis: 'consent', basedOn: ['c1'] },
      { id: 'Observation/o1', outcome: 'deny', basis: 'consent', basedOn: ['c1'] },
      { id: 'Observation/o2', outcome: 'deny', basis: 'default-policy', basedOn: [] },
    ])
  })

  test('names the consents that decided on it, be they others than those of the whole', () => {
    const records = [recordFacts({ id: 'Condition/x', type: 'Condition' }), recordFacts()]
    const named = (...roots: Rule[]): unknown[] => {
      const { outcome, basedOn, records: decisions } = decided({ directives: under(...roots), records })
      return [outcome, basedOn, ...decisions.map((record) => [record.outcome, record.basedOn])]
    }
    expect(named(permit(), permit(conditions))).toEqual([
      'permit',
      ['c1'],
      ['permit', ['c1', 'c2']],
      ['permit', ['c1']],
    ])
    expect(
      named(deny(conditions), permit(conditions), deny({ classes: [{ resource: 'Observation' }] })),
    ).toEqual(['deny', ['c2'], ['deny', ['c1']], ['deny', ['c3']]])
  })

  test('of the patient herself is shown to her, whatever is denied', () => {
    const { outcome, basis, records } = decided({ self: true, directives: under(deny()) })
    expect([outcome, basis]).toEqual(['permit', 'self'])
    expect(records).toEqual([{ id: 'Observation/o1', outcome: 'permit', basis: 'self', basedOn: [] }])
  })

  test('is shown to its author on the custodian’s staff, for whom something is conceivable', () => {
    const records = [recordFacts(), recordFacts({ id: 'Observation/o2', isOwn: true })]
    const author = decided({ isStaff: true, records })
    expect([author.outcome, author.basis, author.basedOn]).toEqual(['permit', 'author', []])
    expect(author.records.map(({ outcome, basis }) => `${outcome} ${basis}`)).toEqual([
      'deny default-policy',
      'permit author',
    ])
    expect(decided({ isStaff: true, records, directives: under(deny()) }).outcome).toBe('deny')
    expect(decided({ isStaff: false, records: [] }).outcome).toBe('deny')
  })

  test('is denied where nothing at all can be permitted', () => {
    const { outcome, records } = decided({ records: [recordFacts({ isOwn: true })] })
    expect(outcome).toBe('deny')
    expect(records).toEqual([{ id: 'Observation/o1', outcome: 'deny', basis: 'default-policy', basedOn: [] }])
  })
})

test('what depends on the record remains to be decided, in order', () => {
  const decision = decided({ directives: under(permit(), deny(conditions)) })
  expect(decision).toMatchObject({ outcome: 'permit', basis: 'consent', basedOn: ['c1'] })
  expect(decision.residual).toEqual([{ type: 'deny', consent: 'c2', ...conditions }])
})

test('a decision depends on nothing but its facts, and changes nothing in them', () => {
  const freeze = <Value>(value: Value): Value => {
    if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze)
    return value
  }
  const directives = [
    directiveOf(deny({ rules: [permit(conditions)] }), 'b', { supersedes: ['x'] }),
    ...under(permit(), permit()),
  ]
  const facts = (): Facts =>
    factsOf({
      directives,
      purposes: ['TREAT', 'HRESCH'],
      records: [recordFacts({ sensitivities: ['HIV', 'PSY'] })],
    })
  expect(decide(freeze(facts()))).toEqual(decide(structuredClone(facts())))
})

test('a directive that is there twice counts once', () => {
  const directives = under(permit(), permit(conditions), deny({ codes: [{ code: 'a' }] }))
  const {
    trace: _twice,
    residual: _rules,
    ...twice
  } = decided({ directives: [...directives, ...directives] })
  const { trace: _once, residual: _left, ...once } = decided({ directives })
  expect(twice).toEqual(once)
})

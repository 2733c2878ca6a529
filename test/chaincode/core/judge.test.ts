import { describe, expect, test } from 'vitest'
import type { Directive, Facts, Judgement, RecordFacts, Rule } from 'medledger-chaincode/core'
import { hear, judge, permitsByDefault } from '../../../chaincode/src/core/judge.ts'
import { deny, directiveOf, factsOf, permit, recordFacts } from '../../support/core-facts.ts'

/** What is judged of a record, in short: outcome, basis and the consents. */
function judged(more: Partial<Facts>, record: Partial<RecordFacts> = {}): string {
  const facts = factsOf(more)
  return inShort(judge(facts, hear(facts), recordFacts(record)))
}
const inShort = ({ outcome, basis, basedOn }: Judgement): string => [outcome, basis, ...basedOn].join(' ')

const under = (...roots: Rule[]): { directives: Directive[] } => ({
  directives: roots.map((root, index) => directiveOf(root, `c${index + 1}`)),
})

const conditions = { classes: [{ resource: 'Condition' }] } as const
const btg = { purposes: ['BTG'] }

describe('under deny-overrides', () => {
  test.each<[string, Rule[], string]>([
    ['nothing leaves the record to the default policy', [], 'deny default-policy'],
    ['a permit permits', [permit()], 'permit consent c1'],
    ['all that permit are named', [permit(), permit(conditions), permit()], 'permit consent c1 c3'],
    ['a deny trumps every permit', [permit(), deny(), permit()], 'deny consent c2'],
    ['all that deny are named', [deny(), permit(), deny()], 'deny consent c1 c3'],
    ['a permit of other data denies what it does not name', [permit(conditions)], 'deny consent c1'],
    [
      'all that permit only other data are named',
      [permit(conditions), permit(conditions), deny(conditions)],
      'deny consent c1 c2',
    ],
    [
      'a deny of other data leaves the record to the default policy',
      [deny(conditions)],
      'deny default-policy',
    ],
    [
      'a permit of other data adds nothing to one that permits',
      [permit(conditions), permit()],
      'permit consent c2',
    ],
    [
      'a permit for others is none',
      [permit({ actors: [{ reference: 'Practitioner/x' }] })],
      'deny default-policy',
    ],
  ])('%s', (_what, roots, expected) => expect(judged(under(...roots))).toBe(expected))

  test('consents are named once each, sorted by code point', () => {
    const directives = ['b', 'a', 'B', 'a'].map((consent) => directiveOf(permit(), consent))
    expect(judged({ directives })).toBe('permit consent B a b')
    const narrow = ['b', 'a', 'b'].map((consent) => directiveOf(permit(conditions), consent))
    expect(judged({ directives: narrow })).toBe('deny consent a b')
  })

  test('a permit of a broken glass by name prevails over a deny of treatment, and over that alone', () => {
    const byName = permit(btg)
    expect(judged({ ...btg, ...under(deny({ purposes: ['TREAT'] }), byName) })).toBe('permit consent c2')
    expect(judged({ ...btg, ...under(deny(), byName) })).toBe('deny consent c1')
    expect(judged({ ...btg, ...under(deny({ purposes: ['TREAT'] })) })).toBe('deny consent c1')
    const opened = permit({ rules: [permit({ ...btg, ...conditions })] })
    expect(judged({ ...btg, ...under(opened) })).toBe('permit consent c1')
    expect(judged({ ...btg, ...under(opened, deny({ purposes: ['TREAT'] })) })).toBe('deny consent c2')
  })
})

describe('under newest-wins', () => {
  const newest = { combining: 'newest-wins' } as const
  const dated = (root: Rule, consent: string, given?: number): Directive =>
    directiveOf(root, consent, given === undefined ? {} : { given })

  test.each<[string, Directive[], string]>([
    [
      'a newer permit undoes an older deny',
      [dated(deny(), 'old', 1), dated(permit(), 'new', 2)],
      'permit consent new',
    ],
    [
      'a newer deny undoes an older permit',
      [dated(deny(), 'new', 2), dated(permit(), 'old', 1)],
      'deny consent new',
    ],
    [
      'a deny trumps a permit of the same date',
      [dated(permit(), 'a', 1), dated(deny(), 'b', 1)],
      'deny consent b',
    ],
    ['what has no date is the oldest', [dated(deny(), 'a'), dated(permit(), 'b', -1e15)], 'permit consent b'],
    [
      'a deny trumps a permit where neither has a date',
      [dated(permit(), 'a'), dated(deny(), 'b')],
      'deny consent b',
    ],
    [
      'where the newest says nothing, the next decides',
      [dated(permit(), 'old', 1), dated(deny(conditions), 'new', 2)],
      'permit consent old',
    ],
    [
      'a newer permit of other data denies',
      [dated(permit(), 'old', 1), dated(permit(conditions), 'new', 2)],
      'deny consent new',
    ],
    ['nothing is left to the default policy', [], 'deny default-policy'],
  ])('%s', (_what, directives, expected) => {
    expect(judged({ ...newest, directives })).toBe(expected)
    expect(judged({ ...newest, directives: directives.toReversed() })).toBe(expected)
  })
})

describe('hearings', () => {
  test('are one for each purpose', () => {
    const purposes = (...of: string[]): string[] =>
      hear(factsOf({ purposes: of })).map(({ purpose }) => purpose)
    expect(purposes('TREAT')).toEqual(['TREAT'])
    expect(purposes('TREAT', 'HRESCH', 'TREAT')).toEqual(['TREAT', 'HRESCH'])
    expect(purposes('TREAT', 'BTG')).toEqual(['BTG'])
    expect(purposes('BTG', 'HRESCH')).toEqual(['BTG', 'HRESCH'])
    expect(purposes('COC', 'BTG')).toEqual(['COC', 'BTG'])
    expect(purposes()).toEqual(['?'])
  })

  test('say who does not speak, and why', () => {
    const [hearing] = hear(factsOf(under(permit({ end: 1 }), permit(), permit({ purposes: ['HRESCH'] }))))
    expect(hearing?.silent.map(({ directive, obstacle }) => [directive.consent, obstacle])).toEqual([
      ['c1', 'no-longer-valid'],
      ['c3', 'for-another-purpose'],
    ])
    expect(hearing?.rounds.map((round) => round.map(({ directive }) => directive.consent))).toEqual([['c2']])
  })

  test('go round by round only under newest-wins', () => {
    const directives = [
      directiveOf(permit(), 'a', { given: 1 }),
      directiveOf(permit(), 'b', { given: 3 }),
      directiveOf(permit(), 'c', { given: 1 }),
    ]
    const rounds = (combining: Facts['combining']): unknown =>
      hear(factsOf({ combining, directives }))[0]?.rounds.map((round) =>
        round.map(({ directive }) => directive.consent),
      )
    expect(rounds('deny-overrides')).toEqual([['a', 'b', 'c']])
    expect(rounds('newest-wins')).toEqual([['b'], ['a', 'c']])
    expect(hear(factsOf({ combining: 'newest-wins' }))[0]?.rounds).toEqual([[]])
  })
})

describe('a record', () => {
  test('of another patient is denied, and so is one that is not shown to be hers', () => {
    for (const ours of [0, 1] as const) {
      expect(judged(under(permit()), { ours })).toBe('deny default-policy')
      expect(judged({ defaultPolicy: 'all-normal' }, { ours })).toBe('deny default-policy')
      expect(judged({ self: true, isStaff: true }, { ours, isOwn: true })).toBe('deny default-policy')
    }
  })

  test('is always shown to the patient herself', () => {
    expect(judged({ self: true, ...under(deny()) })).toBe('permit self')
    expect(judged({ self: false, ...under(deny()) })).toBe('deny consent c1')
  })

  test('is shown to its author on the custodian’s staff where no directive speaks', () => {
    const own = { isOwn: true }
    expect(judged({}, own)).toBe('permit author')
    expect(judged({}, { isOwn: false })).toBe('deny default-policy')
    expect(judged(under(deny()), own)).toBe('deny consent c1')
    expect(judged(under(permit(conditions)), own)).toBe('deny consent c1')
    expect(judged(under(permit()), own)).toBe('permit consent c1')
    expect(judged({ defaultPolicy: 'all-normal' }, own)).toBe('permit default-policy')
    const sensitive = { ...own, sensitivities: ['HIV', 'PSY'], confidentiality: 4 }
    expect(judged({}, sensitive)).toBe('permit author')
    expect(judged(under(deny({ labels: { sensitivities: ['PSY'] } })), sensitive)).toBe('deny consent c1')
  })

  test('with several sensitivities must pass for each', () => {
    const both = { sensitivities: ['HIV', 'PSY'], confidentiality: 4 }
    const of = (...sensitivities: string[]): Rule => permit({ labels: { sensitivities } })
    expect(judged(under(of('HIV')), both)).toBe('deny consent c1')
    expect(judged(under(of('HIV', 'PSY')), both)).toBe('permit consent c1')
    expect(judged(under(of('PSY'), of('HIV')), both)).toBe('permit consent c1 c2')
    expect(judged(under(permit(), deny({ labels: { sensitivities: ['PSY'] } })), both)).toBe(
      'deny consent c2',
    )
    expect(judged(under(of('HIV')), { ...both, sensitivities: ['HIV'] })).toBe('permit consent c1')
  })

  test('asked for with several purposes must pass for each', () => {
    const purposes = ['TREAT', 'HRESCH']
    const forOne = permit({ purposes: ['TREAT'] })
    const forOther = permit({ purposes: ['HRESCH'] })
    expect(judged({ purposes, ...under(forOne) })).toBe('deny default-policy')
    expect(judged({ purposes, ...under(forOther, forOne) })).toBe('permit consent c1 c2')
    expect(judged({ purposes, ...under(forOne), defaultPolicy: 'all-normal' })).toBe('permit consent c1')
    expect(judged({ purposes, defaultPolicy: 'all-normal' })).toBe('permit default-policy')
    expect(judged({ purposes, ...under(forOne, deny({ purposes: ['HRESCH'] })) })).toBe('deny consent c2')
  })

  test('asked for without a purpose is permitted by nobody who names one', () => {
    expect(judged({ purposes: [], ...under(permit({ purposes: ['TREAT'] })) })).toBe('deny consent c1')
    expect(judged({ purposes: [], ...under(permit()) })).toBe('permit consent c1')
    expect(judged({ purposes: [], ...under(permit(), deny({ purposes: ['HRESCH'] })) })).toBe(
      'deny consent c2',
    )
    expect(judged({ purposes: [], defaultPolicy: 'all-normal' })).toBe('deny default-policy')
  })
})

describe('the default policy', () => {
  const restricted = 4
  test.each<[Facts['defaultPolicy'], string, number, boolean]>([
    ['deny', 'TREAT', 0, false],
    ['deny', 'BTG', 0, false],
    ['basic-normal', 'TREAT', 3, true],
    ['basic-normal', 'COC', 3, true],
    ['basic-normal', 'ETREAT', 0, true],
    ['basic-normal', 'TREAT', restricted, false],
    ['basic-normal', 'HPAYMT', 3, false],
    ['basic-normal', 'PurposeOfUse', 3, false],
    ['basic-normal', 'BTG', 3, false],
    ['basic-normal', 'urn:x|TREAT', 3, false],
    ['all-normal', 'HMARKT', 3, true],
    ['all-normal', 'BTG', 3, true],
    ['all-normal', 'urn:x|a', 3, true],
    ['all-normal', 'NOSUCH', 3, false],
    ['all-normal', 'HMARKT', restricted, false],
    ['all-normal', 'BTG', restricted, false],
    ['break-glass-only', 'BTG', 5, true],
    ['break-glass-only', 'TREAT', 0, false],
    ['break-glass-only', 'ETREAT', 0, false],
  ])('%s, for %s, of confidentiality %i: %s', (policy, purpose, confidentiality, expected) => {
    expect(permitsByDefault(policy, purpose, recordFacts({ confidentiality }))).toBe(expected)
    expect(judged({ defaultPolicy: policy, purposes: [purpose] }, { confidentiality })).toBe(
      `${expected ? 'permit' : 'deny'} default-policy`,
    )
  })

  test('counts a declared emergency with treatment as the emergency', () => {
    const purposes = ['TREAT', 'BTG']
    expect(judged({ defaultPolicy: 'basic-normal', purposes })).toBe('deny default-policy')
    expect(judged({ defaultPolicy: 'break-glass-only', purposes })).toBe('permit default-policy')
  })
})

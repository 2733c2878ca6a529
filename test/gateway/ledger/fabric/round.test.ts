import * as fc from 'fast-check'
import { MedledgerError, type Endorsers } from 'medledger-chaincode/api'
import { describe, expect, test } from 'vitest'
import {
  answered,
  asked,
  hedged,
  startRound,
  toAsk,
  verdictOf,
  type Answer,
  type Round,
  type Verdict,
} from '../../../../gateway/src/ledger/fabric/round.ts'

const names = ['north', 'south', 'authority', 'east', 'west']

const endorsed = (result: string): Answer<string> => ({
  kind: 'endorsed',
  payload: Buffer.from(result),
  response: result,
})
const refused = (code: 'FORBIDDEN' | 'CLOCK_SKEW'): Answer<string> => ({
  kind: 'refused',
  error: new MedledgerError(code, 'No.'),
})
const away: Answer<string> = { kind: 'failed', away: true, reason: 'it is away' }
const faulty: Answer<string> = { kind: 'failed', away: false, reason: 'it is wrong' }

const answers = fc.constantFrom(
  endorsed('a'),
  endorsed('a'),
  endorsed('a'),
  endorsed('b'),
  refused('FORBIDDEN'),
  refused('CLOCK_SKEW'),
  away,
  faulty,
)

const policies: fc.Arbitrary<Endorsers> = fc
  .record({
    among: fc.shuffledSubarray(names, { minLength: 1 }),
    extra: fc.nat(4),
    required: fc.nat(2),
  })
  .map(({ among, extra, required }) => {
    const first = among.slice(0, required)
    return { required: first, among, count: Math.min(among.length, first.length + extra) || 1 }
  })

type Steps = readonly { readonly pick: number; readonly hedge: boolean }[]

interface Played {
  readonly round: Round<string>
  readonly verdict: Verdict<string> | undefined
  /** The most that had been asked in vain at once, beyond what the best answer still lacked. */
  readonly hedges: number
  readonly atOnce: number
}

const stepAt = (steps: Steps, turn: number): Steps[number] =>
  steps[turn % steps.length] ?? { pick: 0, hedge: false }

/** Plays a round: whoever is asked answers as told, in an order that `steps` picks, with hedges in between. */
function play(endorsers: Endorsers, says: ReadonlyMap<string, Answer<string>>, steps: Steps): Played {
  let round = startRound<string>(endorsers, endorsers.among)
  let hedges = 0
  let atOnce = 0
  const pending: string[] = []
  for (let turn = 0; turn < 100; turn += 1) {
    const verdict = verdictOf(round)
    if (verdict !== undefined) return { round, verdict, hedges, atOnce }
    for (const organisation of toAsk(round)) {
      round = asked(round, organisation)
      pending.push(organisation)
    }
    atOnce = Math.max(atOnce, pending.length - hedges)
    if (pending.length === 0) break
    const { pick, hedge } = stepAt(steps, turn)
    const before = round.overdue.size
    if (hedge && turn < 50) round = hedged(round)
    if (round.overdue.size > before) {
      hedges += 1
      continue
    }
    const [organisation = ''] = pending.splice(pick % pending.length, 1)
    round = answered(round, organisation, says.get(organisation) ?? away)
  }
  return { round, verdict: verdictOf(round), hedges, atOnce }
}

const games = fc.record({
  endorsers: policies,
  says: fc
    .tuple(...names.map(() => answers))
    .map((given) => new Map(names.map((name, index) => [name, given[index] ?? away]))),
  steps: fc.array(fc.record({ pick: fc.nat(10), hedge: fc.boolean() }), { minLength: 1, maxLength: 12 }),
})

describe('a round of endorsement', () => {
  test('always ends in a verdict', () => {
    fc.assert(
      fc.property(games, ({ endorsers, says, steps }) => {
        expect(play(endorsers, says, steps).verdict).toBeDefined()
      }),
    )
  })

  test('asks nobody twice, nobody outside the policy, and never more at once than are needed', () => {
    fc.assert(
      fc.property(games, ({ endorsers, says, steps }) => {
        const { round, atOnce } = play(endorsers, says, steps)
        const candidates = new Set([...endorsers.required, ...endorsers.among])
        expect([...round.asked].every((organisation) => candidates.has(organisation))).toBe(true)
        expect(atOnce).toBeLessThanOrEqual(Math.max(endorsers.count, endorsers.required.length))
      }),
    )
  })

  test('what it calls endorsed satisfies the policy, and everyone said the same bytes', () => {
    fc.assert(
      fc.property(games, ({ endorsers, says, steps }) => {
        const { verdict } = play(endorsers, says, steps)
        if (verdict?.kind !== 'endorsed') return
        const { organisations, payload, responses } = verdict
        expect(organisations).toEqual(expect.arrayContaining([...endorsers.required]))
        expect(new Set(organisations).size).toBe(organisations.length)
        expect(organisations).toHaveLength(Math.max(endorsers.count, endorsers.required.length))
        expect(responses).toEqual(organisations.map(() => Buffer.from(payload).toString()))
      }),
    )
  })

  test('it is endorsed whenever no required organisation objects and enough others agree with it', () => {
    fc.assert(
      fc.property(games, ({ endorsers, says, steps }) => {
        const agree = (name: string): boolean => {
          const answer = says.get(name)
          return answer?.kind === 'endorsed' && answer.response === 'a'
        }
        const others = endorsers.among.filter((name) => !endorsers.required.includes(name))
        const needed = Math.max(0, endorsers.count - endorsers.required.length)
        // With fewer than this, a minority can reach the count by itself: then either answer may win.
        fc.pre(endorsers.required.every(agree) && others.filter(agree).length >= needed)
        fc.pre(endorsers.required.length > 0 || others.filter((name) => !agree(name)).length < needed)
        expect(play(endorsers, says, steps).verdict?.kind).toBe('endorsed')
      }),
    )
  })

  test('an organisation that is not required cannot stop the others, whatever it says and whenever', () => {
    fc.assert(
      fc.property(
        answers,
        fc.array(fc.record({ pick: fc.nat(10), hedge: fc.boolean() }), { minLength: 1 }),
        (answer, steps) => {
          const says = new Map([
            ['north', endorsed('a')],
            ['south', answer],
            ['authority', endorsed('a')],
          ])
          for (const required of [[], ['north']]) {
            const among = ['south', 'north', 'authority']
            expect(play({ required, among, count: 2 }, says, steps).verdict?.kind).toBe('endorsed')
          }
        },
      ),
    )
  })

  test('a required organisation that refuses or is away decides', () => {
    const endorsers = { required: ['north'], among: ['north', 'south', 'authority'], count: 2 }
    const rest = [
      ['south', endorsed('a')],
      ['authority', endorsed('a')],
    ] as const
    const steps = [{ pick: 0, hedge: false }]
    const refusal = play(endorsers, new Map([['north', refused('FORBIDDEN')], ...rest]), steps)
    expect(refusal.verdict).toMatchObject({ kind: 'refused', error: { code: 'FORBIDDEN' } })
    const absence = play(endorsers, new Map([['north', away], ...rest]), steps)
    expect(absence.verdict).toMatchObject({ kind: 'unavailable', error: { code: 'LEDGER_UNAVAILABLE' } })
    expect(absence.verdict).toMatchObject({ error: { message: expect.stringContaining('north') as string } })
  })

  test('two that refuse alike decide without a third', () => {
    const endorsers = { required: [], among: ['north', 'south', 'authority'], count: 2 }
    const says = new Map([
      ['north', refused('FORBIDDEN')],
      ['south', refused('FORBIDDEN')],
    ])
    const { round, verdict } = play(endorsers, says, [{ pick: 0, hedge: false }])
    expect(verdict).toMatchObject({ kind: 'refused', error: { code: 'FORBIDDEN' } })
    expect([...round.asked]).toEqual(['north', 'south'])
  })

  test('different results, or a result beside a refusal, are worth another proposal', () => {
    const endorsers = { required: [], among: ['north', 'south'], count: 2 }
    const steps = [{ pick: 0, hedge: false }]
    const differ = new Map([
      ['north', endorsed('a')],
      ['south', endorsed('b')],
    ])
    expect(play(endorsers, differ, steps).verdict).toMatchObject({
      kind: 'split',
      error: { code: 'LEDGER_UNAVAILABLE' },
    })
    const lagging = new Map([
      ['north', endorsed('a')],
      ['south', refused('CLOCK_SKEW')],
    ])
    expect(play(endorsers, lagging, steps).verdict).toMatchObject({
      kind: 'split',
      error: { code: 'LEDGER_UNAVAILABLE' },
    })
  })

  test('a policy that nobody can meet ends at once', () => {
    const endorsers = { required: [], among: ['north'], count: 2 }
    expect(verdictOf(startRound(endorsers, []))).toMatchObject({
      kind: 'unavailable',
      error: { code: 'INTERNAL' },
    })
  })

  test('a fault of the chaincode is not passed off as an outage', () => {
    const endorsers = { required: [], among: ['north', 'south'], count: 2 }
    const says = new Map([
      ['north', faulty],
      ['south', faulty],
    ])
    expect(play(endorsers, says, [{ pick: 0, hedge: false }]).verdict).toMatchObject({
      kind: 'unavailable',
      error: { code: 'INTERNAL' },
    })
  })
})

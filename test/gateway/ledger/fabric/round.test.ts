import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  answered,
  asked,
  hedged,
  startRound,
  toAsk,
  verdictOf,
  type Answer,
} from '../../../../gateway/src/ledger/fabric/round.ts'
import { answers, away, endorsed, faulty, games, names, play, refused, winnable } from './round-game.ts'

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

  test('it is endorsed whenever all required organisations and enough others agree', () => {
    fc.assert(
      fc.property(winnable, ({ endorsers, says, steps }) => {
        expect(play(endorsers, says, steps).verdict?.kind).toBe('endorsed')
      }),
      { numRuns: 1000 },
    )
  })

  test('others that refuse early do not outrun required ones and those who agree with them', () => {
    let round = startRound<string>({ required: ['north'], among: names, count: 2 }, names)
    const ask = (): void => {
      for (const organisation of toAsk(round)) round = asked(round, organisation)
    }
    const hear = (organisation: string, answer: Answer<string>): void => {
      round = answered(round, organisation, answer)
      ask()
    }
    ask()
    round = hedged(round)
    ask()
    hear('south', refused('FORBIDDEN'))
    hear('authority', refused('FORBIDDEN'))
    expect(verdictOf(round)).toBeUndefined()
    hear('north', endorsed('a'))
    hear('east', endorsed('a'))
    expect(verdictOf(round)).toMatchObject({ kind: 'endorsed', organisations: ['north', 'east'] })
  })

  test('a refusal decides only when a required organisation gives it, or as many as would have to endorse', () => {
    fc.assert(
      fc.property(games, ({ endorsers, says, steps }) => {
        const { round, verdict } = play(endorsers, says, steps)
        if (verdict?.kind !== 'refused') return
        const refusing = [...round.answers]
          .filter(([, answer]) => answer.kind === 'refused' && answer.error.code === verdict.error.code)
          .map(([organisation]) => organisation)
        const isByRequired = refusing.some((organisation) => endorsers.required.includes(organisation))
        expect(isByRequired || refusing.length >= endorsers.count).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })

  test('no organisation alone decides, unless it is required: the ledger is unavailable then', () => {
    const lone = fc.record({ game: games, culprit: fc.nat(10), rest: fc.constantFrom(away, endorsed('a')) })
    fc.assert(
      fc.property(lone, ({ game: { endorsers, steps }, culprit, rest }) => {
        const { among, required, count } = endorsers
        const others = among.filter((name) => !required.includes(name))
        const alone = others[culprit % Math.max(1, others.length)]
        if (count < 2 || alone === undefined) return
        const says = new Map(among.map((name) => [name, name === alone ? refused('FORBIDDEN') : rest]))
        const { verdict } = play(endorsers, says, steps)
        expect(verdict?.kind === 'endorsed' ? undefined : verdict?.error.code).toBe(
          verdict?.kind === 'endorsed' ? undefined : 'LEDGER_UNAVAILABLE',
        )
      }),
      { numRuns: 1000 },
    )
  })

  test('a code of the chaincode comes with a refusal and with nothing else', () => {
    fc.assert(
      fc.property(games, ({ endorsers, says, steps }) => {
        const { verdict } = play(endorsers, says, steps)
        if (verdict?.kind === 'split' || verdict?.kind === 'unavailable')
          expect(['LEDGER_UNAVAILABLE', 'INTERNAL']).toContain(verdict.error.code)
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

  test('a refusal beside an outage is no answer, and is one when a third gives it too', () => {
    const endorsers = { required: [], among: ['north', 'south', 'authority'], count: 2 }
    const steps = [{ pick: 0, hedge: false }]
    const two = [
      ['north', refused('FORBIDDEN')],
      ['south', away],
    ] as const
    const third = new Map<string, Answer<string>>([...two, ['authority', refused('FORBIDDEN')]])
    expect(play(endorsers, third, steps).verdict).toMatchObject({ error: { code: 'FORBIDDEN' } })
    const pair = { ...endorsers, among: ['north', 'south'] }
    for (const other of [away, faulty])
      expect(play(pair, new Map([...two, ['south', other]]), steps).verdict).toMatchObject({
        kind: 'unavailable',
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

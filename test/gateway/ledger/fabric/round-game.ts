import * as fc from 'fast-check'
import { MedledgerError, type Endorsers } from 'medledger-chaincode/api'
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

export const names = ['north', 'south', 'authority', 'east', 'west']

export const endorsed = (result: string): Answer<string> => ({
  kind: 'endorsed',
  payload: Buffer.from(result),
  response: result,
})
export const refused = (code: 'FORBIDDEN' | 'CLOCK_SKEW'): Answer<string> => ({
  kind: 'refused',
  error: new MedledgerError(code, 'No.'),
})
export const away: Answer<string> = { kind: 'failed', away: true, reason: 'it is away' }
export const faulty: Answer<string> = { kind: 'failed', away: false, reason: 'it is wrong' }

export const answers = fc.constantFrom(
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
export function play(endorsers: Endorsers, says: ReadonlyMap<string, Answer<string>>, steps: Steps): Played {
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

export const games = fc.record({
  endorsers: policies,
  says: fc
    .tuple(...names.map(() => answers))
    .map((given) => new Map(names.map((name, index) => [name, given[index] ?? away]))),
  steps: fc.array(fc.record({ pick: fc.nat(10), hedge: fc.boolean() }), { minLength: 1, maxLength: 12 }),
})

/**
 * Games in which all required organisations and enough others say the same. Where none is required, the rest are fewer
 * than must agree: a minority could reach the count by itself otherwise, and either answer may win.
 */
export const winnable = games.map(({ endorsers, says, steps }) => {
  const { required, among, count } = endorsers
  const others = among.filter((name) => !required.includes(name))
  const needed = Math.max(0, count - required.length)
  const free = Math.min(others.length - needed, required.length > 0 ? others.length : needed - 1)
  const contrary = new Set(others.slice(0, Math.max(0, free)))
  const agreed = among.map((name) => [name, contrary.has(name) ? says.get(name) : endorsed('a')] as const)
  return { endorsers, says: new Map(agreed.map(([name, answer]) => [name, answer ?? away])), steps }
})

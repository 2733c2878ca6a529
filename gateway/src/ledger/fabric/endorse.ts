import type { Endorsers } from 'medledger-chaincode/api'
import { answered, asked, hedged, startRound, toAsk, verdictOf, type Answer, type Verdict } from './round.ts'

export interface EndorseOptions<Response> {
  /** Asks an organisation's peer. It never rejects, and answers within its own time limit. */
  readonly ask: (organisation: string) => Promise<Answer<Response>>
  /** The organisations, best first. */
  readonly preferred: readonly string[]
  /** After this long without a verdict, someone else is asked as well; and again after as long. */
  readonly hedgeMs: number
}

/** Runs one round of endorsement to its verdict. Late answers are ignored. */
export function endorse<Response>(
  endorsers: Endorsers,
  { ask, preferred, hedgeMs }: EndorseOptions<Response>,
): Promise<Verdict<Response>> {
  return new Promise((resolve) => {
    let round = startRound<Response>(endorsers, preferred)
    let over = false
    const hear = async (organisation: string): Promise<void> => {
      const answer = await ask(organisation)
      round = answered(round, organisation, answer)
      advance()
    }
    const advance = (): void => {
      if (over) return
      const verdict = verdictOf(round)
      if (verdict !== undefined) {
        over = true
        clearInterval(hedge)
        resolve(verdict)
        return
      }
      for (const organisation of toAsk(round)) {
        round = asked(round, organisation)
        void hear(organisation)
      }
    }
    const hedge = setInterval(() => {
      round = hedged(round)
      advance()
    }, hedgeMs)
    advance()
  })
}

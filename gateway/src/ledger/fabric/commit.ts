import { setTimeout as sleep } from 'node:timers/promises'
import type { Expected, Seen } from './tail.ts'

export interface CommitOptions {
  readonly timeoutMs: number
  /** How often other peers are asked while the own one is away. */
  readonly pollMs: number
  /** After this long a connected peer that has said nothing counts as away: it may hang. */
  readonly patienceMs: number
  readonly connected: () => boolean
  /** Asks other peers for the transaction; undefined when none of them has it. It never rejects. */
  readonly lookUp: () => Promise<Seen | undefined>
}

/** Waits for a transaction's fate. Undefined when it is not known at the deadline. */
export async function awaitCommit(
  expected: Expected,
  { timeoutMs, pollMs, patienceMs, connected, lookUp }: CommitOptions,
): Promise<Seen | undefined> {
  const over = new AbortController()
  const began = performance.now()
  const poll = async (): Promise<Seen | undefined> => {
    while (!over.signal.aborted) {
      const away = !connected() || performance.now() - began > patienceMs
      const found = away ? await lookUp() : undefined
      if (found !== undefined) return found
      await sleep(pollMs, undefined, { signal: over.signal }).catch(() => {})
    }
    return undefined
  }
  const deadline = sleep(timeoutMs, undefined, { signal: over.signal }).catch(() => {})
  try {
    return (await Promise.race([expected.seen, poll(), deadline])) ?? undefined
  } finally {
    over.abort()
  }
}

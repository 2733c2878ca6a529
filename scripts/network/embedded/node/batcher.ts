import type { BatchOptions } from '../../fabric/genesis.ts'

/** The clock that a batch waits by; tests bring their own. */
export interface Timers {
  /** Calls back after the delay, unless the returned function is called before. */
  after(delayMs: number, callback: () => void): () => void
}

export const systemTimers: Timers = {
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
}

export interface Batcher {
  add(envelope: Buffer): void
  /** Puts an envelope into a block of its own, after what is waiting. */
  addAlone(envelope: Buffer): void
  /** Cuts what is waiting, and resolves when everything has been written. */
  flush(): Promise<void>
}

type Limits = Pick<BatchOptions, 'maxMessages' | 'preferredBytes' | 'timeoutMs'>

/**
 * Groups envelopes into blocks. While nothing is being written a block is cut at once, so that a lone transaction does
 * not wait; what arrives during a write waits for its end, for the block to be full, or for the timeout. Load thus
 * makes the blocks larger by itself.
 * @param limits those in force
 * @param write writes a block; called in order, and again only when the last call has settled; must not reject
 */
export function createBatcher(
  limits: () => Limits,
  write: (envelopes: readonly Buffer[]) => Promise<void>,
  timers: Timers = systemTimers,
): Batcher {
  let waiting: Buffer[] = []
  let waitingBytes = 0
  /** The writes that have not settled, each of which begins when the one before it has. */
  const writes: Array<Promise<void>> = []
  let stopTimer: (() => void) | undefined

  const cut = (): void => {
    stopTimer?.()
    stopTimer = undefined
    if (waiting.length === 0) return
    const envelopes = waiting
    waiting = []
    waitingBytes = 0
    const previous = writes.at(-1) ?? Promise.resolve()
    const own = previous
      .then(() => write(envelopes))
      .finally(() => {
        void writes.shift()
        if (writes.length === 0) cut()
      })
    writes.push(own)
  }
  return {
    add(envelope) {
      const { maxMessages, preferredBytes, timeoutMs } = limits()
      if (waiting.length > 0 && waitingBytes + envelope.length > preferredBytes) cut()
      waiting.push(envelope)
      waitingBytes += envelope.length
      const isFull = waiting.length >= maxMessages || waitingBytes >= preferredBytes
      if (writes.length === 0 || isFull) cut()
      else stopTimer ??= timers.after(timeoutMs, cut)
    },
    addAlone(envelope) {
      cut()
      waiting.push(envelope)
      cut()
    },
    async flush() {
      cut()
      while (writes.length > 0) await writes.at(-1)
    },
  }
}

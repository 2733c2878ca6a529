import type { LedgerTransport } from '../ledger/index.ts'
import type { Log } from '../log.ts'
import type { Projection } from '../store/index.ts'
import { blocksWithMissing, fillIn } from './tables.ts'

/** How many blocks are asked for at a time. */
const blocksAtOnce = 20

export interface ReconcileSources {
  readonly database: Projection
  readonly transport: Pick<LedgerTransport, 'readFull'>
  readonly log: Pick<Log, 'event'>
  readonly everyMs: number
}

/**
 * Asks the own peer every now and then for the blocks whose values it did not hold: it gets them from the other peers.
 * Returns what stops it.
 */
export function reconcile({ database, transport, log, everyMs }: ReconcileSources): () => void {
  let isRunning = false
  let isStopped = false
  /** Some values may never come, and those of later blocks must not wait for them. */
  let from = 0

  const look = async (): Promise<void> => {
    const blocks = await blocksWithMissing(database, from, blocksAtOnce)
    from = blocks.length < blocksAtOnce ? 0 : (blocks.at(-1) ?? 0) + 1
    for (const number of blocks) {
      if (isStopped) return
      const block = await transport.readFull(number)
      if ('fault' in block || block.number !== number) continue
      const values = await fillIn(database, block)
      if (values > 0) log.event('projection.reconciled', { block: number, values })
    }
  }
  const timer = setInterval(() => {
    if (isRunning) return
    isRunning = true
    look()
      // The peer or the database is away: there is a next time.
      .catch(() => {})
      .finally(() => {
        isRunning = false
      })
  }, everyMs)
  timer.unref()
  return () => {
    isStopped = true
    clearInterval(timer)
  }
}

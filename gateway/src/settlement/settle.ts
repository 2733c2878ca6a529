import { setTimeout as sleep } from 'node:timers/promises'
import { MedledgerError } from 'medledger-chaincode/api'
import type { LedgerHeight } from '../ledger/index.ts'
import type { OutboxRow, Settlement } from '../store/index.ts'
import { lookUp, placeOf } from './look-up.ts'
import { flightName, settle, type InFlight, type SettlementSources } from './submit.ts'

export interface Settler {
  /** Looks at what is due now. It never rejects. */
  run(): Promise<void>
  /** Looks at everything that a former process left, and from then on at what is due. */
  start(): Promise<void>
  /** Resolves when what is being looked at is done. */
  stop(): Promise<void>
}

export interface SettlerOptions extends Pick<SettlementSources, 'client' | 'outbox' | 'now' | 'observe'> {
  readonly height: () => LedgerHeight
  readonly log: (event: string, fields: Readonly<Record<string, string | number>>) => void
}

const everyMs = 500
const batchSize = 50
const atOnce = 8
/** A request that the ledger does not know at the first look may be on its way: only the second look cancels it. */
const secondLookMs = 1000
const firstPauseMs = 500
const longestPauseMs = 5000

/**
 * Settles requests whose outcome nobody knows: those that were submitted without an answer, and those whose process died.
 * The ledger is asked for the request; one that it does not know is cancelled there, under the same mark, so that
 * whichever is committed first decides, however late the other comes. No clock and no other gateway takes part in it.
 */
export function createSettler({ height, log, ...sources }: SettlerOptions, inFlight: InFlight): Settler {
  const { outbox, now } = sources
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let wasConnected = height().connected

  const look = async (row: OutboxRow): Promise<void> => {
    try {
      const found = await resolve(sources, row)
      if (found === undefined) await outbox.defer(row, { due: now() + secondLookMs, tries: row.tries + 1 })
      else await settle(sources, row, found)
    } catch (error) {
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(row.tries, 10))
      // A look that failed does not count: the first one that succeeds only looks.
      await outbox.defer(row, { due: now() + pauseMs, tries: row.tries === 0 ? 0 : row.tries + 1 })
      const code = error instanceof MedledgerError ? error.code : 'INTERNAL'
      log('outbox.unsettled', { request: row.request, code, tries: row.tries + 1 })
    }
  }

  const runOnce = async (): Promise<void> => {
    const { connected } = height()
    if (connected && !wasConnected) await outbox.wake(now())
    wasConnected = connected
    const due = (await outbox.due(now(), batchSize + inFlight.size)).filter(
      (row) => !inFlight.has(flightName(row)),
    )
    const left = due.slice(0, batchSize)
    const work = async (): Promise<void> => {
      for (let row = left.shift(); row !== undefined; row = left.shift()) await look(row)
    }
    await Promise.all(Array.from({ length: atOnce }, work))
  }

  const run = (): Promise<void> => {
    running ??= runOnce()
      .catch(() => log('outbox.unsettled', { code: 'INTERNAL' }))
      .finally(() => {
        running = undefined
      })
    return running
  }

  return {
    run,
    async start() {
      // One gateway has the database, so whoever noted these is gone.
      await outbox.wake(now())
      timer = setInterval(() => void run(), everyMs)
    },
    async stop() {
      clearInterval(timer)
      await Promise.race([running, sleep(longestPauseMs, undefined, { ref: false })])
    },
  }
}

/** Undefined when the ledger has neither the request nor its cancellation, and it is too early to cancel it. */
async function resolve(
  { client }: Pick<SettlerOptions, 'client'>,
  row: OutboxRow,
): Promise<Settlement | undefined> {
  const found = await lookUp(client, row)
  const place = placeOf(row.collection)
  if (found !== undefined || row.tries === 0 || place === undefined) return found
  try {
    const { transactionId } = await client.submit('CancelRequest', { ...place, cancels: row.request })
    return { state: 'cancelled', transactionId }
  } catch (error) {
    // One of the two is committed after all; a peer that does not know yet will be asked again.
    if (!(error instanceof MedledgerError && error.code === 'DUPLICATE_REQUEST')) throw error
    return lookUp(client, row)
  }
}

import type { LedgerClient } from '../ledger/index.ts'
import type { IdempotencyKeys, OutboxRow, RequestName } from '../store/index.ts'
import { lookUp } from './look-up.ts'
import { createSettler, type SettlerOptions } from './settle.ts'
import { createSettledClient, ownerOf, settle, type InFlight, type SettlementSources } from './submit.ts'

/** What became of a request; `other` when the outbox says that it is somebody else's. */
export type RequestFate = OutboxRow['state'] | 'other'

/** Everything that makes a request happen once, whatever fails. */
export interface Settlement {
  /** The ledger, with every request noted before it is submitted. */
  readonly client: LedgerClient
  /** What became of somebody's request; undefined when the outbox does not have it. Errors: those of the port. */
  fateOf(
    name: RequestName,
    claims: { readonly issuer: string; readonly subject: string },
  ): Promise<RequestFate | undefined>
  /** How many requests have an outcome that is not known yet, those in flight included. */
  pending(): Promise<number>
  /** Settles what is due; it never rejects. */
  run(): Promise<void>
  /** Settles what a former process left, and goes on settling. Call it before requests are taken. */
  start(): Promise<void>
  stop(): Promise<void>
}

interface Options extends SettlementSources, Pick<SettlerOptions, 'height' | 'log'> {
  readonly keys: IdempotencyKeys
}

/** How long settled requests and idempotency keys are remembered here; the ledger never forgets a request. */
const rememberedMs = 24 * 60 * 60 * 1000
const forgetEveryMs = 60 * 60 * 1000

export function openSettlement({ height, log, keys, ...sources }: Options): Settlement {
  const { outbox, client, digest, now } = sources
  const inFlight: InFlight = new Set()
  const settler = createSettler({ ...sources, height, log }, inFlight)
  let timer: NodeJS.Timeout | undefined

  const forget = async (): Promise<void> => {
    try {
      await outbox.forgetSettled(now() - rememberedMs)
      await keys.forget(now() - rememberedMs)
    } catch {
      log('outbox.unforgotten', {})
    }
  }
  return {
    client: createSettledClient(sources, inFlight),
    async fateOf(name, claims) {
      const row = await outbox.find(name)
      if (row === undefined) return undefined
      if (row.owner !== ownerOf(digest, claims)) return 'other'
      if (row.state !== 'pending') return row.state
      const found = await lookUp(client, name)
      if (found === undefined) return 'pending'
      await settle(sources, row, found)
      return found.state
    },
    pending: () => outbox.pending(),
    run: () => settler.run(),
    async start() {
      await forget()
      timer = setInterval(() => void forget(), forgetEveryMs)
      await settler.start()
    },
    async stop() {
      clearInterval(timer)
      await settler.stop()
    },
  }
}

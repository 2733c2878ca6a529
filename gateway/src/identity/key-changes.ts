import { issuerKeysChanged } from 'medledger-chaincode/api'
import type { LedgerTransport } from '../ledger/index.ts'

/** What a gateway has heard of changes of issuers' keys. */
export interface KeyChanges {
  /**
   * Counts everything after which remembered keys and tokens may no longer be good. What was learnt under another count
   * than the present one is not used.
   */
  count(): number
  /** Whether the own peer's blocks arrive, so that a change would be heard of at once. */
  isLive(): boolean
  /** The newest block with a change: a peer that lacks it must not be believed about a key. */
  block(): number | undefined
  /** Something beside the ledger has changed. */
  touch(): void
  stop(): void
}

/**
 * Follows the own peer's blocks. A change counts before anybody who waits for its block learns of it; after an outage
 * everything counts as changed, because what was missed is heard only then.
 */
export function followKeyChanges(transport: Pick<LedgerTransport, 'watch'>): KeyChanges {
  let count = 0
  let isLive = false
  let newest: number | undefined
  const stop = transport.watch({
    block({ number, transactions }) {
      // Whoever is told of a block has a stream that is up, also when it was up before the watch began.
      isLive = true
      if (!transactions.some(({ event }) => event === issuerKeysChanged)) return
      count += 1
      newest = number
    },
    connection(connected) {
      count += 1
      isLive = connected
    },
  })
  return {
    count: () => count,
    isLive: () => isLive,
    block: () => newest,
    touch() {
      count += 1
    },
    stop,
  }
}

import { MedledgerError } from 'medledger-chaincode/api'
import type { DeliveredBlock, LedgerHeight } from '../port.ts'

/** A transaction's fate, wherever it was seen. */
export interface Seen {
  readonly block: number
  readonly valid: boolean
  readonly code: string
}

export interface Expected {
  /** Undefined when the ledger was closed first. It never rejects. */
  readonly seen: Promise<Seen | undefined>
  /** The same, without waiting. */
  readonly peek: () => Seen | undefined
  readonly cancel: () => void
}

/** The end of the own peer's chain, as far as it has been delivered, and who waits for what on it. */
export interface Tail {
  deliver(block: DeliveredBlock): void
  connection(connected: boolean): void
  height(): LedgerHeight
  /** Must be called before the transaction is ordered. */
  expect(transactionId: string): Expected
  waitForBlock(block: number, timeoutMs: number): Promise<void>
  close(): void
}

interface BlockWaiter {
  readonly block: number
  readonly settle: (reached: boolean) => void
}

const notReached = (block: number): MedledgerError =>
  new MedledgerError('LEDGER_UNAVAILABLE', `The own peer has not delivered block ${block} in time.`)

/**
 * Codes that say nothing of the transaction whose id they come with: anybody can order an envelope that claims an id
 * which she has seen while endorsing, and the checks of header, signature and id then find it invalid.
 */
const unbound: ReadonlySet<string> = new Set([
  'NIL_ENVELOPE',
  'BAD_PAYLOAD',
  'BAD_COMMON_HEADER',
  'BAD_CREATOR_SIGNATURE',
  'UNSUPPORTED_TX_PAYLOAD',
  'BAD_PROPOSAL_TXID',
  'UNKNOWN_TX_TYPE',
  'TARGET_CHAIN_NOT_FOUND',
  'BAD_HEADER_EXTENSION',
  'BAD_CHANNEL_HEADER',
])

/** Whether a status is that of the transaction itself and not of somebody else's envelope under its id. */
export const isBound = (code: string): boolean => !unbound.has(code)

export function createTail(): Tail {
  let blocks = 0
  let connected = false
  const expected = new Map<string, (seen: Seen | undefined) => void>()
  const waiters = new Set<BlockWaiter>()

  const settleWaiters = (reached: (waiter: BlockWaiter) => boolean): void => {
    for (const waiter of waiters) if (reached(waiter)) waiter.settle(true)
  }

  return {
    deliver({ number, transactions }) {
      for (const { transactionId, block, valid, code } of transactions)
        if (isBound(code)) expected.get(transactionId)?.({ block, valid, code })
      blocks = Math.max(blocks, number + 1)
      settleWaiters(({ block }) => block < blocks)
    },
    connection(up) {
      connected = up
    },
    height: () => ({ blocks, connected }),
    expect(transactionId) {
      let result: Seen | undefined
      const seen = new Promise<Seen | undefined>((resolve) => {
        expected.set(transactionId, (found) => {
          expected.delete(transactionId)
          result = found
          resolve(found)
        })
      })
      return { seen, peek: () => result, cancel: () => void expected.delete(transactionId) }
    },
    waitForBlock: (block, timeoutMs) =>
      new Promise((resolve, reject) => {
        if (block < blocks) {
          resolve()
          return
        }
        const waiter: BlockWaiter = {
          block,
          settle: (reached) => {
            clearTimeout(timer)
            waiters.delete(waiter)
            if (reached) resolve()
            else reject(notReached(block))
          },
        }
        const timer = setTimeout(() => waiter.settle(false), timeoutMs)
        waiters.add(waiter)
      }),
    close() {
      connected = false
      for (const settle of expected.values()) settle(undefined)
      for (const waiter of waiters) waiter.settle(false)
    },
  }
}

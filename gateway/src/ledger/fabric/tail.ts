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
 * Codes that only the transaction itself can have: Fabric gives them (txvalidator/v20, then the state's checks) when
 * the creator's signature holds, the id is made of creator and nonce, and the ledger did not have the id yet. Whoever
 * has endorsed a proposal knows its id, and can order an envelope of her own under it; what that one gets says nothing.
 */
const own: ReadonlySet<string> = new Set([
  'VALID',
  'MVCC_READ_CONFLICT',
  'PHANTOM_READ_CONFLICT',
  'ENDORSEMENT_POLICY_FAILURE',
  'EXPIRED_CHAINCODE',
  'CHAINCODE_VERSION_CONFLICT',
  'BAD_RESPONSE_PAYLOAD',
  'BAD_RWSET',
  'ILLEGAL_WRITESET',
  'INVALID_WRITESET',
  'INVALID_CHAINCODE',
  'NIL_TXACTION',
  'INVALID_OTHER_REASON',
])

/**
 * Codes after which nothing with this id can become valid any more. The second is also what a signed proposal gets that
 * an endorser orders as it is: it has an envelope's form and the creator's good signature.
 */
const usedUp: ReadonlySet<string> = new Set(['DUPLICATE_TXID', 'INVALID_ENDORSER_TRANSACTION'])

/** Whether a status is that of the transaction itself and not of somebody else's envelope under its id. */
export const isOwn = (code: string): boolean => own.has(code)

/** Whether a status only says that the transaction's id is used up, by whomever. */
export const isUsedUp = (code: string): boolean => usedUp.has(code)

interface Waiting {
  /** Whether no block that may have it has been missed. */
  readonly sinceBefore: boolean
  readonly settle: (seen: Seen | undefined) => void
}

export function createTail(): Tail {
  let blocks = 0
  let connected = false
  const expected = new Map<string, Waiting>()
  const waiters = new Set<BlockWaiter>()

  const settleWaiters = (reached: (waiter: BlockWaiter) => boolean): void => {
    for (const waiter of waiters) if (reached(waiter)) waiter.settle(true)
  }

  return {
    deliver({ number, transactions }) {
      for (const { transactionId, block, valid, code } of transactions)
        if (isOwn(code)) expected.get(transactionId)?.settle({ block, valid, code })
      // Only then, since the transaction itself may be valid in the same block.
      for (const { transactionId, block, code } of transactions) {
        const waiting = isUsedUp(code) ? expected.get(transactionId) : undefined
        if (waiting?.sinceBefore) waiting.settle({ block, valid: false, code })
      }
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
        const settle = (found: Seen | undefined): void => {
          expected.delete(transactionId)
          result = found
          resolve(found)
        }
        expected.set(transactionId, { settle, sinceBefore: blocks > 0 })
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
      for (const { settle } of expected.values()) settle(undefined)
      for (const waiter of waiters) waiter.settle(false)
    },
  }
}

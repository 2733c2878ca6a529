import { MedledgerError } from 'medledger-chaincode/api'
import { setTimeout as sleep } from 'node:timers/promises'
import { reach, type Health, type LedgerNode } from './node.ts'

export interface OrdererNode extends LedgerNode {
  sendBroadcast(envelope: unknown, timeoutMs: number): Promise<unknown>
}

/**
 * What came of sending an envelope to one orderer:
 *
 * - `unsent`: there was no connection, so nothing was written;
 * - `unavailable`: it said that it cannot order now;
 * - `rejected`: it said that it will not order this;
 * - `unclear`: no answer came after the envelope was written, or the connection broke.
 */
export type Attempt = 'accepted' | 'unsent' | 'unavailable' | 'rejected' | 'unclear'

export function readStatus(status: unknown): Attempt {
  if (status === 'SUCCESS') return 'accepted'
  return status === 'SERVICE_UNAVAILABLE' ? 'unavailable' : 'rejected'
}

export type Ordered = 'accepted' | 'refused' | 'unknown'

/**
 * What the attempts so far prove. One acceptance is enough, whatever else happened, since a second copy of an envelope
 * is void. One unclear attempt leaves it unknown. Only when every attempt failed openly was nothing ordered.
 */
export function concludeOrdering(attempts: readonly Attempt[]): Ordered {
  if (attempts.includes('accepted')) return 'accepted'
  return attempts.includes('unclear') ? 'unknown' : 'refused'
}

/** Whether another attempt can change anything. */
export const mayRetry = (attempts: readonly Attempt[]): boolean =>
  !attempts.includes('accepted') && !attempts.includes('rejected')

export interface OrderOptions {
  readonly orderers: readonly OrdererNode[]
  readonly health: Health
  /** In all. */
  readonly timeoutMs: number
  /** How long to wait for a connection that is not there. */
  readonly connectMs: number
  /** How long one orderer may take to answer. */
  readonly attemptMs: number
  readonly pauseMs: number
  readonly random: () => number
  /** Whether the transaction has been seen in a block meanwhile. */
  readonly seen: () => boolean
  readonly onFailure: (orderer: string, attempt: Attempt) => void
}

/** Less than this is no fair chance, and would only make an outcome unclear. */
const shortestAttemptMs = 500

async function attempt(
  orderer: OrdererNode,
  envelope: unknown,
  { connectMs, attemptMs }: OrderOptions,
  leftMs: number,
): Promise<Attempt> {
  if (!(await reach(orderer, connectMs))) return 'unsent'
  const timeoutMs = Math.round(Math.min(attemptMs, Math.max(shortestAttemptMs, leftMs)))
  try {
    const { status } = (await orderer.sendBroadcast(envelope, timeoutMs)) as { status?: unknown }
    return readStatus(status)
  } catch {
    return 'unclear'
  }
}

/** A random order, so that all gateways do not lean on one orderer. */
const shuffled = <T>(items: readonly T[], random: () => number): T[] =>
  items
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item)

/**
 * Sends an envelope to one orderer after another until one accepts it, always the same envelope. Errors:
 * LEDGER_UNAVAILABLE when provably none accepted it. `unknown` means that one of them may have.
 */
export async function order(envelope: unknown, options: OrderOptions): Promise<'accepted' | 'unknown'> {
  const end = performance.now() + options.timeoutMs
  const attempts: Attempt[] = []
  const goOn = (): boolean => mayRetry(attempts) && !options.seen() && performance.now() < end
  while (goOn()) {
    for (const orderer of options.health.failingLast(shuffled(options.orderers, options.random))) {
      if (!goOn()) break
      const result = await attempt(orderer, envelope, options, end - performance.now())
      attempts.push(result)
      if (result === 'accepted') options.health.recovered(orderer)
      else {
        options.health.failed(orderer)
        options.onFailure(orderer.name, result)
      }
    }
    if (goOn()) await sleep(options.pauseMs)
  }
  if (options.seen()) return 'accepted'
  const outcome = concludeOrdering(attempts)
  if (outcome !== 'refused') return outcome
  throw new MedledgerError('LEDGER_UNAVAILABLE', 'No orderer took the request. Nothing was ordered.')
}

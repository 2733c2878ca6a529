import type { PeerNode, PeerResponse } from '../../gateway/src/ledger/fabric/ask.ts'
import type { OpenStream, StreamHandlers } from '../../gateway/src/ledger/fabric/blocks.ts'
import type { OrdererNode } from '../../gateway/src/ledger/fabric/order.ts'
import type { DeliveredBlock } from '../../gateway/src/ledger/port.ts'

/** `away`: no connection. `breaks`: the call fails after it was made. `hangs`: the SDK's own timer ends it. */
export type OrdererBehaviour = 'away' | 'breaks' | 'hangs' | 'SUCCESS' | 'SERVICE_UNAVAILABLE' | 'BAD_REQUEST'

const timeout = (ms: number): Promise<never> =>
  new Promise((_resolve, reject) => {
    setTimeout(() => reject(new Error('REQUEST TIMEOUT')), ms)
  })

export function fakeOrderer(
  name: string,
  behaviour: OrdererBehaviour | (() => OrdererBehaviour),
  onSent: (envelope: unknown) => void = () => {},
): OrdererNode {
  let now: OrdererBehaviour = 'away'
  return {
    name,
    mspid: 'OrdererMSP',
    checkConnection: () => {
      now = typeof behaviour === 'function' ? behaviour() : behaviour
      return Promise.resolve(now !== 'away')
    },
    sendBroadcast: (envelope, timeoutMs) => {
      onSent(envelope)
      if (now === 'breaks') return Promise.reject(new Error('SERVICE UNAVAILABLE'))
      return now === 'hangs' ? timeout(timeoutMs) : Promise.resolve({ status: now })
    },
  }
}

export type PeerBehaviour = 'away' | 'hangs' | PeerResponse | Error

export function fakePeer(
  name: string,
  mspid: string,
  behaviour: (signedProposal: unknown) => PeerBehaviour,
): PeerNode {
  return {
    name,
    mspid,
    checkConnection: () => Promise.resolve(behaviour(undefined) !== 'away'),
    sendProposal: (signedProposal, timeoutMs) => {
      const now = behaviour(signedProposal)
      if (now instanceof Error) return Promise.reject(now)
      if (now === 'hangs') return timeout(timeoutMs)
      return now === 'away' ? Promise.reject(new Error('SERVICE UNAVAILABLE')) : Promise.resolve(now)
    },
  }
}

export const blockOf = (
  number: number,
  transactions: readonly { readonly transactionId: string; readonly code?: string }[] = [],
): DeliveredBlock => ({
  number,
  transactions: transactions.map(({ transactionId, code = 'VALID' }, position) => ({
    transactionId,
    block: number,
    position,
    valid: code === 'VALID',
    code,
  })),
})

/** A peer's chain whose streams a test can break, refuse, or make skip a block. */
export interface FakeChain {
  readonly open: OpenStream
  /** How often a stream was asked for, and how many are open. */
  readonly opened: () => number
  readonly streams: () => number
  readonly append: (block?: DeliveredBlock) => void
  /** Ends every stream; until `come` no new one can be had. */
  readonly go: () => void
  readonly come: () => void
  /** Ends every stream, and new ones can be had at once. */
  readonly cut: () => void
  /** The next stream leaves this block out. */
  readonly skipOnce: (number: number) => void
}

export function fakeChain(length: number): FakeChain {
  const blocks = Array.from({ length }, (_value, number) => blockOf(number))
  const streams = new Set<StreamHandlers>()
  let away = false
  let opened = 0
  let skipped = -1
  const cut = (): void => {
    for (const stream of streams) {
      streams.delete(stream)
      stream.end()
    }
  }
  return {
    open: async (fromBlock, handlers) => {
      opened += 1
      await Promise.resolve()
      if (away) throw new Error('not connected')
      streams.add(handlers)
      const skip = skipped
      skipped = -1
      for (const block of blocks.slice(fromBlock ?? -1))
        if (block.number !== skip && streams.has(handlers)) handlers.block(block)
      return () => void streams.delete(handlers)
    },
    opened: () => opened,
    streams: () => streams.size,
    append: (block = blockOf(blocks.length)) => {
      blocks.push(block)
      for (const stream of streams) stream.block(block)
    },
    go: () => {
      away = true
      cut()
    },
    come: () => {
      away = false
    },
    cut,
    skipOnce: (number) => {
      skipped = number
    },
  }
}

import { decodeBlock } from './ledger/block.ts'
import type { FetchPrivate } from './ledger/missing-data.ts'
import { checkTransaction } from './ledger/verify-signatures.ts'
import { isBlockSigned } from './node/ordering.ts'
import { startOrdering, type OrderingPart, type PartOptions } from './node/ordering-part.ts'
import { startPeer, type PeerPart, type PeerPartOptions, type SourceBlock } from './node/peer-part.ts'

export type PartName = 'orderer' | `peer-${string}`

export interface PartsOptions extends PartOptions {
  readonly executeTimeoutMs: number
}

/** The orderer and the peers, each of which may be stopped and started by itself. */
export interface Parts {
  readonly names: readonly PartName[]
  start(name: PartName): Promise<void>
  stop(name: PartName): Promise<void>
  stopAll(): Promise<void>
  heights(): Record<string, number>
  chaincodeReady(): Promise<void>
}

/** Blocks kept with their signatures checked: all peers ask for the newest at about the same time. */
const cacheLimit = 32

export function createParts(options: PartsOptions): Parts {
  const { topology, channel } = options
  const organisations = topology.constitution.organisations.map(({ name }) => name)
  const names: readonly PartName[] = ['orderer', ...organisations.map((name) => `peer-${name}` as const)]
  const peers = new Map<PartName, PeerPart>()
  const cache = new Map<number, SourceBlock>()
  let orderer: OrderingPart | undefined
  let changing: Promise<unknown> = Promise.resolve()

  const pull = (number: number): SourceBlock | undefined => {
    if (orderer === undefined) return undefined
    const { height } = orderer.ordering.blocks
    if (number > height) throw new Error(`it is ahead of the orderer, whose height is ${height}`)
    if (number === height) return undefined
    const found = cache.get(number)
    if (found !== undefined) return found
    const block = decodeBlock(orderer.ordering.blocks.read(number))
    if (number > 0 && !isBlockSigned(block, channel.membership, channel.ordererMspId))
      throw new Error(`no orderer has signed block ${number}`)
    const transactions = block.envelopes.map((envelope) => checkTransaction(envelope, channel.membership))
    const [oldest] = cache.keys()
    if (cache.size >= cacheLimit && oldest !== undefined) cache.delete(oldest)
    cache.set(number, { block, transactions })
    return { block, transactions }
  }
  const catchUpAll = async (): Promise<void> => {
    await Promise.all([...peers.values()].map((peer) => peer.catchUp()))
  }
  const isMember = (peer: PeerPart, collection: string): boolean =>
    channel.definition.collections.get(collection)?.members.has(peer.mspId) === true

  const fetch: FetchPrivate = (wanted) => {
    for (const peer of peers.values()) {
      const content = isMember(peer, wanted.collection) ? peer.ledger.find(wanted) : undefined
      if (content !== undefined) return content
    }
    return undefined
  }
  /** The endorsing peer must have the data on its disk; when it is no member, those that are must. */
  const distribute =
    (own: PartName): PeerPartOptions['distribute'] =>
    async (transactionId, sets) => {
      const receivers = [...peers].filter(([, peer]) => {
        const visible = new Map([...sets].filter(([collection]) => isMember(peer, collection)))
        if (visible.size > 0) peer.ledger.transient.add(transactionId, peer.ledger.blocks.height, visible)
        return visible.size > 0
      })
      const ownOnly = receivers.filter(([name]) => name === own)
      const durable = ownOnly.length > 0 ? ownOnly : receivers
      await Promise.all(durable.map(([, peer]) => peer.ledger.transient.sync()))
    }

  const startOne = async (name: PartName): Promise<void> => {
    if (name === 'orderer') {
      orderer ??= await startOrdering(options, catchUpAll)
      await catchUpAll()
      return
    }
    if (!names.includes(name)) throw new RangeError(`the network has no part ${name}`)
    if (peers.has(name)) return
    const organisation = name.slice('peer-'.length)
    peers.set(name, await startPeer({ ...options, organisation, pull, fetch, distribute: distribute(name) }))
    await catchUpAll()
    // What a peer brings back with it may be what others are missing.
    await Promise.all([...peers.values()].map((peer) => peer.ledger.reconcile()))
  }
  const stopOne = async (name: PartName): Promise<void> => {
    if (name === 'orderer') {
      await orderer?.close()
      orderer = undefined
      return
    }
    if (!names.includes(name)) throw new RangeError(`the network has no part ${name}`)
    const peer = peers.get(name)
    peers.delete(name)
    await peer?.close()
  }
  /** Changes follow one another, so that a part is never opened while it still closes. */
  const inTurn = (change: () => Promise<void>): Promise<void> => {
    const result = changing.then(change)
    changing = result.catch(() => undefined)
    return result
  }

  return {
    names,
    start: (name) => inTurn(() => startOne(name)),
    stop: (name) => inTurn(() => stopOne(name)),
    stopAll: () =>
      inTurn(async () => {
        // The orderer first: what it has accepted still reaches every peer.
        await stopOne('orderer')
        await Promise.all([...peers.keys()].map(stopOne))
      }),
    heights() {
      const heights: Record<string, number> = {}
      if (orderer !== undefined) heights['orderer'] = orderer.ordering.blocks.height
      for (const [name, { ledger }] of peers) heights[name] = ledger.blocks.height
      return heights
    },
    async chaincodeReady() {
      await Promise.all([...peers.values()].map(({ chaincode }) => chaincode.ready()))
    },
  }
}

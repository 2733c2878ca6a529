import { createBlockSource } from './block-source.ts'
import { startOrdering, type OrderingPart, type PartOptions } from './node/ordering-part.ts'
import { startPeer, type PeerPart, type PeerPartOptions } from './node/peer-part.ts'
import { organisationOf, peerName, type PartName } from './part-name.ts'
import { createPrivateExchange } from './private-exchange.ts'

export interface PartsOptions extends PartOptions {
  readonly executeTimeoutMs: number
}

/** The orderer and the peers, each of which may be stopped and started by itself. */
export interface Parts {
  readonly names: readonly PartName[]
  readonly start: (name: PartName) => Promise<void>
  readonly stop: (name: PartName) => Promise<void>
  readonly stopAll: () => Promise<void>
  readonly heights: () => Record<string, number>
  readonly chaincodeReady: () => Promise<void>
}

/** Runs changes one after another, so that a part is never opened while it still closes. */
function createQueue(): (change: () => Promise<void>) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve()
  return (change) => {
    const result = last.then(change)
    last = result.catch(() => undefined)
    return result
  }
}

export function createParts(options: PartsOptions): Parts {
  const { topology, channel } = options
  const peerNames = topology.constitution.organisations.map(({ name }) => peerName(name))
  const peers = new Map<PartName, PeerPart>()
  let orderer: OrderingPart | undefined
  const pull = createBlockSource(channel, () => orderer?.ordering)
  const exchange = createPrivateExchange(channel.definition.name, peers)
  const inTurn = createQueue()

  const catchUpAll = async (): Promise<void> => {
    await Promise.all([...peers.values()].map((peer) => peer.catchUp()))
  }
  const checkName = (name: PartName): void => {
    if (name !== 'orderer' && !peerNames.includes(name))
      throw new RangeError(`the network has no part ${name}`)
  }
  const startOne = async (name: PartName): Promise<void> => {
    checkName(name)
    const organisation = organisationOf(name)
    if (organisation === undefined) orderer ??= await startOrdering(options, catchUpAll)
    else if (!peers.has(name)) {
      const distribute: PeerPartOptions['distribute'] = (transactionId, sets) =>
        exchange.distribute(name, transactionId, sets)
      const { fetch } = exchange
      peers.set(name, await startPeer({ ...options, organisation, pull, fetch, distribute }))
    }
    await catchUpAll()
    // What a peer brings back with it may be what others are missing.
    await Promise.all([...peers.values()].map((peer) => peer.ledger.reconcile()))
  }
  const stopOne = async (name: PartName): Promise<void> => {
    checkName(name)
    if (name === 'orderer') {
      await orderer?.close()
      orderer = undefined
      return
    }
    const peer = peers.get(name)
    peers.delete(name)
    await peer?.close()
  }
  return {
    names: ['orderer', ...peerNames],
    start: (name) => inTurn(() => startOne(name)),
    stop: (name) => inTurn(() => stopOne(name)),
    stopAll: () =>
      inTurn(async () => {
        // The orderer first: what it has accepted still reaches every peer.
        await stopOne('orderer')
        await Promise.all([...peers.keys()].map(stopOne))
      }),
    heights() {
      const ordering = orderer === undefined ? [] : [['orderer', orderer.ordering.blocks.height] as const]
      return Object.fromEntries([
        ...ordering,
        ...[...peers].map(([name, { ledger }]) => [name, ledger.blocks.height] as const),
      ])
    },
    async chaincodeReady() {
      for (;;) {
        const waiting = [...peers.values()].map(({ chaincode }) => chaincode.ready())
        const outcomes = await Promise.allSettled(waiting)
        if (peers.size === 0) throw new Error('no peer is running')
        // A peer that was stopped meanwhile is not among the peers any more, and is not waited for.
        if (outcomes.every(({ status }) => status === 'fulfilled')) return
      }
    },
  }
}

import type { Endorser, IdentityContext } from 'fabric-common'
import { MedledgerError } from 'medledger-chaincode/api'
import type { BlockWatcher, LedgerLogLine, LedgerTransport, Observe } from '../port.ts'
import { keepBlocks, type Blocks, type Numbered, type OpenStream } from './blocks.ts'
import { deliverFrom } from './deliver.ts'
import { deliverFullFrom, type BlockContent } from './deliver-full.ts'
import { followBlocks, type FollowOptions } from './follow.ts'
import { nativeIdentityProvider, toX509, type FabricIdentity } from './identity.ts'
import { reachAny, rememberHealth } from './node.ts'
import { createPace } from './pace.ts'
import { prepareProfile, type ConnectionProfile } from './profile.ts'
import { createQueries } from './query.ts'
import { Gateway } from './sdk.ts'
import { submit, type SubmitOptions } from './submit.ts'
import { createTail, type Tail } from './tail.ts'

export interface FabricTimeouts {
  /** For all endorsements of one proposal. */
  readonly endorseTimeoutMs?: number
  /** Until an orderer must have taken the envelope. */
  readonly orderTimeoutMs?: number
  /** From then until the transaction must have been seen in a block. */
  readonly commitTimeoutMs?: number
  /** For all proposals of one request together. */
  readonly submitTimeoutMs?: number
  /** How long one peer may take over a query. */
  readonly evaluateTimeoutMs?: number
  /** After this long without enough endorsements a further organisation is asked; later when the own peer is slow too. */
  readonly hedgeMs?: number
}

export interface FabricOptions extends FabricTimeouts {
  readonly profile: ConnectionProfile
  readonly channel: string
  /** Name of the chaincode. */
  readonly chaincode: string
  /** The MSP id of an organisation, by its name. */
  readonly mspOf: (organisation: string) => string
  /** Name of the own organisation. */
  readonly organisation: string
  readonly identity: FabricIdentity
  readonly log: (line: LedgerLogLine) => void
  readonly observe?: Observe
}

const defaults = {
  endorseTimeoutMs: 4500,
  orderTimeoutMs: 2500,
  commitTimeoutMs: 3000,
  submitTimeoutMs: 15_000,
  evaluateTimeoutMs: 1500,
  hedgeMs: 400,
} as const satisfies Required<FabricTimeouts>

const peerConnectMs = 1000
const ordererConnectMs = 800
const queryConnectMs = 500
const queryTotalMs = 3000
const reconnectMs = 200
const healthMemoryMs = 3000
const queueLimit = 500
/** A full block may have megabytes. */
const fullQueueLimit = 30
const readTimeoutMs = 3000

async function openGateway({ profile, channel, identity }: FabricOptions): Promise<Gateway> {
  const gateway = new Gateway()
  await gateway.connect(prepareProfile(profile, channel, identity.mspId), {
    identity: toX509(identity),
    identityProvider: nativeIdentityProvider,
    discovery: { enabled: false },
    // Without this the SDK makes a key and a certificate of its own, which takes long and is of no use.
    tlsInfo: { certificate: identity.certificate, key: identity.privateKey },
  })
  return gateway
}

/** What both the blocks and the followers of the own peer need. */
interface OwnPeer {
  readonly organisation: string
  readonly open: OpenStream
  readonly openFull: OpenStream<BlockContent>
  readonly log: FabricOptions['log']
}

const keepTail = (
  tail: Tail,
  watchers: ReadonlySet<BlockWatcher>,
  { organisation, open, log }: OwnPeer,
): Blocks =>
  keepBlocks({
    open,
    fromBlock: undefined,
    onBlock: (block) => {
      for (const watcher of watchers) watcher.block(block)
      tail.deliver(block)
    },
    onConnection: (connected) => {
      for (const watcher of watchers) watcher.connection(connected)
      tail.connection(connected)
      log({ event: connected ? 'blocks.connected' : 'blocks.lost', organisation })
    },
    retryMs: reconnectMs,
  })

interface Followers extends Pick<LedgerTransport, 'follow' | 'followFull'> {
  readonly stopAll: () => void
}

function createFollowers({ open, openFull, log }: OwnPeer): Followers {
  const stops = new Set<() => void>()
  const start = <Block extends Numbered>(
    options: Pick<FollowOptions<Block>, 'open' | 'fromBlock' | 'onBlock' | 'queueLimit' | 'gaps'>,
  ): Promise<() => void> => {
    const stop = followBlocks({
      ...options,
      retryMs: reconnectMs,
      onConnection: () => {},
      onRejected: (block) => log({ event: 'follow.rejected', block }),
    })
    stops.add(stop)
    return Promise.resolve(() => {
      stops.delete(stop)
      stop()
    })
  }
  return {
    follow: (fromBlock, onBlock) => start({ open, fromBlock, onBlock, queueLimit }),
    followFull: (fromBlock, onBlock) =>
      start({ open: openFull, fromBlock, onBlock, queueLimit: fullQueueLimit, gaps: 'hand over' }),
    stopAll() {
      for (const stop of stops) stop()
    },
  }
}

/** The first block of a stream of its own. */
async function readFull({ openFull }: OwnPeer, number: number): Promise<BlockContent> {
  const { promise, resolve, reject } = Promise.withResolvers<BlockContent>()
  const fail = (): void =>
    reject(new MedledgerError('LEDGER_UNAVAILABLE', `The own peer does not send block ${number}.`))
  const timer = setTimeout(fail, readTimeoutMs)
  const stream = openFull(number, { block: resolve, end: fail })
  stream.catch(fail)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    stream.then(
      (close) => close(),
      () => {},
    )
  }
}

/**
 * Connects one organisation's gateway to a Fabric network, embedded or real. Nodes that are away now are found when they
 * come back. Errors: what the SDK says when the profile or the identity cannot be used.
 */
export async function connectFabric(options: FabricOptions): Promise<LedgerTransport> {
  const settings = { observe: () => {}, ...defaults, ...options }
  const { organisation, log, mspOf } = settings
  const gateway = await openGateway(options)
  const channel = (await gateway.getNetwork(options.channel)).getChannel()
  const identity = gateway.identityContext as IdentityContext
  const peersOf = (name: string): readonly Endorser[] => channel.getEndorsers(mspOf(name))
  const shared = {
    ...settings,
    channel,
    peersOf,
    newContext: () => identity.calculateTransactionId(),
  }
  const peerHealth = rememberHealth(healthMemoryMs)
  const ownPeers = peersOf(organisation)
  const own: OwnPeer = {
    organisation,
    log,
    open: deliverFrom(channel, ownPeers, identity),
    openFull: deliverFullFrom(channel, ownPeers, { identity, chaincode: settings.chaincode }),
  }
  const tail = createTail()
  const watchers = new Set<BlockWatcher>()
  const stream = keepTail(tail, watchers, own)
  const followers = createFollowers(own)
  const queries = createQueries({
    ...shared,
    ownMspId: mspOf(organisation),
    ownHeight: () => (tail.height().connected ? tail.height().blocks : 0),
    health: peerHealth,
    connectMs: queryConnectMs,
    timeoutMs: settings.evaluateTimeoutMs,
    totalMs: queryTotalMs,
  })
  const orderers = channel.getCommitters()
  const submitOptions: SubmitOptions = {
    ...shared,
    orderers,
    peerHealth,
    // So that whoever is asked last still has half of the time.
    pace: createPace({ leastMs: settings.hedgeMs, mostMs: settings.endorseTimeoutMs / 2 }),
    ordererHealth: rememberHealth(healthMemoryMs),
    tail,
    lookUp: (transactionId) => queries.lookUp(transactionId),
    connectMs: peerConnectMs,
  }
  return {
    submit: (sealed, endorsers) => submit(sealed, endorsers, submitOptions),
    evaluate: (sealed, organisations, minimumBlock) => queries.evaluate(sealed, organisations, minimumBlock),
    height: () => tail.height(),
    reachesOrderer: () => reachAny(orderers, ordererConnectMs),
    waitForBlock: (block, timeoutMs) => tail.waitForBlock(block, timeoutMs),
    watch(watcher) {
      watchers.add(watcher)
      return () => void watchers.delete(watcher)
    },
    follow: followers.follow,
    followFull: followers.followFull,
    readFull: (block) => readFull(own, block),
    close() {
      followers.stopAll()
      stream.close()
      tail.close()
      gateway.disconnect()
    },
  }
}

import type { FastifyInstance } from 'fastify'
import { collectionsOf, organisationNamed, type Constitution } from 'medledger-chaincode/api'
import { utc } from 'medledger-chaincode/core'
import { createApp } from './app.ts'
import { createAuthenticate, type Authenticate } from './authenticate.ts'
import type { Config } from './config/index.ts'
import { createTokenCache, followKeyChanges, openTrustedKeys, type KeyChanges } from './identity/index.ts'
import {
  connectFabric,
  createClient,
  type ConnectionProfile,
  type LedgerClient,
  type LedgerTransport,
  type Observe,
} from './ledger/index.ts'
import type { Log } from './log.ts'
import { createMetricsServer } from './metrics-server.ts'
import { createMetrics, type Gauges, type Metrics } from './metrics.ts'
import { probesOf, sharedProbesOf } from './probes.ts'
import type { Probes } from './routes/health.ts'
import { answerLists, keepProjection, prepareProjection, type KeptProjection } from './projection/index.ts'
import {
  createAskCustodian,
  createExchange,
  createGive,
  keepReleases,
  type ReleaseRecords,
} from './release/index.ts'
import { openSettlement, type Settlement } from './settlement/index.ts'
import { closeServer } from './stop.ts'
import { countPending, keepPositions, openPositions, type Positions } from './store/index.ts'
import { openStores, type Stores } from './stores.ts'

export interface Gateway {
  /** Takes nothing new, and lets what is under way end within most of this time. */
  close(withinMs: number): Promise<void>
}

const settleEveryMs = 5000

/** How much of the time for a stop is for requests; the rest is for noting what has become of them. */
const shareOfRequests = 0.75

/**
 * Starts one organisation's gateway: its connection to the ledger, its stores, and its servers.
 * `observe` hears every step of its requests.
 */
export async function startGateway(config: Config, log: Log, observe: Observe = () => {}): Promise<Gateway> {
  const { organisation, constitution } = config
  const metrics = createMetrics(organisation.name)
  const stores = await openStores(config, log)
  const tell: Observe = (step) => {
    metrics.step(step)
    observe(step)
  }
  const transport = await connect(config, log, tell)
  // At once, so that no block is missed.
  const changes = followKeyChanges(transport)
  const projection = await project(config, { database: stores.projection, transport, metrics, log })
  const positions = openPositions(stores.projection)
  const direct = logCommits(createClient(projection.client, constitution, organisation.name), log)
  const settlement = settleOn({ ...stores, client: direct, transport, positions, log, observe: tell })
  const { client } = settlement
  const releases = createReleases(config, {
    ...stores,
    client: direct,
    transport,
    log,
    metrics,
    observe: tell,
  })
  const ask = createAskCustodian(config.partners, config.exchange, tell)
  const identity = identify(config, { client: direct, changes, log })
  const { authenticate } = identity
  metrics.watch(gaugesOf({ transport, database: stores.database, settlement, projection }))
  let stopping = false
  const { vault, digest, keys: idempotencyKeys } = stores
  const work = { authenticate, client, transport, positions, settlement, vault, idempotencyKeys, ask }
  const app = await createApp(
    { constitution, organisation, ...work, digest, log, now: Date.now },
    {
      ...config,
      metrics,
      stopping: () => stopping,
      probes: probesOf(config, stores),
      shared: othersProbes(config, { client: direct, transport, projection, identity }),
    },
  )
  const monitoring = createMetricsServer(metrics)
  await settlement.start()
  const host = config.listenAddress
  await releases.exchange.listen({ host, port: config.exchange.port })
  await app.listen({ host, port: config.httpPort })
  if (config.metricsPort !== undefined) monitoring.listen(config.metricsPort, host)
  const timer = setInterval(releases.settle, settleEveryMs)
  releases.settle()
  log.event('listening', { port: config.httpPort, exchange: config.exchange.port })
  return {
    async close(withinMs) {
      stopping = true
      clearInterval(timer)
      const requestsMs = withinMs * shareOfRequests
      await Promise.all([closeServer(app, requestsMs), closeServer(releases.exchange, requestsMs)])
      monitoring.close()
      monitoring.closeAllConnections()
      await Promise.all([releases.records.settle(), settlement.stop()])
      projection.stop()
      await Promise.all([ask.close(), identity.close()])
      transport.close()
      await stores.close()
    },
  }
}

/** What this gateway can do without for a while. */
const othersProbes = (
  config: Config,
  {
    identity,
    projection,
    ...network
  }: {
    readonly client: LedgerClient
    readonly transport: LedgerTransport
    readonly projection: Projected
    readonly identity: Identity
  },
): Probes => ({
  ...sharedProbesOf(config, {
    ...network,
    providersAnswer: identity.providersAnswer,
    now: () => performance.now(),
  }),
  projection: async () => projection.works(),
})

const gaugesOf = ({
  transport,
  database,
  settlement,
  projection,
}: {
  readonly transport: LedgerTransport
  readonly database: Stores['database']
  readonly settlement: Settlement
  readonly projection: Projected
}): Gauges => ({
  height: () => transport.height(),
  outboxPending: async () => (await countPending(database)) + (await settlement.pending()),
  projection: () => ({ ...projection.state(), works: projection.works() }),
  projectionMissing: () => projection.missing(),
})

interface Projected extends KeptProjection {
  /** The ledger with the projection in front of it. */
  readonly client: Pick<LedgerTransport, 'submit' | 'evaluate'>
  works(): boolean
}

/** Follows the own peer's full blocks, made anew where that is needed, and answers lists from them. */
async function project(
  { organisation, constitution, projectionRebuild }: Config,
  {
    database,
    transport,
    metrics,
    log,
  }: {
    readonly database: Stores['projection']
    readonly transport: LedgerTransport
    readonly metrics: Pick<Metrics, 'list'>
    readonly log: Log
  },
): Promise<Projected> {
  const rebuilt = await prepareProjection(database, projectionRebuild)
  if (rebuilt !== undefined) log.event('projection.rebuilding', { reason: rebuilt })
  const members = new Set(
    collectionsOf(constitution)
      .filter(({ members }) => members.includes(organisation.name))
      .map(({ name }) => name),
  )
  const projection = await keepProjection({
    database,
    transport,
    members,
    log,
    // The log keeps its order all the same. The transport stops this when it is closed.
    onStopped: () =>
      void keepPositions(database, transport).catch((error: unknown) => log.fault('positions', error)),
  })
  const evaluate = answerLists({
    database,
    projection,
    transport,
    constitution,
    organisation,
    members,
    now: Date.now,
    log,
    answered: (source) => metrics.list(source),
  })
  return {
    ...projection,
    works: () => projection.state().fault === undefined,
    client: { submit: (sealed, endorsers) => transport.submit(sealed, endorsers), evaluate },
  }
}

/** Lets the log tell which transaction a request has become; the line has the request's id. */
const logCommits = (client: LedgerClient, log: Log): LedgerClient => ({
  ...client,
  async submit(name, fields, options) {
    const receipt = await client.submit(name, fields, options)
    log.event('committed', { transactionId: receipt.transactionId, block: receipt.block })
    return receipt
  },
})

interface Ledger {
  readonly client: LedgerClient
  readonly transport: LedgerTransport
  readonly positions: Pick<Positions, 'find'>
  readonly log: Log
  readonly observe: Observe
}

const settleOn = ({ transport, positions, log, ...sources }: Stores & Ledger): Settlement =>
  openSettlement({
    ...sources,
    blockOf: async (id) => (await positions.find([id])).get(id)?.block,
    now: Date.now,
    height: () => transport.height(),
    log: (event, fields) => log.event(event, fields),
  })

const othersOf = ({ organisations }: Constitution, own: string): string[] =>
  organisations.map(({ name }) => name).filter((name) => name !== own)

interface Identity {
  readonly authenticate: Authenticate
  /** Whether the providers that are configured answer; undefined when none is. */
  readonly providersAnswer: (() => Promise<boolean>) | undefined
  close(): Promise<void>
}

/** Says whose token a request carries, by the ledger's keys and the providers that are configured beside it. */
function identify(
  { constitution, organisation, identityProviders }: Config,
  sources: { readonly client: LedgerClient; readonly changes: KeyChanges; readonly log: Log },
): Identity {
  const { changes } = sources
  const now = Date.now
  const trusted = openTrustedKeys(identityProviders, {
    ...sources,
    own: organisation.name,
    others: othersOf(constitution, organisation.name),
    now,
  })
  const cache = createTokenCache({ changes, now })
  const { keyOf } = trusted
  return {
    authenticate: createAuthenticate({ constitution, organisation, keyOf, cache, now }),
    providersAnswer: identityProviders.length === 0 ? undefined : () => trusted.providersAnswer(),
    async close() {
      changes.stop()
      await trusted.close()
    },
  }
}

function connect(config: Config, log: Log, observe: Observe): Promise<LedgerTransport> {
  const { organisation, constitution, certificate, privateKey } = config
  return connectFabric({
    profile: config.connectionProfile as ConnectionProfile,
    channel: constitution.channel,
    chaincode: config.chaincode,
    organisation: organisation.name,
    mspOf: (name) => organisationNamed(constitution, name).mspId,
    identity: { mspId: organisation.mspId, certificate, privateKey },
    log: ({ event, ...fields }) => log.event(event, fields),
    observe,
  })
}

interface Releases {
  readonly exchange: FastifyInstance
  readonly records: ReleaseRecords
  readonly settle: () => void
}

/** The custodian's side: the server that answers other gateways, and the record of what it has answered. */
function createReleases(
  { organisation, constitution, exchange, partners }: Config,
  sources: Stores & {
    readonly client: LedgerClient
    readonly transport: LedgerTransport
    readonly log: Log
    readonly metrics: Pick<Metrics, 'release'>
    readonly observe: Observe
  },
): Releases {
  const { database, digest, vault, client, transport, log, metrics, observe } = sources
  const custodian = organisation.name
  const records = keepReleases({
    database,
    client,
    custodian,
    digest,
    log: (event, fields) => log.event(event, fields),
    observe,
  })
  const settle = (): void => {
    records.settle().catch((error: unknown) => log.fault('releases', error))
  }
  const zone = constitution.timeZone ?? utc
  const give = createGive({ custodian, client, transport, vault, records, zone, now: Date.now, observe })
  const answered = (): void => {
    metrics.release()
    settle()
  }
  return { records, settle, exchange: createExchange({ ...exchange, partners, give, answered, log }) }
}

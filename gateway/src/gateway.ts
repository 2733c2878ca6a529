import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { organisationNamed } from 'medledger-chaincode/api'
import { createApp } from './app.ts'
import { createAuthenticate, createKeySource } from './authenticate.ts'
import { certificatesAreValid, type Config } from './config/index.ts'
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
import { createMetrics, type Metrics } from './metrics.ts'
import {
  createAskCustodian,
  createExchange,
  createGive,
  keepReleases,
  type ReleaseRecords,
} from './release/index.ts'
import type { Probes } from './routes/health.ts'
import { closeServer } from './stop.ts'
import {
  answers,
  countPending,
  keepPositions,
  keysAnswer,
  openDatabase,
  openKeyDatabase,
  sqliteDialect,
  type Database,
  type KeyDatabase,
} from './store/index.ts'
import { createVault, createVaultKeys, type Vault, type VaultKeys } from './vault/index.ts'

export interface Gateway {
  /** Takes nothing new, and lets what is under way end within most of this time. */
  close(withinMs: number): Promise<void>
}

const settleEveryMs = 5000

/** How much of the time for a stop is for requests; the rest is for noting what has become of them. */
const shareOfRequests = 0.75

/**
 * Starts one organisation's gateway: its connection to the ledger, its stores, and its servers on loopback.
 * `observe` hears every step of its requests.
 */
export async function startGateway(config: Config, log: Log, observe: Observe = () => {}): Promise<Gateway> {
  const { organisation, constitution } = config
  const metrics = createMetrics(organisation.name)
  const stores = await openStores(config)
  const transport = await connect(config, log, (step) => {
    metrics.step(step)
    observe(step)
  })
  const client = logCommits(createClient(transport, constitution, organisation.name), log)
  const positions = await keepPositions(stores.database, transport)
  const releases = createReleases(config, { ...stores, client, transport, log, metrics })
  const ask = createAskCustodian(config.partners, config.exchange)
  const keyOf = createKeySource(client, Date.now)
  const authenticate = createAuthenticate({ constitution, organisation, keyOf, now: Date.now })
  metrics.watch({
    height: () => transport.height(),
    outboxPending: () => countPending(stores.database),
  })
  let stopping = false
  const { vault } = stores
  const app = await createApp(
    { constitution, organisation, authenticate, client, transport, positions, vault, ask, log },
    { ...config, metrics, stopping: () => stopping, probes: probesOf(config, stores) },
  )
  const monitoring = createMetricsServer(metrics)
  await releases.exchange.listen({ host: '127.0.0.1', port: config.exchange.port })
  await app.listen({ host: '127.0.0.1', port: config.httpPort })
  if (config.metricsPort !== undefined) monitoring.listen(config.metricsPort, '127.0.0.1')
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
      await releases.records.settle()
      positions.stop()
      await ask.close()
      transport.close()
      await stores.close()
    },
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

const probesOf = (config: Config, { database, keyDatabase }: Stores): Probes => ({
  database: () => answers(database),
  keyDatabase: () => keysAnswer(keyDatabase),
  certificates: async () => certificatesAreValid(config, Date.now()),
})

interface Stores {
  readonly database: Database
  readonly keyDatabase: KeyDatabase
  readonly keys: VaultKeys
  readonly vault: Vault
  close(): Promise<void>
}

async function openStores({ dataDirectory, masterKey, organisation }: Config): Promise<Stores> {
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 })
  const database = await openDatabase(sqliteDialect(join(dataDirectory, 'gateway.sqlite')))
  const keyDatabase = await openKeyDatabase(sqliteDialect(join(dataDirectory, 'keys.sqlite')))
  const keys = createVaultKeys(keyDatabase, masterKey)
  return {
    database,
    keyDatabase,
    keys,
    vault: createVault(database, keys, organisation.name),
    async close() {
      await Promise.all([database.destroy(), keyDatabase.destroy()])
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
  { organisation, exchange, partners }: Config,
  sources: Stores & {
    readonly client: LedgerClient
    readonly transport: LedgerTransport
    readonly log: Log
    readonly metrics: Pick<Metrics, 'release'>
  },
): Releases {
  const { database, keys, vault, client, transport, log, metrics } = sources
  const custodian = organisation.name
  const records = keepReleases({
    database,
    client,
    custodian,
    digest: (purpose, value) => keys.digest(purpose, value),
    log: (event, fields) => log.event(event, fields),
  })
  const settle = (): void => {
    records.settle().catch((error: unknown) => log.fault('releases', error))
  }
  const give = createGive({ custodian, client, transport, vault, records, now: Date.now })
  const answered = (): void => {
    metrics.release()
    settle()
  }
  return { records, settle, exchange: createExchange({ ...exchange, partners, give, answered, log }) }
}

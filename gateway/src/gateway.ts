import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { organisationNamed } from 'medledger-chaincode/api'
import { createApp } from './app.ts'
import { createAuthenticate, createKeySource } from './authenticate.ts'
import type { Config } from './config/index.ts'
import {
  connectFabric,
  createClient,
  type ConnectionProfile,
  type LedgerClient,
  type LedgerTransport,
  type Observe,
} from './ledger/index.ts'
import type { Log } from './log.ts'
import {
  createAskCustodian,
  createExchange,
  createGive,
  keepReleases,
  type ReleaseRecords,
} from './release/index.ts'
import { keepPositions, openDatabase, openKeyDatabase, sqliteDialect, type Database } from './store/index.ts'
import { createVault, createVaultKeys, type Vault, type VaultKeys } from './vault/index.ts'

export interface Gateway {
  close(): Promise<void>
}

const settleEveryMs = 5000

/**
 * Starts one organisation's gateway: its connection to the ledger, its stores, and its two servers on loopback.
 * `observe` hears every step of its requests.
 */
export async function startGateway(config: Config, log: Log, observe: Observe = () => {}): Promise<Gateway> {
  const { organisation, constitution } = config
  const stores = await openStores(config)
  const transport = await connect(config, log, observe)
  const client = createClient(transport, constitution, organisation.name)
  const positions = await keepPositions(stores.database, transport)
  const releases = createReleases(config, { ...stores, client, transport, log })
  const ask = createAskCustodian(config.partners, config.exchange)
  const authenticate = createAuthenticate({
    constitution,
    organisation,
    keyOf: createKeySource(client, Date.now),
    now: Date.now,
  })
  const { vault } = stores
  const app = createApp({
    constitution,
    organisation,
    authenticate,
    client,
    transport,
    positions,
    vault,
    ask,
    log,
  })
  await releases.exchange.listen({ host: '127.0.0.1', port: config.exchange.port })
  await app.listen({ host: '127.0.0.1', port: config.httpPort })
  const timer = setInterval(releases.settle, settleEveryMs)
  releases.settle()
  log.event('listening', { port: config.httpPort, exchange: config.exchange.port })
  return {
    async close() {
      clearInterval(timer)
      await Promise.all([app.close(), releases.exchange.close()])
      await releases.records.settle()
      positions.stop()
      await ask.close()
      transport.close()
      await stores.close()
    },
  }
}

interface Stores {
  readonly database: Database
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
  sources: Stores & { readonly client: LedgerClient; readonly transport: LedgerTransport; readonly log: Log },
): Releases {
  const { database, keys, vault, client, transport, log } = sources
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
  return { records, settle, exchange: createExchange({ ...exchange, partners, give, answered: settle, log }) }
}

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { settings, type Config, type DatabaseLocation } from './config/index.ts'
import type { Log } from './log.ts'
import {
  createBatch,
  openDatabase,
  openIdempotencyKeys,
  openKeyDatabase,
  openOutbox,
  openPatiently,
  openProjection,
  postgresDialect,
  sqliteDialect,
  type Database,
  type IdempotencyKeys,
  type KeyDatabase,
  type Outbox,
  type Patience,
  type PostgresOptions,
  type Projection,
} from './store/index.ts'
import { createVault, createVaultKeys, type Vault } from './vault/index.ts'

/** All that a gateway keeps outside of the ledger. */
export interface Stores {
  readonly database: Database
  readonly projection: Projection
  readonly keyDatabase: KeyDatabase
  readonly outbox: Outbox
  readonly keys: IdempotencyKeys
  readonly vault: Vault
  /** A digest that only this organisation can compute. */
  readonly digest: (purpose: string, value: string) => string
  close(): Promise<void>
}

interface Databases {
  readonly database: Database
  readonly projection: Projection
  readonly keyDatabase: KeyDatabase
}

type StoresConfig = Pick<Config, 'dataDirectory' | 'masterKey' | 'organisation' | 'postgres'>

const usualPatience = { forMs: 30_000, everyMs: 500 }

/**
 * Opens the stores where the configuration says. A database in PostgreSQL that is not there yet is waited for. Errors:
 * those of `openPatiently`, and for SQLite of `openDatabase`.
 */
export async function openStores(
  config: StoresConfig,
  log: Pick<Log, 'event'>,
  patience: Pick<Patience, 'forMs' | 'everyMs'> = usualPatience,
): Promise<Stores> {
  const databases =
    config.postgres === undefined
      ? await openFiles(config.dataDirectory)
      : await openServers(config.postgres, log, patience)
  const { database, projection, keyDatabase } = databases
  const vaultKeys = createVaultKeys(keyDatabase, config.masterKey)
  const batch = createBatch(database)
  return {
    ...databases,
    outbox: openOutbox(database, batch),
    keys: openIdempotencyKeys(batch),
    vault: createVault(database, vaultKeys, config.organisation.name),
    digest: (purpose, value) => vaultKeys.digest(purpose, value),
    async close() {
      await Promise.all([database.destroy(), projection.destroy(), keyDatabase.destroy()])
    },
  }
}

async function openFiles(directory: string): Promise<Databases> {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  return {
    database: await openDatabase(sqliteDialect(join(directory, 'gateway.sqlite'))),
    projection: await openProjection(
      sqliteDialect(join(directory, 'projection.sqlite'), { isReproducible: true }),
    ),
    keyDatabase: await openKeyDatabase(sqliteDialect(join(directory, 'keys.sqlite'))),
  }
}

/** A migration may have much to change, or wait for another gateway's. */
const migrationMs = 600_000

async function openServers(
  { database, keyDatabase, authority }: NonNullable<Config['postgres']>,
  log: Pick<Log, 'event'>,
  patience: Pick<Patience, 'forMs' | 'everyMs'>,
): Promise<Databases> {
  const at = <Opened>(
    location: DatabaseLocation,
    setting: string,
    open: (
      ...dialects: [ReturnType<typeof postgresDialect>, ReturnType<typeof postgresDialect>]
    ) => Promise<Opened>,
    options: PostgresOptions = {},
  ): Promise<Opened> => {
    const shared = { ...options, authority }
    const onLost = (code: string): void => log.event('database.lost', { setting, code })
    const onWait = (code: string): void => log.event('database.awaited', { setting, code })
    return openPatiently(
      () =>
        open(
          postgresDialect(location, { ...shared, onLost }),
          postgresDialect(location, { ...shared, statementMs: migrationMs }),
        ),
      { ...patience, setting, onWait },
    )
  }
  const main = settings.database.variable
  return {
    database: await at(database, main, openDatabase),
    projection: await at(database, main, openProjection, { isReproducible: true, size: 4 }),
    keyDatabase: await at(keyDatabase, settings.keyDatabase.variable, openKeyDatabase, { size: 4 }),
  }
}

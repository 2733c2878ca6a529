import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Dialect } from 'kysely'
import { inject, onTestFinished } from 'vitest'
import type { DatabaseLocation } from '../../gateway/src/config/index.ts'
import { postgresDialect, sqliteDialect } from '../../gateway/src/store/index.ts'
import { administer, locationOf, type PostgresAddress } from './postgres.ts'

/** A kind of database on which the store has to mean the same. */
export interface TestDialect {
  readonly name: 'SQLite' | 'PostgreSQL'
  /** An empty database, and what opens it, as often as it is called; it goes with the test. */
  database(): Promise<() => Dialect>
}

const sqlite: TestDialect = {
  name: 'SQLite',
  async database() {
    const directory = mkdtempSync(join(tmpdir(), 'medledger-store-'))
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
    return () => sqliteDialect(join(directory, 'store.sqlite'), { isReproducible: true })
  },
}

const postgres = (address: PostgresAddress): TestDialect => ({
  name: 'PostgreSQL',
  async database() {
    const location = await freshDatabase(address)
    return () => postgresDialect(location)
  },
})

/** Makes an empty database in a server; it goes with the test, whoever is connected. */
export async function freshDatabase(address: PostgresAddress): Promise<DatabaseLocation> {
  const name = `test_${randomBytes(8).toString('hex')}`
  await administer(address, `create database ${name}`)
  onTestFinished(() =>
    administer(address, `drop database if exists ${name} with (force)`).then(() => undefined),
  )
  return locationOf(address, name)
}

const shared = inject('postgres')

/** SQLite, and PostgreSQL where there is one: see `setup-postgres.ts`, which says so where there is none. */
export const dialects: readonly TestDialect[] = [sqlite, ...(shared === null ? [] : [postgres(shared)])]

/** An empty database's dialect, for one opening. */
export const emptyOn = async (dialect: TestDialect): Promise<Dialect> => (await dialect.database())()

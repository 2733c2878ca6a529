import { Kysely, sql, type Dialect } from 'kysely'
import { Migrator, type Migration } from 'kysely/migration'
import { codeOf } from './faults.ts'
import {
  isPostgres,
  keyMigrations,
  migrations,
  projectionMigrations,
  type KeySchema,
  type ProjectionSchema,
  type Schema,
} from './schema.ts'

export type Database = Kysely<Schema>
export type KeyDatabase = Kysely<KeySchema>
export type Projection = Kysely<ProjectionSchema>

/** A database whose content or kind this version cannot work with: waiting does not help. */
export class UnfitDatabase extends Error {
  override readonly name = 'UnfitDatabase'
}

/**
 * Opens the organisation's database and brings it to the newest schema. `migrateOn` is used for the latter alone, where
 * that may take longer than other work. Errors: UnfitDatabase; else one whose cause is the driver's.
 */
export const openDatabase = (dialect: Dialect, migrateOn = dialect): Promise<Database> =>
  open<Schema>(dialect, migrateOn, { migrations })

/** Opens the database of the patients' keys, likewise. */
export const openKeyDatabase = (dialect: Dialect, migrateOn = dialect): Promise<KeyDatabase> =>
  open<KeySchema>(dialect, migrateOn, { migrations: keyMigrations })

/** Opens what follows from the blocks, likewise: in PostgreSQL its tables lie in the organisation's database. */
export const openProjection = (dialect: Dialect, migrateOn = dialect): Promise<Projection> =>
  open<ProjectionSchema>(dialect, migrateOn, {
    migrations: projectionMigrations,
    shared: 'projection_migration',
  })

interface Plan {
  readonly migrations: Readonly<Record<string, Migration>>
  /** The table that counts the migrations, in a database that counts others too. */
  readonly shared?: string
}

async function open<Tables>(dialect: Dialect, migrateOn: Dialect, plan: Plan): Promise<Kysely<Tables>> {
  const database = new Kysely<Tables>({ dialect })
  const migrating = migrateOn === dialect ? database : new Kysely<Tables>({ dialect: migrateOn })
  try {
    await migrate(migrating, plan)
  } catch (error) {
    await database.destroy()
    throw error
  } finally {
    if (migrating !== database) await migrating.destroy()
  }
  return database
}

async function migrate<Tables>(database: Kysely<Tables>, { migrations, shared }: Plan): Promise<void> {
  const onPostgres = isPostgres(database)
  const table = onPostgres && shared !== undefined ? shared : 'kysely_migration'
  if (onPostgres) await requireFit(database)
  const migrator = new Migrator({
    db: database,
    provider: { getMigrations: async () => migrations },
    migrationTableName: table,
    migrationLockTableName: `${table}_lock`,
  })
  const { error } = await migrator.migrateToLatest()
  if (error === undefined) return
  const strange = (await namesIn(database, table)).filter((name) => !Object.hasOwn(migrations, name))
  if (strange.length > 0) {
    throw new UnfitDatabase(
      `The database is of a newer version than this one, or of another kind (it has ${strange.join(', ')}): start the newer version, or name another database.`,
      { cause: error },
    )
  }
  throw failed(error)
}

const failed = (cause: unknown): Error =>
  new Error(`The database could not be opened or brought to this version (${codeOf(cause)}).`, { cause })

async function namesIn<Tables>(database: Kysely<Tables>, table: string): Promise<readonly string[]> {
  try {
    const { rows } = await sql<{ name: string }>`select name from ${sql.table(table)}`.execute(database)
    return rows.map(({ name }) => name)
  } catch {
    return []
  }
}

const oldest = 150_000

async function requireFit<Tables>(database: Kysely<Tables>): Promise<void> {
  const { rows } = await sql<{ version: number; encoding: string }>`
    select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding
  `
    .execute(database)
    .catch((error: unknown) => {
      throw failed(error)
    })
  const { version = 0, encoding } = rows[0] ?? {}
  if (version < oldest) throw new UnfitDatabase('The database is older than PostgreSQL 15: use a newer one.')
  if (encoding !== 'UTF8')
    throw new UnfitDatabase('The database has another encoding than UTF8: create it with that one.')
}

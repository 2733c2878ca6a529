import { Kysely, type Dialect } from 'kysely'
import { Migrator, type Migration } from 'kysely/migration'
import {
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

/** Opens the organisation's database and brings it to the newest schema. */
export const openDatabase = (dialect: Dialect): Promise<Database> => open<Schema>(dialect, migrations)

/** Opens the database of the patients' keys. */
export const openKeyDatabase = (dialect: Dialect): Promise<KeyDatabase> =>
  open<KeySchema>(dialect, keyMigrations)

/** Opens the database of what follows from the blocks. */
export const openProjection = (dialect: Dialect): Promise<Projection> =>
  open<ProjectionSchema>(dialect, projectionMigrations)

async function open<Tables>(dialect: Dialect, all: Record<string, Migration>): Promise<Kysely<Tables>> {
  const database = new Kysely<Tables>({ dialect })
  const migrator = new Migrator({ db: database, provider: { getMigrations: async () => all } })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) {
    await database.destroy()
    throw new Error('The database could not be opened or brought to this version.', { cause: error })
  }
  return database
}

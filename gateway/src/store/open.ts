import { Kysely, type Dialect } from 'kysely'
import { Migrator, type Migration } from 'kysely/migration'
import { keyMigrations, migrations, type KeySchema, type Schema } from './schema.ts'

export type Database = Kysely<Schema>
export type KeyDatabase = Kysely<KeySchema>

/** Opens the organisation's database and brings it to the newest schema. */
export const openDatabase = (dialect: Dialect): Promise<Database> => open<Schema>(dialect, migrations)

/** Opens the database of the patients' keys. */
export const openKeyDatabase = (dialect: Dialect): Promise<KeyDatabase> =>
  open<KeySchema>(dialect, keyMigrations)

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

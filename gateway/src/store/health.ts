import { sql, type Kysely } from 'kysely'
import type { Database, KeyDatabase } from './open.ts'
import { isPostgres } from './schema.ts'

/** Whether the organisation's database answers and takes what is written. Errors: the driver's. */
export async function answers(database: Database): Promise<boolean> {
  await database.selectFrom('releases').select('access').limit(1).execute()
  return takesWrites(database)
}

/** Whether the database of the patients' keys does, likewise. */
export async function keysAnswer(database: KeyDatabase): Promise<boolean> {
  await database.selectFrom('patient_keys').select('patient').limit(1).execute()
  return takesWrites(database)
}

/** A standby of PostgreSQL answers as well as its primary does, and refuses every change. */
async function takesWrites<Tables>(database: Kysely<Tables>): Promise<boolean> {
  if (!isPostgres(database)) return true
  const { rows } = await sql<{ mode: string }>`
    select current_setting('transaction_read_only') as mode
  `.execute(database)
  return rows[0]?.mode === 'off'
}

/** How many requests have been noted whose outcome the ledger has not told yet. Errors: the driver's. */
export async function countPending(database: Database): Promise<number> {
  const { count } = await database
    .selectFrom('releases')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('recorded', '=', 0)
    .executeTakeFirstOrThrow()
  return count
}

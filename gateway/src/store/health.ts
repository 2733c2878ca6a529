import type { Database, KeyDatabase } from './open.ts'

/** Whether the organisation's database answers. Errors: the driver's. */
export async function answers(database: Database): Promise<boolean> {
  await database.selectFrom('releases').select('access').limit(1).execute()
  return true
}

/** Whether the database of the patients' keys answers. Errors: the driver's. */
export async function keysAnswer(database: KeyDatabase): Promise<boolean> {
  await database.selectFrom('patient_keys').select('patient').limit(1).execute()
  return true
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

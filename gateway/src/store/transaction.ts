import { setTimeout as sleep } from 'node:timers/promises'
import type { Kysely, Transaction } from 'kysely'
import { isUndone } from './faults.ts'

const attempts = 5
/** The other one needs it to end; at once the two would meet again. */
const pauseMs = 50

/**
 * Runs an action in a transaction. SQLite has one at a time; of those that PostgreSQL lets run side by side it undoes one
 * when they wait for each other, which is then run again: an action does nothing but SQL, and does not go on after an
 * error of it, since there the transaction is over.
 */
export async function inTransaction<Tables, Value>(
  database: Kysely<Tables>,
  action: (transaction: Transaction<Tables>) => Promise<Value>,
): Promise<Value> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await database.transaction().execute(action)
    } catch (error) {
      if (attempt === attempts || !isUndone(error)) throw error
      await sleep(attempt * pauseMs)
    }
  }
}

import type { Batch } from './batch.ts'
import type { Database } from './open.ts'

/** Which request each idempotency key was sent with, also before a restart. */
export interface IdempotencyKeys {
  /**
   * Notes what a key is used for; false when it has been used for something else. Names and fingerprints are digests;
   * `at` is in milliseconds since 1970 (UTC).
   */
  claim(name: string, fingerprint: string, at: number): Promise<boolean>
  /** Forgets keys that are older than this. */
  forget(createdBefore: number): Promise<void>
}

export function openIdempotencyKeys(database: Database, batch: Batch): IdempotencyKeys {
  return {
    claim: (name, fingerprint, at) =>
      batch(async (transaction) => {
        await transaction
          .insertInto('idempotency_keys')
          .values({ name, fingerprint, created: at })
          .onConflict((conflict) => conflict.column('name').doNothing())
          .execute()
        const row = await transaction
          .selectFrom('idempotency_keys')
          .select('fingerprint')
          .where('name', '=', name)
          .executeTakeFirst()
        return row?.fingerprint === fingerprint
      }),
    async forget(createdBefore) {
      await database.deleteFrom('idempotency_keys').where('created', '<', createdBefore).execute()
    },
  }
}

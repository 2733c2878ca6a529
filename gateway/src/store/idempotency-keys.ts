import type { Batch } from './batch.ts'

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

export function openIdempotencyKeys(batch: Batch): IdempotencyKeys {
  return {
    claim: (name, fingerprint, at) =>
      batch(async (transaction) => {
        // One statement, so that the row that it finds cannot be forgotten meanwhile.
        const row = await transaction
          .insertInto('idempotency_keys')
          .values({ name, fingerprint, created: at })
          .onConflict((conflict) => conflict.column('name').doUpdateSet({ name }))
          .returning('fingerprint')
          .executeTakeFirstOrThrow()
        return row.fingerprint === fingerprint
      }),
    forget: (createdBefore) =>
      batch(async (transaction) => {
        await transaction.deleteFrom('idempotency_keys').where('created', '<', createdBefore).execute()
      }),
  }
}

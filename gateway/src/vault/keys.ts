import { createHmac, randomBytes } from 'node:crypto'
import { CompactEncrypt, compactDecrypt } from 'jose'
import type { KeyDatabase } from '../store/index.ts'

/**
 * The vault's keys: a key per patient, wrapped by the organisation's master key. Each document's own content key is
 * wrapped by its patient's (JWE, RFC 7516, `A256KW`), so that destroying a patient's key destroys her documents, in
 * backups of the content too.
 */
export interface VaultKeys {
  /** The patient's key; made when there is none. */
  patientKey(patient: string): Promise<Uint8Array>
  /** A digest that only this organisation can compute, for look-ups that must not name what they look up. */
  digest(purpose: string, value: string): string
}

/** `master` has 32 bytes. */
export function createVaultKeys(database: KeyDatabase, master: Uint8Array): VaultKeys {
  const wrapped = (patient: string): Promise<string | undefined> =>
    database
      .selectFrom('patient_keys')
      .select('wrapped')
      .where('patient', '=', patient)
      .executeTakeFirst()
      .then((row) => row?.wrapped)

  const make = async (patient: string): Promise<void> => {
    const value = await new CompactEncrypt(randomBytes(32))
      .setProtectedHeader({ alg: 'A256KW', enc: 'A256GCM' })
      .encrypt(master)
    await database
      .insertInto('patient_keys')
      .values({ patient, wrapped: value })
      // Of two that make it at once, the first is kept and both read it.
      .onConflict((conflict) => conflict.column('patient').doNothing())
      .execute()
  }

  return {
    async patientKey(patient) {
      if ((await wrapped(patient)) === undefined) await make(patient)
      const { plaintext } = await compactDecrypt((await wrapped(patient)) ?? '', master, {
        keyManagementAlgorithms: ['A256KW'],
        contentEncryptionAlgorithms: ['A256GCM'],
      })
      return plaintext
    },
    digest: (purpose, value) =>
      createHmac('sha256', master).update(`${purpose}\u0000`).update(value).digest('hex'),
  }
}

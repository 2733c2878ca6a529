import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
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
  /** The patient's key. Errors: when there is none, or none any more: reading must not make a destroyed one anew. */
  existingKey(patient: string): Promise<Uint8Array>
  /** A digest that only this organisation can compute, for look-ups that must not name what they look up. */
  digest(purpose: string, value: string): string
}

/** `master` has 32 bytes. */
export function createVaultKeys(database: KeyDatabase, master: Uint8Array): VaultKeys {
  // A key of its own (HKDF, RFC 5869): the master key itself does nothing but wrap.
  const digestKey = Buffer.from(hkdfSync('sha256', master, '', 'medledger vault digest', 32))
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

  const existingKey = async (patient: string): Promise<Uint8Array> => {
    const value = await wrapped(patient)
    if (value === undefined) throw new Error('The vault has no key for this patient.')
    const { plaintext } = await compactDecrypt(value, master, {
      keyManagementAlgorithms: ['A256KW'],
      contentEncryptionAlgorithms: ['A256GCM'],
    })
    return plaintext
  }

  return {
    async patientKey(patient) {
      if ((await wrapped(patient)) === undefined) await make(patient)
      return existingKey(patient)
    },
    existingKey,
    digest: (purpose, value) =>
      createHmac('sha256', digestKey).update(`${purpose}\u0000`).update(value).digest('hex'),
  }
}

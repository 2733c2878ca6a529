import { CompactEncrypt, compactDecrypt } from 'jose'
import { canonical, MedledgerError, randomId, sha256Hex } from 'medledger-chaincode/api'
import type { Database } from '../store/index.ts'
import type { VaultKeys } from './keys.ts'

/** A document to be kept: content, and what finds it again. */
export interface Deposit {
  readonly patient: string
  /** What the source calls it; the same source again is the same document. */
  readonly source: string
  /** The id that it is to have, when the custodian has chosen one. */
  readonly id?: string
  /** The FHIR document Bundle. */
  readonly content: unknown
}

export interface Deposited {
  readonly document: string
  readonly version: number
  /** SHA-256 of the ciphertext. */
  readonly digest: string
  /** Whether the ledger has it already, in this very version. */
  readonly state: 'new' | 'replaces' | 'unchanged'
}

export interface Vault {
  /**
   * Keeps a document as ciphertext; it can be released once {@link Vault.confirm} has been called.
   * Errors: CONFLICT when the chosen id is another source's or another patient's.
   */
  deposit(deposit: Deposit): Promise<Deposited>
  /** Notes that the ledger has the descriptors of these versions. */
  confirm(versions: readonly Pick<Deposited, 'document' | 'version'>[]): Promise<void>
  /** The content of a version; undefined when the vault has none. Errors: when its ciphertext has been tampered with. */
  read(document: string, version: number): Promise<unknown>
}

/** `custodian` is the organisation's name, with which its documents' ids begin. */
export function createVault(database: Database, keys: VaultKeys, custodian: string): Vault {
  const newest = (source: string): Promise<StoredVersion | undefined> =>
    database
      .selectFrom('documents')
      .select(['document', 'version', 'content', 'digest', 'registered', 'patient'])
      .where('source', '=', source)
      .orderBy('version', 'desc')
      .executeTakeFirst()

  return {
    async deposit({ patient, source, id, content }) {
      const text = canonical(content)
      // Patient and source together: the same source for another patient is another document.
      const sourceDigest = keys.digest('source', JSON.stringify([patient, source]))
      const contentDigest = keys.digest('content', text)
      const before = await newest(sourceDigest)
      if (before?.content === contentDigest) return known(before)
      const { document, version } = following(before, id ?? `${custodian}-${randomId()}`)
      const ciphertext = await encrypt(text, await keys.patientKey(patient), { document, version })
      const digest = sha256Hex(ciphertext)
      const { numInsertedOrUpdatedRows } = await database
        .insertInto('documents')
        .values({
          document,
          version,
          patient,
          source: sourceDigest,
          content: contentDigest,
          ciphertext,
          digest,
          registered: 0,
        })
        .onConflict((conflict) =>
          conflict
            .columns(['document', 'version'])
            .doUpdateSet({ content: contentDigest, ciphertext, digest })
            .where('documents.registered', '=', 0)
            .where('documents.source', '=', sourceDigest),
        )
        .executeTakeFirstOrThrow()
      if (Number(numInsertedOrUpdatedRows ?? 0) === 0) {
        throw new MedledgerError('CONFLICT', 'Another document has this id: choose another one.')
      }
      return { document, version, digest, state: version > 1 ? 'replaces' : 'new' }
    },

    async confirm(versions) {
      await database.transaction().execute(async (transaction) => {
        for (const { document, version } of versions) {
          await transaction
            .updateTable('documents')
            .set({ registered: 1 })
            .where('document', '=', document)
            .where('version', '=', version)
            .execute()
        }
      })
    },

    async read(document, version) {
      const row = await database
        .selectFrom('documents')
        .select(['ciphertext', 'patient'])
        .where('document', '=', document)
        .where('version', '=', version)
        .executeTakeFirst()
      if (row === undefined) return undefined
      return decrypt(row.ciphertext, await keys.existingKey(row.patient), { document, version })
    },
  }
}

interface StoredVersion {
  readonly document: string
  readonly version: number
  readonly digest: string
  readonly registered: number
  readonly content: string
  readonly patient: string
}

function known({ document, version, digest, registered }: StoredVersion): Deposited {
  const state = registered === 1 ? 'unchanged' : version > 1 ? 'replaces' : 'new'
  return { document, version: version, digest, state }
}

interface Identity {
  readonly document: string
  readonly version: number
}

/** What a changed content becomes. A version that never reached the ledger is overwritten: nobody can have seen it. */
function following(before: StoredVersion | undefined, newDocument: string): Identity {
  if (before === undefined) return { document: newDocument, version: 1 }
  return { document: before.document, version: before.version + (before.registered === 1 ? 1 : 0) }
}

/** The header names the document, so that no ciphertext can be passed off as another's. */
function encrypt(text: string, key: Uint8Array, { document, version }: Identity): Promise<string> {
  return new CompactEncrypt(Buffer.from(text, 'utf8'))
    .setProtectedHeader({ alg: 'A256KW', enc: 'A256GCM', kid: `${document}/${version}` })
    .encrypt(key)
}

async function decrypt(
  ciphertext: string,
  key: Uint8Array,
  { document, version }: Identity,
): Promise<unknown> {
  const { plaintext, protectedHeader } = await compactDecrypt(ciphertext, key, {
    keyManagementAlgorithms: ['A256KW'],
    contentEncryptionAlgorithms: ['A256GCM'],
  })
  if (protectedHeader.kid !== `${document}/${version}`)
    throw new Error('The ciphertext belongs to another document.')
  return JSON.parse(Buffer.from(plaintext).toString('utf8'))
}

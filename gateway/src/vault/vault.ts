import { randomBytes } from 'node:crypto'
import { CompactEncrypt, compactDecrypt } from 'jose'
import {
  canonical,
  MedledgerError,
  randomId,
  sha256Hex,
  type DocumentRegistration,
} from 'medledger-chaincode/api'
import { inTransaction, type Database, type DocumentRow } from '../store/index.ts'
import type { VaultKeys } from './keys.ts'

/** What the ledger is to know of a document, beside its id, version and digest. */
export type Description = Omit<DocumentRegistration, 'document' | 'version' | 'digest'>

/** A document to be kept: content, and what finds it again. */
export interface Deposit {
  readonly patient: string
  /** What the source calls it; the same source again is the same document. */
  readonly source: string
  /** The id that it is to have, when the custodian has chosen one. */
  readonly id?: string
  readonly description: Description
  /** The FHIR document Bundle. */
  readonly content: unknown
}

export interface Deposited {
  readonly registration: DocumentRegistration
  /** Whether the ledger has it already, in this very version. */
  readonly state: 'new' | 'replaces' | 'unchanged'
}

/** Names a version of a document by the digest of its ciphertext, which the ledger has too. */
export interface VersionName {
  readonly document: string
  readonly version: number
  readonly digest: string
}

export interface Vault {
  /**
   * Versions of these sources that other content is to replace although nobody knows whether the ledger has them: an
   * earlier registration's outcome was lost. They are to be registered, which does no harm if they are, and confirmed first.
   */
  unsettled(deposits: readonly Deposit[]): Promise<DocumentRegistration[]>
  /** Keeps a document as ciphertext. Errors: CONFLICT when the id or the source is being used for another one. */
  deposit(deposit: Deposit): Promise<Deposited>
  /** Notes that the ledger has the descriptors of these versions. */
  confirm(versions: readonly Pick<VersionName, 'document' | 'version'>[]): Promise<void>
  /**
   * The content of a version; undefined when the vault has none. Errors: when it is not the ciphertext that the ledger
   * knows, or has been tampered with.
   */
  read(version: VersionName): Promise<unknown>
  /** Takes the steps of a reading of a small document, and gives nobody's content: for answers that must take as long. */
  rehearse(): Promise<unknown>
}

/** `custodian` is the organisation's name, with which its documents' ids begin. */
export function createVault(database: Database, keys: VaultKeys, custodian: string): Vault {
  // Patient and source together: the same source for another patient is another document.
  const sourceOf = ({ patient, source }: Deposit): string =>
    keys.digest('source', JSON.stringify([patient, source]))
  // The description too: who wrote a document decides who may read it, so a correction of it is another version.
  const contentOf = ({ content, description }: Deposit): string =>
    keys.digest('content', canonical({ content, description }))
  const newest = (deposit: Deposit): Promise<StoredVersion | undefined> =>
    database
      .selectFrom('documents')
      .select(['document', 'version', 'content', 'digest', 'registered', 'description'])
      .where('source', '=', sourceOf(deposit))
      .orderBy('version', 'desc')
      .executeTakeFirst()

  const rehearsal = createRehearsal()

  return {
    async unsettled(deposits) {
      const found = await Promise.all(
        deposits.map(async (deposit) => {
          const before = await newest(deposit)
          const isInTheWay = before?.registered === 0 && before.content !== contentOf(deposit)
          return isInTheWay ? [registrationOf(before)] : []
        }),
      )
      return found.flat()
    },

    async deposit(deposit) {
      const before = await newest(deposit)
      if (before?.content === contentOf(deposit)) return deposited(before)
      // Never overwritten: the ledger may have it, and somebody may have been shown it.
      if (before?.registered === 0) throw conflict()
      const document = before?.document ?? deposit.id ?? `${custodian}-${randomId()}`
      const identity = { document, version: (before?.version ?? 0) + 1 }
      const ciphertext = await encrypt(
        canonical(deposit.content),
        await keys.patientKey(deposit.patient),
        identity,
      )
      const row: DocumentRow = {
        ...identity,
        patient: deposit.patient,
        source: sourceOf(deposit),
        content: contentOf(deposit),
        ciphertext,
        digest: sha256Hex(ciphertext),
        description: canonical(deposit.description),
        registered: 0,
      }
      await insert(database, row)
      return deposited(row)
    },

    confirm: (versions) => confirm(database, versions),

    async rehearse() {
      await stored(database, nothing)
      const { key, ciphertext } = await rehearsal
      // The key's own unwrapping takes the same steps once more.
      await decrypt(ciphertext, key, nothing)
      return decrypt(ciphertext, key, nothing)
    },

    async read({ document, version, digest }) {
      const row = await stored(database, { document, version })
      if (row === undefined) return undefined
      if (sha256Hex(row.ciphertext) !== digest)
        throw new Error('The vault holds another content than the ledger knows.')
      return decrypt(row.ciphertext, await keys.existingKey(row.patient), { document, version })
    },
  }
}

const stored = (
  database: Database,
  { document, version }: Identity,
): Promise<Pick<DocumentRow, 'ciphertext' | 'patient'> | undefined> =>
  database
    .selectFrom('documents')
    .select(['ciphertext', 'patient'])
    .where('document', '=', document)
    .where('version', '=', version)
    .executeTakeFirst()

/** The name of no document. */
const nothing = { document: '', version: 0 } as const

/** A document about nobody, under a key of its own. */
async function createRehearsal(): Promise<{ readonly key: Uint8Array; readonly ciphertext: string }> {
  const key = randomBytes(32)
  const resource = { resourceType: 'Composition', text: { div: 'x'.repeat(2000) } }
  const content = { resourceType: 'Bundle', type: 'document', entry: [{ resource }] }
  return { key, ciphertext: await encrypt(canonical(content), key, nothing) }
}

const conflict = (): MedledgerError =>
  new MedledgerError('CONFLICT', 'Another document has this id, or is being registered from this source.')

async function insert(database: Database, row: DocumentRow): Promise<void> {
  const { numInsertedOrUpdatedRows } = await database
    .insertInto('documents')
    .values(row)
    .onConflict((clause) => clause.doNothing())
    .executeTakeFirstOrThrow()
  if (Number(numInsertedOrUpdatedRows ?? 0) === 0) throw conflict()
}

const confirm = (database: Database, versions: Parameters<Vault['confirm']>[0]): Promise<void> =>
  inTransaction(database, async (transaction) => {
    for (const { document, version } of versions) {
      await transaction
        .updateTable('documents')
        .set({ registered: 1 })
        .where('document', '=', document)
        .where('version', '=', version)
        .execute()
    }
  })

type StoredVersion = Pick<
  DocumentRow,
  'document' | 'version' | 'content' | 'digest' | 'registered' | 'description'
>

const registrationOf = ({ document, version, digest, description }: StoredVersion): DocumentRegistration => ({
  ...(JSON.parse(description) as Description),
  document,
  version,
  digest,
})

function deposited(version: StoredVersion): Deposited {
  const isNew = version.version === 1
  const state = version.registered === 1 ? 'unchanged' : isNew ? 'new' : 'replaces'
  return { registration: registrationOf(version), state }
}

type Identity = Pick<VersionName, 'document' | 'version'>

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

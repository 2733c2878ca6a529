import { PostgresAdapter, sql, type Expression, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Tables of the organisation's own database; never the source of truth of what the ledger holds. */
export interface Schema {
  /** The vault: documents as ciphertext. */
  documents: DocumentRow
  /** What has been released, once per access entry; `recorded` 0 until the ledger has its release entry. */
  releases: ReleaseRow
  /** What has been submitted for somebody, noted before it was, until its outcome is known and for a while after. */
  outbox: OutboxRow
  /** Idempotency keys that clients have sent. */
  idempotency_keys: IdempotencyKeyRow
}

/** What follows from the own peer's blocks alone: a database of its own, which can be made anew from block 0. */
export interface ProjectionSchema {
  /** Where each transaction lies on the chain: lists are shown in that order. */
  transactions: TransactionRow
  /** One row: how many blocks have their transactions' places. */
  progress: ProgressRow
  /** One row: how many blocks the tables below have in them. */
  projected: ProjectedRow
  /** What the own peer holds of private data: the current value of each key. */
  private_values: PrivateValueRow
  /** Current values that the own peer has not had yet. */
  missing_values: MissingValueRow
  /** The chaincode's public state. */
  public_values: PublicValueRow
}

export interface TransactionRow {
  transaction_id: string
  block: number
  position: number
}

export interface ProgressRow {
  id: number
  blocks: number
}

export interface ProjectedRow {
  id: number
  blocks: number
  /** Of the newest one, SHA-256 in hexadecimal; empty before the first. */
  block_hash: string
  /** What the tables mean: with another one they are made anew. */
  version: number
}

/** Keys are bytes, which both databases compare as Fabric does. Hashes are SHA-256 in hexadecimal. */
export interface PrivateValueRow {
  collection: string
  key: Uint8Array
  key_hash: string
  value: Uint8Array
  /** Where it was written. */
  block: number
  position: number
}

export interface MissingValueRow {
  collection: string
  key_hash: string
  value_hash: string
  block: number
  position: number
}

export interface PublicValueRow {
  key: Uint8Array
  value: Uint8Array
  block: number
  position: number
}

export interface DocumentRow {
  document: string
  version: number
  patient: string
  /** HMAC of the source's own key: finds a document again without naming its source. */
  source: string
  /** HMAC of content and description: tells whether either changed. */
  content: string
  /** Compact JWE (RFC 7516). */
  ciphertext: string
  /** SHA-256 of the ciphertext, as on the ledger. */
  digest: string
  /** JSON of what the ledger is told of it. */
  description: string
  /** 0 until the ledger has its descriptor. */
  registered: number
}

export interface ReleaseRow {
  /** Organisation through which the access was requested. */
  through: string
  /** Id of the access's entry. */
  access: string
  /** JSON list of the released documents' ids. */
  documents: string
  /** JSON list of what the access permitted and was held back, and why. */
  withheld: string
  recorded: number
}

export interface OutboxRow {
  /** Id of the request, unique within its collection. */
  request: string
  /** Where its mark and entry lie. */
  collection: string
  /** Name of the transaction. */
  name: string
  /** A digest of issuer and subject of the person for whom it was submitted; only this organisation can compute it. */
  owner: string
  state: 'pending' | 'committed' | 'cancelled'
  /** When it was noted, in milliseconds since 1970 (UTC). */
  created: number
  /** When to look next what became of it, likewise. */
  due: number
  /** How often that has been looked for. */
  tries: number
  /** The transaction that committed or cancelled it. */
  transaction_id: string | null
}

export interface IdempotencyKeyRow {
  /** A digest of who sent the key, for which route, and the key. */
  name: string
  /** A digest of what was asked with it. */
  fingerprint: string
  /** Milliseconds since 1970 (UTC). */
  created: number
}

/** The keys' own database: content backups must not include it, so that destroying a key destroys the content. */
export interface KeySchema {
  patient_keys: PatientKeyRow
}

export interface PatientKeyRow {
  patient: string
  /** The patient's key, wrapped by the organisation's master key: compact JWE. */
  wrapped: string
}

export const isPostgres = (database: Pick<Kysely<unknown>, 'getExecutor'>): boolean =>
  database.getExecutor().adapter instanceof PostgresAdapter

/**
 * The type of a column of text. PostgreSQL would compare by the rules of some language, which change with the machine's
 * libraries and leave indexes wrong; SQLite compares code points.
 */
const textOf = (database: Kysely<unknown>): Expression<unknown> | 'text' =>
  isPostgres(database) ? sql`text collate "C"` : 'text'

const bytesOf = (database: Kysely<unknown>): Expression<unknown> =>
  isPostgres(database) ? sql`bytea` : sql`blob`

const outboxMigration: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    const { schema } = database
    const text = textOf(database)
    await schema
      .createTable('outbox')
      .addColumn('request', text, (column) => column.notNull())
      .addColumn('collection', text, (column) => column.notNull())
      .addColumn('name', text, (column) => column.notNull())
      .addColumn('owner', text, (column) => column.notNull())
      .addColumn('state', text, (column) => column.notNull())
      .addColumn('created', 'bigint', (column) => column.notNull())
      .addColumn('due', 'bigint', (column) => column.notNull())
      .addColumn('tries', 'integer', (column) => column.notNull())
      .addColumn('transaction_id', text)
      .addPrimaryKeyConstraint('outbox_key', ['collection', 'request'])
      .execute()
    await schema.createIndex('outbox_due').on('outbox').columns(['state', 'due']).execute()
    await schema
      .createTable('idempotency_keys')
      .addColumn('name', text, (column) => column.primaryKey())
      .addColumn('fingerprint', text, (column) => column.notNull())
      .addColumn('created', 'bigint', (column) => column.notNull())
      .execute()
  },
}

/** In the subset that SQLite and PostgreSQL share. */
export const migrations: Record<string, Migration> = {
  '001': {
    async up(database: Kysely<unknown>): Promise<void> {
      const { schema } = database
      const text = textOf(database)
      await schema
        .createTable('documents')
        .addColumn('document', text, (column) => column.notNull())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('patient', text, (column) => column.notNull())
        .addColumn('source', text, (column) => column.notNull())
        .addColumn('content', text, (column) => column.notNull())
        .addColumn('ciphertext', text, (column) => column.notNull())
        .addColumn('digest', text, (column) => column.notNull())
        .addColumn('description', text, (column) => column.notNull())
        .addColumn('registered', 'integer', (column) => column.notNull())
        .addPrimaryKeyConstraint('documents_key', ['document', 'version'])
        .addUniqueConstraint('documents_source', ['source', 'version'])
        .execute()
      await schema
        .createTable('releases')
        .addColumn('through', text, (column) => column.notNull())
        .addColumn('access', text, (column) => column.notNull())
        .addColumn('documents', text, (column) => column.notNull())
        .addColumn('recorded', 'integer', (column) => column.notNull())
        .addPrimaryKeyConstraint('releases_key', ['through', 'access'])
        .execute()
    },
  },
  '002': outboxMigration,
  '003': {
    async up(database: Kysely<unknown>): Promise<void> {
      const text = textOf(database)
      await database.schema
        .alterTable('releases')
        .addColumn('withheld', text, (column) => column.notNull().defaultTo('[]'))
        .execute()
    },
  },
}

const valuesMigration: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    const { schema } = database
    const text = textOf(database)
    const bytes = bytesOf(database)
    await schema
      .createTable('projected')
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn('blocks', 'bigint', (column) => column.notNull())
      .addColumn('block_hash', text, (column) => column.notNull())
      .addColumn('version', 'integer', (column) => column.notNull())
      .execute()
    await schema
      .createTable('private_values')
      .addColumn('collection', text, (column) => column.notNull())
      .addColumn('key', bytes, (column) => column.notNull())
      .addColumn('key_hash', text, (column) => column.notNull())
      .addColumn('value', bytes, (column) => column.notNull())
      .addColumn('block', 'bigint', (column) => column.notNull())
      .addColumn('position', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint('private_values_key', ['collection', 'key'])
      .addUniqueConstraint('private_values_hash', ['collection', 'key_hash'])
      .execute()
    await schema
      .createTable('missing_values')
      .addColumn('collection', text, (column) => column.notNull())
      .addColumn('key_hash', text, (column) => column.notNull())
      .addColumn('value_hash', text, (column) => column.notNull())
      .addColumn('block', 'bigint', (column) => column.notNull())
      .addColumn('position', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint('missing_values_key', ['collection', 'key_hash'])
      .execute()
    await schema
      .createTable('public_values')
      .addColumn('key', bytes, (column) => column.primaryKey())
      .addColumn('value', bytes, (column) => column.notNull())
      .addColumn('block', 'bigint', (column) => column.notNull())
      .addColumn('position', 'integer', (column) => column.notNull())
      .execute()
  },
}

export const projectionMigrations: Record<string, Migration> = {
  '001': {
    async up(database: Kysely<unknown>): Promise<void> {
      const { schema } = database
      const text = textOf(database)
      await schema
        .createTable('transactions')
        .addColumn('transaction_id', text, (column) => column.primaryKey())
        .addColumn('block', 'bigint', (column) => column.notNull())
        .addColumn('position', 'integer', (column) => column.notNull())
        .execute()
      await schema
        .createTable('progress')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('blocks', 'bigint', (column) => column.notNull())
        .execute()
    },
  },
  '002': valuesMigration,
}

export const keyMigrations: Record<string, Migration> = {
  '001': {
    async up(database: Kysely<unknown>): Promise<void> {
      const text = textOf(database)
      await database.schema
        .createTable('patient_keys')
        .addColumn('patient', text, (column) => column.primaryKey())
        .addColumn('wrapped', text, (column) => column.notNull())
        .execute()
    },
  },
}

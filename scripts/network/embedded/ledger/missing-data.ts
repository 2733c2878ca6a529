import { sha256 } from '../../fabric/digest.ts'
import type { Definition } from '../../fabric/definition.ts'
import { bytes } from '../../fabric/message.ts'
import type { LedgerDatabase } from './database.ts'
import type { PrivateSets } from './private-data.ts'
import type { Transaction } from './transaction.ts'
import { code } from './validation-code.ts'

/** One private write set of a committed transaction. */
export interface WantedData {
  readonly block: number
  readonly transaction: number
  readonly transactionId: string
  readonly collection: string
  /** SHA-256 of the write set, from the block. */
  readonly hash: Buffer
}

/** Looks for a private write set; whoever asks checks what it is given against the block. */
export type FetchPrivate = (wanted: WantedData) => Buffer | undefined

/** The private data that a peer should hold as a member and does not. */
export interface MissingData {
  add(missing: readonly WantedData[]): void
  remove(found: WantedData): void
  /** Some of it, in the order of the chain, behind this one. */
  after(last: WantedData | undefined): readonly WantedData[]
  size(): number
}

/** What was found of a block's private data, by transaction, and what was not. */
export interface Gathered {
  readonly found: ReadonlyMap<number, PrivateSets>
  readonly missing: readonly WantedData[]
}

const checked = (content: Buffer | undefined, hash: Buffer): Buffer | undefined =>
  content !== undefined && sha256(content).equals(hash) ? content : undefined

/** What a member of the definition's collections wants of one transaction. */
function wantedOf(
  { header, action }: Transaction,
  place: { readonly block: number; readonly transaction: number },
  definition: Definition,
  mspId: string,
): WantedData[] {
  const own = action?.namespaces.find(({ namespace }) => namespace === definition.name)
  return (own?.collections ?? [])
    .filter(({ collection, privateHash }) => {
      const members = definition.collections.get(collection)?.members
      return privateHash.length > 0 && members?.has(mspId) === true
    })
    .map(({ collection, privateHash }) => ({
      block: place.block,
      transaction: place.transaction,
      transactionId: header?.transactionId ?? '',
      collection,
      hash: privateHash,
    }))
}

/** Looks for the private data of a block of which a peer is to have a copy. */
export function gatherPrivate(
  block: number,
  transactions: readonly Transaction[],
  codes: readonly number[],
  { definition, mspId }: { readonly definition: Definition; readonly mspId: string },
  fetch: FetchPrivate,
): Gathered {
  const found = new Map<number, PrivateSets>()
  const missing: WantedData[] = []
  for (const [transaction, content] of transactions.entries()) {
    if (codes[transaction] !== code.VALID) continue
    const sets = new Map<string, Buffer>()
    for (const wanted of wantedOf(content, { block, transaction }, definition, mspId)) {
      const set = checked(fetch(wanted), wanted.hash)
      if (set === undefined) missing.push(wanted)
      else sets.set(wanted.collection, set)
    }
    if (sets.size > 0) found.set(transaction, sets)
  }
  return { found, missing }
}

/** How much is looked for at a time. */
const pageRows = 100

const schema = `
  CREATE TABLE IF NOT EXISTS missing (
    block INTEGER NOT NULL,
    position INTEGER NOT NULL,
    collection TEXT NOT NULL,
    transaction_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (block, position, collection)
  ) STRICT, WITHOUT ROWID`

export function openMissingData(database: LedgerDatabase): MissingData {
  database.exec(schema)
  const insert = database.prepare(
    'INSERT INTO missing (block, position, collection, transaction_id, hash) VALUES (?, ?, ?, ?, ?)',
  )
  const remove = database.prepare('DELETE FROM missing WHERE block = ? AND position = ? AND collection = ?')
  const select = database.prepare(
    `SELECT block, position AS "transaction", collection, transaction_id AS transactionId, hash FROM missing
     WHERE (block, position, collection) > (?, ?, ?) ORDER BY block, position, collection LIMIT ${pageRows}`,
  )
  const count = database.prepare('SELECT count(*) AS size FROM missing')
  return {
    add(missing) {
      for (const { block, transaction, collection, transactionId, hash } of missing)
        insert.run(block, transaction, collection, transactionId, hash)
    },
    remove: ({ block, transaction, collection }) => void remove.run(block, transaction, collection),
    after(last) {
      const { block, transaction, collection } = last ?? { block: -1, transaction: -1, collection: '' }
      const rows = select.all(block, transaction, collection) as unknown as WantedData[]
      return rows.map((row) => ({ ...row, hash: bytes(row.hash) }))
    },
    size: () => Number(count.get()?.size),
  }
}

import { sha256 } from '../../fabric/digest.ts'
import type { LedgerDatabase } from './database.ts'
import type { PrivateSets } from './private-data.ts'
import type { Version } from './state.ts'
import type { Transaction } from './transaction.ts'
import { code } from './validation-code.ts'

/** Where a transaction stands in the chain, and one of its collections. */
export interface PrivatePlace extends Version {
  readonly collection: string
}

/** One private write set of a committed transaction. */
export interface WantedData extends PrivatePlace {
  readonly transactionId: string
  /** SHA-256 of the write set, from the block. */
  readonly hash: Buffer
}

/** Looks for a private write set; whoever asks checks what it is given against the block. */
export type FetchPrivate = (wanted: WantedData) => Buffer | undefined

/** The private write sets of committed transactions that a peer does not hold, also those of others' collections. */
export interface MissingData {
  add(missing: readonly PrivatePlace[]): void
  remove(found: PrivatePlace): void
  /** Some of a collection's, in the order of the chain, behind this one. */
  after(collection: string, last: Version | undefined): readonly PrivatePlace[]
  size(collection: string): number
}

/** What was found of a block's private data, by transaction, and what was not. */
export interface Gathered {
  readonly found: ReadonlyMap<number, PrivateSets>
  readonly missing: readonly PrivatePlace[]
}

const checked = (content: Buffer | undefined, hash: Buffer): Buffer | undefined =>
  content !== undefined && sha256(content).equals(hash) ? content : undefined

/** What there is to hold of a transaction's private data. */
export function wantedOf({ header, action }: Transaction, version: Version, chaincode: string): WantedData[] {
  const own = action?.namespaces.find(({ namespace }) => namespace === chaincode)
  return (own?.collections ?? [])
    .filter(({ privateHash }) => privateHash.length > 0)
    .map(({ collection, privateHash }) => ({
      ...version,
      transactionId: header?.transactionId ?? '',
      collection,
      hash: privateHash,
    }))
}

/** Who looks for private data, and where. */
export interface Seeker {
  readonly chaincode: string
  /** Whether the peer is to have a copy of a collection's private data. */
  readonly isMember: (collection: string) => boolean
  readonly fetch: FetchPrivate
}

/** Looks for the private data of a block. */
export function gatherPrivate(
  block: number,
  transactions: readonly Transaction[],
  codes: readonly number[],
  { chaincode, isMember, fetch }: Seeker,
): Gathered {
  const found = new Map<number, PrivateSets>()
  const missing: PrivatePlace[] = []
  for (const [transaction, content] of transactions.entries()) {
    if (codes[transaction] !== code.VALID) continue
    const sets = new Map<string, Buffer>()
    for (const wanted of wantedOf(content, { block, transaction }, chaincode)) {
      const set = isMember(wanted.collection) ? checked(fetch(wanted), wanted.hash) : undefined
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
    collection TEXT NOT NULL,
    block INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (collection, block, position)
  ) STRICT, WITHOUT ROWID`

export function openMissingData(database: LedgerDatabase): MissingData {
  database.exec(schema)
  const insert = database.prepare('INSERT INTO missing (collection, block, position) VALUES (?, ?, ?)')
  const remove = database.prepare('DELETE FROM missing WHERE collection = ? AND block = ? AND position = ?')
  const select = database.prepare(
    `SELECT collection, block, position AS "transaction" FROM missing
     WHERE collection = ? AND (block, position) > (?, ?) ORDER BY block, position LIMIT ${pageRows}`,
  )
  const count = database.prepare('SELECT count(*) AS size FROM missing WHERE collection = ?')
  return {
    add(missing) {
      for (const { collection, block, transaction } of missing) insert.run(collection, block, transaction)
    },
    remove: ({ collection, block, transaction }) => void remove.run(collection, block, transaction),
    after(collection, last) {
      const { block, transaction } = last ?? { block: -1, transaction: -1 }
      return select.all(collection, block, transaction) as unknown as PrivatePlace[]
    },
    size: (collection) => Number(count.get(collection)?.size),
  }
}

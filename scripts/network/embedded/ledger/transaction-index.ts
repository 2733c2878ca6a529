import type { LedgerDatabase } from './database.ts'

/** Where a transaction id first appeared, and how it was judged there. */
export interface TransactionPosition {
  readonly block: number
  readonly index: number
  readonly code: number
}

/** Every transaction id of the chain. */
export interface TransactionIndex {
  find(transactionId: string): TransactionPosition | undefined
  /** The first position of an id stays: a duplicate does not change what its original was. */
  add(transactionId: string, position: TransactionPosition): void
}

/** What nearly every id is, kept as bytes in half the room; others stay text, which never equals bytes. */
const hexadecimal = /^[0-9a-f]{64}$/

const toKey = (transactionId: string): Buffer | string =>
  hexadecimal.test(transactionId) ? Buffer.from(transactionId, 'hex') : transactionId

const schema = `
  CREATE TABLE IF NOT EXISTS transactions (
    id ANY PRIMARY KEY,
    block INTEGER NOT NULL,
    position INTEGER NOT NULL,
    code INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`

export function openTransactionIndex(database: LedgerDatabase): TransactionIndex {
  database.exec(schema)
  const select = database.prepare('SELECT block, position AS "index", code FROM transactions WHERE id = ?')
  const insert = database.prepare(
    'INSERT INTO transactions (id, block, position, code) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  return {
    find: (transactionId) => select.get(toKey(transactionId)) as TransactionPosition | undefined,
    add(transactionId, { block, index, code }) {
      insert.run(toKey(transactionId), block, index, code)
    },
  }
}

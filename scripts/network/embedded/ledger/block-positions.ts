import { bytes } from '../../fabric/message.ts'
import type { LedgerDatabase } from './database.ts'
import type { Place } from './record-file.ts'

/** A block's place in the file, and the hash of its header. */
export interface BlockPosition {
  readonly number: number
  readonly place: Place
  readonly hash: Buffer
}

/** Where each block lies that is in the database. */
export interface BlockPositions {
  add(position: BlockPosition): void
  find(number: number): Place | undefined
  last(): BlockPosition | undefined
}

const schema = `
  CREATE TABLE IF NOT EXISTS blocks (
    number INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    length INTEGER NOT NULL,
    hash BLOB NOT NULL
  ) STRICT`

export function openBlockPositions(database: LedgerDatabase): BlockPositions {
  database.exec(schema)
  const insert = database.prepare('INSERT INTO blocks (number, position, length, hash) VALUES (?, ?, ?, ?)')
  const select = database.prepare('SELECT position, length FROM blocks WHERE number = ?')
  const newest = database.prepare('SELECT * FROM blocks ORDER BY number DESC LIMIT 1')
  return {
    add: ({ number, place, hash }) => void insert.run(number, place.position, place.length, hash),
    find: (number) => select.get(number) as Place | undefined,
    last() {
      const row = newest.get() as (Place & { readonly number: number; readonly hash: Uint8Array }) | undefined
      return row && { number: row.number, place: row, hash: bytes(row.hash) }
    },
  }
}

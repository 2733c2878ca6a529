import type { SelectQueryBuilder, Transaction } from 'kysely'
import { notHeld, type KeyValue, type StateReader } from 'medledger-chaincode/queries'
import type { Projection, ProjectionSchema } from '../store/index.ts'

/** How many rows of a range are read at a time: a query stops when it has its page. */
const rowsAtOnce = 120

/** What the tables hold, all as of the same block. */
export interface Snapshot {
  readonly blocks: number
  readonly state: StateReader
}

/**
 * Reads the tables as they were at one moment, whatever is projected meanwhile: a peer's simulation sees one state, too.
 * A collection of which the own organisation is no member, or of which values are missing, reads as not held.
 */
export const readSnapshot = <Value>(
  database: Projection,
  members: ReadonlySet<string>,
  read: (snapshot: Snapshot) => Promise<Value>,
): Promise<Value> =>
  database
    .transaction()
    // SQLite has one transaction at a time.
    .setIsolationLevel('repeatable read')
    .execute(async (transaction) => {
      const { blocks } = await transaction.selectFrom('projected').select('blocks').executeTakeFirstOrThrow()
      const incomplete = await transaction
        .selectFrom('missing_values')
        .select('collection')
        .distinct()
        .execute()
      const readable = new Set(members)
      for (const { collection } of incomplete) readable.delete(collection)
      return read({ blocks, state: readerOf(transaction, readable) })
    })

function readerOf(database: Transaction<ProjectionSchema>, readable: ReadonlySet<string>): StateReader {
  const requireHeld = (collection: string): void => {
    if (!readable.has(collection)) throw notHeld()
  }
  return {
    async getState(key) {
      const row = await database
        .selectFrom('public_values')
        .select('value')
        .where('key', '=', Buffer.from(key))
        .executeTakeFirst()
      return row?.value ?? new Uint8Array()
    },
    getStateByRange: (start, end) =>
      inRange(start, end, () => database.selectFrom('public_values').select(['key', 'value'])),
    async getPrivateData(collection, key) {
      requireHeld(collection)
      const row = await database
        .selectFrom('private_values')
        .select('value')
        .where('collection', '=', collection)
        .where('key', '=', Buffer.from(key))
        .executeTakeFirst()
      return row?.value ?? new Uint8Array()
    },
    getPrivateDataByRange(collection, start, end) {
      requireHeld(collection)
      return inRange(start, end, () =>
        database.selectFrom('private_values').select(['key', 'value']).where('collection', '=', collection),
      )
    },
  }
}

type Rows = SelectQueryBuilder<
  ProjectionSchema,
  'public_values' | 'private_values',
  { key: Uint8Array; value: Uint8Array }
>

async function* inRange(start: string, end: string, rowsOf: () => unknown): AsyncGenerator<KeyValue> {
  let last: Uint8Array | undefined
  for (;;) {
    const rows = await (rowsOf() as Rows)
      .where('key', last === undefined ? '>=' : '>', last ?? Buffer.from(start))
      .where('key', '<', Buffer.from(end))
      .orderBy('key')
      .limit(rowsAtOnce)
      .execute()
    for (const { key, value } of rows) yield { key: Buffer.from(key).toString('utf8'), value }
    last = rows.at(-1)?.key
    if (rows.length < rowsAtOnce) return
  }
}

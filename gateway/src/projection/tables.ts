import { sql, type Transaction } from 'kysely'
import type { FullBlock, FullTransaction, PrivateWrite, PublicWrite } from '../ledger/index.ts'
import {
  inTransaction,
  isPostgres,
  writePositions,
  type MissingValueRow,
  type Projection,
  type ProjectionSchema,
} from '../store/index.ts'

/** What the tables mean. Whoever changes that gives it a new number, and they are made anew from block 0. */
export const projectionVersion = 1

/** How far the tables are. */
export interface Progress {
  readonly blocks: number
  /** Hash of the newest block, hexadecimal; empty before the first. */
  readonly hash: string
}

const tables = [
  'transactions',
  'progress',
  'private_values',
  'missing_values',
  'public_values',
] as const satisfies readonly (keyof ProjectionSchema)[]

/** Rows or hashes in one statement: a database bounds its parameters. */
const chunk = 500

/**
 * Empties the tables when they are of another version, or when the operator asks for it. Answers why, if it did. Must be
 * called before anything follows the blocks.
 */
export const prepareProjection = (
  database: Projection,
  isAsked: boolean,
): Promise<'version' | 'asked' | undefined> =>
  inTransaction(database, async (transaction) => {
    const first = { id: 1, blocks: 0, block_hash: '', version: projectionVersion }
    await transaction
      .insertInto('projected')
      .values(first)
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute()
    const { version } = await transaction.selectFrom('projected').select('version').executeTakeFirstOrThrow()
    const reason = version === projectionVersion ? (isAsked ? 'asked' : undefined) : 'version'
    if (reason === undefined) return undefined
    for (const table of tables) await empty(transaction, table)
    await transaction.updateTable('projected').set(first).execute()
    return reason
  })

async function empty(
  transaction: Transaction<ProjectionSchema>,
  table: (typeof tables)[number],
): Promise<void> {
  // SQLite has no such statement, and empties a table at once.
  if (isPostgres(transaction)) await sql`truncate ${sql.table(table)}`.execute(transaction)
  else await transaction.deleteFrom(table).execute()
}

/** Errors: the driver's; one when the tables have not been prepared. */
export async function readProgress(database: Projection): Promise<Progress> {
  const { blocks, block_hash: hash } = await database
    .selectFrom('projected')
    .select(['blocks', 'block_hash'])
    .executeTakeFirstOrThrow()
  return { blocks, hash }
}

/** How many current values the own peer has not had yet. Errors: the driver's. */
export async function countMissing(database: Projection): Promise<number> {
  const { count } = await database
    .selectFrom('missing_values')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}

interface Place {
  readonly block: number
  readonly position: number
}

/** Of several writes of a key, the last. */
interface Changes {
  readonly publicWrites: ReadonlyMap<string, PublicWrite & Place>
  readonly privateWrites: ReadonlyMap<string, PrivateWrite & Place>
}

/**
 * Puts a block's writes and its transactions' places into the tables, with the height, in one SQL transaction: after a crash neither is without the
 * other. `members` are the collections whose values the own organisation may know. False, and nothing done, when the
 * tables are at another height.
 */
export const projectBlock = (
  database: Projection,
  block: FullBlock,
  members: ReadonlySet<string>,
): Promise<boolean> =>
  inTransaction(database, async (transaction) => {
    const { number, hash, transactions } = block
    // First, since it keeps another gateway of this organisation from doing the same.
    const { numUpdatedRows } = await transaction
      .updateTable('projected')
      .set({ blocks: number + 1, block_hash: hash })
      .where('blocks', '=', number)
      .executeTakeFirstOrThrow()
    if (Number(numUpdatedRows) === 0) return false
    await writePositions(transaction, block)
    const { publicWrites, privateWrites } = changesOf(transactions, members)
    await putPublic(transaction, [...publicWrites.values()])
    const byCollection = Map.groupBy(privateWrites.values(), ({ collection }) => collection)
    for (const [collection, writes] of byCollection) await putPrivate(transaction, collection, writes)
    return true
  })

function changesOf(transactions: readonly FullTransaction[], members: ReadonlySet<string>): Changes {
  const publicWrites = new Map<string, PublicWrite & Place>()
  const privateWrites = new Map<string, PrivateWrite & Place>()
  for (const { block, position, valid, ...writes } of transactions) {
    if (!valid) continue
    for (const write of writes.publicWrites)
      publicWrites.set(Buffer.from(write.key).toString('hex'), { ...write, block, position })
    for (const write of writes.privateWrites)
      if (members.has(write.collection))
        privateWrites.set(`${write.collection}/${write.keyHash}`, { ...write, block, position })
  }
  return { publicWrites, privateWrites }
}

async function putPublic(
  transaction: Transaction<ProjectionSchema>,
  writes: readonly (PublicWrite & Place)[],
): Promise<void> {
  for (const part of chunksOf(writes)) {
    const keys = part.map(({ key }) => key)
    await transaction.deleteFrom('public_values').where('key', 'in', keys).execute()
    const rows = part.flatMap(({ key, value, block, position }) =>
      value === undefined ? [] : [{ key, value, block, position }],
    )
    if (rows.length > 0) await transaction.insertInto('public_values').values(rows).execute()
  }
}

async function putPrivate(
  transaction: Transaction<ProjectionSchema>,
  collection: string,
  writes: readonly (PrivateWrite & Place)[],
): Promise<void> {
  for (const part of chunksOf(writes)) {
    const hashes = part.map(({ keyHash }) => keyHash)
    for (const table of ['private_values', 'missing_values'] as const) {
      await transaction
        .deleteFrom(table)
        .where('collection', '=', collection)
        .where('key_hash', 'in', hashes)
        .execute()
    }
    const held = part.flatMap(({ keyHash: key_hash, held, block, position }) =>
      held === undefined ? [] : [{ collection, key_hash, ...held, block, position }],
    )
    if (held.length > 0) await transaction.insertInto('private_values').values(held).execute()
    const missing = part.flatMap(({ keyHash: key_hash, valueHash: value_hash, held, block, position }) =>
      held !== undefined || value_hash === undefined
        ? []
        : [{ collection, key_hash, value_hash, block, position }],
    )
    if (missing.length > 0) await transaction.insertInto('missing_values').values(missing).execute()
  }
}

function* chunksOf<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += chunk) yield items.slice(start, start + chunk)
}

/** Blocks with values that were missing, from one on. */
export async function blocksWithMissing(
  database: Projection,
  from: number,
  limit: number,
): Promise<readonly number[]> {
  const rows = await database
    .selectFrom('missing_values')
    .select('block')
    .distinct()
    .where('block', '>=', from)
    .orderBy('block')
    .limit(limit)
    .execute()
  return rows.map(({ block }) => block)
}

/**
 * Fills in what a block was missing and now has, unless its key has been written, deleted or purged again since: then it
 * is missing no more. Answers with how many values that were.
 */
export const fillIn = (
  database: Projection,
  { number, transactions }: Pick<FullBlock, 'number' | 'transactions'>,
): Promise<number> =>
  inTransaction(database, async (transaction) => {
    const rows = await transaction
      .selectFrom('missing_values')
      .selectAll()
      .where('block', '=', number)
      .execute()
    let filled = 0
    for (const row of rows) {
      const held = heldNow(row, transactions)
      if (held === undefined) continue
      const { collection, key_hash, block, position } = row
      const { numDeletedRows } = await transaction
        .deleteFrom('missing_values')
        .where('collection', '=', collection)
        .where('key_hash', '=', key_hash)
        .where('block', '=', block)
        .where('position', '=', position)
        .executeTakeFirstOrThrow()
      if (Number(numDeletedRows) === 0) continue
      await transaction
        .insertInto('private_values')
        .values({ collection, key_hash, ...held, block, position })
        .execute()
      filled += 1
    }
    return filled
  })

/** The value that is missing, by its hash: whatever block it is said to come in, it is the one on the chain. */
const heldNow = (
  { collection, key_hash, value_hash, position }: MissingValueRow,
  transactions: readonly FullTransaction[],
): PrivateWrite['held'] =>
  transactions[position]?.privateWrites.find(
    (write) =>
      write.collection === collection && write.keyHash === key_hash && write.valueHash === value_hash,
  )?.held

import type { Transaction } from 'kysely'
import type { DeliveredBlock, LedgerTransport } from '../ledger/index.ts'
import type { Projection } from './open.ts'
import type { ProjectionSchema } from './schema.ts'
import { inTransaction } from './transaction.ts'

/** A transaction's place on the chain: the order in which people are shown what happened. */
export interface Position {
  readonly block: number
  readonly position: number
}

export const byPosition = (one: Position, other: Position): number =>
  one.block - other.block || one.position - other.position

export interface Positions {
  /** Places by transaction id, of those that the own peer has delivered. */
  find(transactionIds: readonly string[]): Promise<ReadonlyMap<string, Position>>
  stop(): void
}

/** Rows or ids in one statement: a database bounds its parameters. */
const chunk = 500

/** The places that the tables have, whoever follows the blocks. */
export const openPositions = (database: Projection): Pick<Positions, 'find'> => ({
  async find(transactionIds) {
    const found = new Map<string, Position>()
    for (let start = 0; start < transactionIds.length; start += chunk) {
      const rows = await database
        .selectFrom('transactions')
        .selectAll()
        .where('transaction_id', 'in', transactionIds.slice(start, start + chunk))
        .execute()
      for (const row of rows) {
        found.set(row.transaction_id, { block: row.block, position: row.position })
      }
    }
    return found
  },
})

/**
 * Keeps the places of all valid transactions, from block 0 on, following the own peer: for when the projection, which
 * keeps them too, does not. Rows and height are written in one SQL transaction, so that a crash neither loses nor repeats
 * a block.
 */
export async function keepPositions(
  database: Projection,
  transport: Pick<LedgerTransport, 'follow'>,
): Promise<Positions> {
  const progress = await database
    .selectFrom('progress')
    .select('blocks')
    .where('id', '=', 1)
    .executeTakeFirst()
  const stop = await transport.follow(progress?.blocks ?? 0, (block) =>
    inTransaction(database, (transaction) => writePositions(transaction, block)),
  )
  return { stop, ...openPositions(database) }
}

/** Writes the places of a block's valid transactions, and the height. */
export async function writePositions(
  transaction: Transaction<ProjectionSchema>,
  block: DeliveredBlock,
): Promise<void> {
  const rows = block.transactions
    .filter(({ valid, transactionId }) => valid && transactionId !== '')
    .map(({ transactionId, position }) => ({ transaction_id: transactionId, block: block.number, position }))
  for (let start = 0; start < rows.length; start += chunk) {
    await transaction
      .insertInto('transactions')
      .values(rows.slice(start, start + chunk))
      .onConflict((conflict) => conflict.column('transaction_id').doNothing())
      .execute()
  }
  const blocks = block.number + 1
  await transaction
    .insertInto('progress')
    .values({ id: 1, blocks })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ blocks }))
    .execute()
}

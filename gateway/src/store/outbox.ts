import type { Transaction } from 'kysely'
import type { Batch } from './batch.ts'
import type { Database } from './open.ts'
import type { OutboxRow, Schema } from './schema.ts'

/** What names a request: its id, within the collection that holds its mark. */
export type RequestName = Pick<OutboxRow, 'request' | 'collection'>

/** What the ledger did with a request. */
export interface Settlement {
  readonly state: 'committed' | 'cancelled'
  readonly transactionId: string
}

/** A request that is about to be submitted. Times in milliseconds since 1970 (UTC). */
export type Noted = Pick<OutboxRow, 'request' | 'collection' | 'name' | 'owner' | 'created' | 'due'>

export interface Outbox {
  /**
   * Notes a request before it is submitted, and answers with its row. What is noted already stays so, but is not due
   * before the new submission is.
   */
  note(row: Noted): Promise<{ readonly row: OutboxRow; readonly isNew: boolean }>
  find(name: RequestName): Promise<OutboxRow | undefined>
  /** Ends `pending`, once; false when it had ended before. */
  settle(name: RequestName, settlement: Settlement): Promise<boolean>
  /** Forgets a pending request of which provably nothing was ordered, unless it has been noted again meanwhile. */
  forget(row: OutboxRow): Promise<void>
  /** Says when to look again, and how often that has been done by then. */
  defer(name: RequestName, next: Pick<OutboxRow, 'due' | 'tries'>): Promise<void>
  /** Pending requests that are due, the longest overdue first. */
  due(at: number, limit: number): Promise<readonly OutboxRow[]>
  /** Makes all that is pending due now. */
  wake(at: number): Promise<void>
  /** How many are pending. */
  pending(): Promise<number>
  /** Forgets what was settled and is older than this; answers with how many rows that were. */
  forgetSettled(createdBefore: number): Promise<number>
}

export const openOutbox = (database: Database, batch: Batch): Outbox => ({
  ...changesOf(batch),
  ...overviewOf(database),
  find: (name) => find(database, name),
})

/** Each change is on the disk when it resolves. */
function changesOf(batch: Batch): Omit<Outbox, 'due' | 'pending' | 'find'> {
  return {
    note: (row) =>
      batch(async (transaction) => {
        // Between the two another gateway may forget the row; a third time would be a fault.
        const noted = (await tryToNote(transaction, row)) ?? (await tryToNote(transaction, row))
        if (noted === undefined) throw new Error('A row of the outbox was not written.')
        return noted
      }),
    settle: (name, { state, transactionId }) =>
      batch(async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable('outbox')
          .set({ state, transaction_id: transactionId })
          .where('collection', '=', name.collection)
          .where('request', '=', name.request)
          .where('state', '=', 'pending')
          .executeTakeFirstOrThrow()
        return Number(numUpdatedRows) > 0
      }),
    forget: ({ collection, request, due }) =>
      batch(async (transaction) => {
        await transaction
          .deleteFrom('outbox')
          .where('collection', '=', collection)
          .where('request', '=', request)
          .where('state', '=', 'pending')
          .where('due', '=', due)
          .execute()
      }),
    defer: (name, next) => batch((transaction) => defer(transaction, name, next)),
    wake: (at) =>
      batch(async (transaction) => {
        await transaction
          .updateTable('outbox')
          .set({ due: at })
          .where('state', '=', 'pending')
          .where('due', '>', at)
          .execute()
      }),
    forgetSettled: (createdBefore) =>
      batch(async (transaction) => {
        const { numDeletedRows } = await transaction
          .deleteFrom('outbox')
          .where('state', '!=', 'pending')
          .where('created', '<', createdBefore)
          .executeTakeFirstOrThrow()
        return Number(numDeletedRows)
      }),
  }
}

function overviewOf(database: Database): Pick<Outbox, 'due' | 'pending'> {
  return {
    due: (at, limit) =>
      database
        .selectFrom('outbox')
        .selectAll()
        .where('state', '=', 'pending')
        .where('due', '<=', at)
        .orderBy('due')
        .limit(limit)
        .execute(),
    async pending() {
      const { count } = await database
        .selectFrom('outbox')
        .select((row) => row.fn.countAll<number>().as('count'))
        .where('state', '=', 'pending')
        .executeTakeFirstOrThrow()
      return count
    },
  }
}

async function tryToNote(
  transaction: Transaction<Schema>,
  noted: Noted,
): Promise<{ readonly row: OutboxRow; readonly isNew: boolean } | undefined> {
  const fresh: OutboxRow = { ...noted, state: 'pending', tries: 0, transaction_id: null }
  const { numInsertedOrUpdatedRows } = await transaction
    .insertInto('outbox')
    .values(fresh)
    .onConflict((conflict) => conflict.columns(['collection', 'request']).doNothing())
    .executeTakeFirstOrThrow()
  if (Number(numInsertedOrUpdatedRows ?? 0) > 0) return { row: fresh, isNew: true }
  await defer(transaction, noted, { due: noted.due, tries: 0 })
  const row = await find(transaction, noted)
  return row && { row, isNew: false }
}

async function defer(
  transaction: Transaction<Schema>,
  { collection, request }: RequestName,
  { due, tries }: Pick<OutboxRow, 'due' | 'tries'>,
): Promise<void> {
  await transaction
    .updateTable('outbox')
    .set({ due, tries })
    .where('collection', '=', collection)
    .where('request', '=', request)
    .where('state', '=', 'pending')
    .execute()
}

const find = (
  database: Database | Transaction<Schema>,
  { collection, request }: RequestName,
): Promise<OutboxRow | undefined> =>
  database
    .selectFrom('outbox')
    .selectAll()
    .where('collection', '=', collection)
    .where('request', '=', request)
    .executeTakeFirst()

import { setImmediate as turn } from 'node:timers/promises'
import type { Definition } from '../../fabric/definition.ts'
import type { LedgerDatabase } from './database.ts'
import { privateSpace, toOrdered } from './keys.ts'
import {
  gatherPrivate,
  openMissingData,
  type FetchPrivate,
  type Gathered,
  type WantedData,
} from './missing-data.ts'
import type { PrivateSets } from './private-data.ts'
import type { PrivateStore } from './private-store.ts'
import { privateWrites } from './private-writes.ts'
import { findUnpurged, hashedWritesOf, purgesOf } from './purges.ts'
import type { StateStore, Version } from './state.ts'
import { readTransaction, type Transaction } from './transaction.ts'
import type { TransientStore } from './transient-store.ts'

export interface CustodyOptions {
  readonly definition: Definition
  readonly mspId: string
  readonly database: LedgerDatabase
  readonly state: StateStore
  readonly transient: TransientStore
  readonly store: PrivateStore
  /** The envelope at a place in the chain. */
  readonly envelope: (place: { readonly block: number; readonly index: number }) => Buffer
}

/** A peer's private data, from the transient store into the database. */
export interface Custody {
  /** Looks for the private data of a block. */
  gather(
    block: number,
    transactions: readonly Transaction[],
    codes: readonly number[],
    fetch: FetchPrivate,
  ): Gathered
  /**
   * Stores what was gathered of a block and brings it into the state, after the block's hashes, and takes what it purges out
   * of both: in the caller's transaction. Gives whether it purges anything.
   */
  apply(
    block: number,
    transactions: readonly Transaction[],
    codes: readonly number[],
    gathered: Gathered,
  ): boolean
  /** A write set that this peer holds, committed or not. */
  readonly find: FetchPrivate
  /** Looks again for what is missing; gives how much still is. */
  reconcile(fetch: FetchPrivate): Promise<number>
}

export function createCustody(options: CustodyOptions): Custody {
  const { definition, database, state, transient, store, envelope } = options
  const missing = openMissingData(database)
  const write = (version: Version, sets: PrivateSets): void =>
    state.write(privateWrites(definition.name, version, sets, state))

  /** Stores those of the wanted sets that can be found now. */
  const reconcileSome = (wanted: readonly WantedData[], fetch: FetchPrivate): void => {
    for (const item of wanted) {
      const { block, transaction, collection } = item
      const read = readTransaction(envelope({ block, index: transaction }))
      const writes = hashedWritesOf(read, definition.name, collection)
      const content = findUnpurged(item, writes, store, fetch)
      if (content === undefined) continue
      const sets = new Map([[collection, content]])
      missing.remove(item)
      store.add({ block, transaction }, sets)
      write({ block, transaction }, sets)
    }
  }
  return {
    gather: (block, transactions, codes, fetch) => gatherPrivate(block, transactions, codes, options, fetch),
    apply(block, transactions, codes, gathered) {
      missing.add(gathered.missing)
      for (const [transaction, sets] of gathered.found) store.add({ block, transaction }, sets)
      const purges = purgesOf(definition.name, block, transactions, codes)
      // Before the values go, so that a snapshot of the state still finds them; and before the values of the block come, as
      // a later transaction of it may have written the key anew.
      state.write(
        store.keysOf(purges).map(({ collection, key }) => ({
          space: privateSpace(definition.name, collection),
          key: toOrdered(key),
          entry: undefined,
        })),
      )
      store.purge(purges)
      for (const [transaction, sets] of store.read(block)) write({ block, transaction }, sets)
      return purges.length > 0
    },
    find: (wanted) =>
      transient.find(wanted.transactionId, wanted.collection, wanted.hash) ??
      store.find(wanted, wanted.collection),
    async reconcile(fetch) {
      for (let last: WantedData | undefined; ;) {
        const wanted = missing.after(last)
        last = wanted.at(-1)
        if (last === undefined) return missing.size()
        database.inTransaction(() => reconcileSome(wanted, fetch))
        await database.sync()
        // There may be very much of it, and others want their turn.
        await turn()
      }
    },
  }
}

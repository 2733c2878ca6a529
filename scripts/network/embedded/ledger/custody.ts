import { setImmediate as turn } from 'node:timers/promises'
import type { Definitions } from '../channel/definitions.ts'
import type { LedgerDatabase } from './database.ts'
import { privateSpace, toOrdered } from './keys.ts'
import {
  gatherPrivate,
  openMissingData,
  wantedOf,
  type FetchPrivate,
  type Gathered,
  type PrivatePlace,
} from './missing-data.ts'
import type { PrivateSets } from './private-data.ts'
import type { PrivateStore } from './private-store.ts'
import { privateWrites } from './private-writes.ts'
import { findUnpurged, hashedWritesOf, purgesOf } from './purges.ts'
import type { StateStore, Version } from './state.ts'
import { readTransaction, type Transaction } from './transaction.ts'
import type { TransientStore } from './transient-store.ts'

export interface CustodyOptions {
  /** Its name; its collections are what the chain says of it now. */
  readonly chaincode: string
  readonly definitionOf: Definitions
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
  /** Looks again for what is missing and the peer, as a member, should hold; gives how much still is. */
  reconcile(fetch: FetchPrivate): Promise<number>
}

export function createCustody(options: CustodyOptions): Custody {
  const { chaincode, definitionOf, mspId, database, state, transient, store, envelope } = options
  const missing = openMissingData(database)
  const write = (version: Version, sets: PrivateSets): void =>
    state.write(privateWrites(chaincode, version, sets, state))

  /** Stores what can be found now of the sets at these places. */
  const reconcileSome = (places: readonly PrivatePlace[], fetch: FetchPrivate): void => {
    for (const { collection, ...version } of places) {
      const read = readTransaction(envelope({ block: version.block, index: version.transaction }))
      const wanted = wantedOf(read, version, chaincode).find((item) => item.collection === collection)
      const writes = hashedWritesOf(read, chaincode, collection)
      const content = wanted && findUnpurged(wanted, writes, store, fetch)
      if (content === undefined) continue
      const sets = new Map([[collection, content]])
      missing.remove({ collection, ...version })
      store.add(version, sets)
      write(version, sets)
    }
  }
  const reconcileCollection = async (collection: string, fetch: FetchPrivate): Promise<number> => {
    for (let last: PrivatePlace | undefined; ;) {
      const places = missing.after(collection, last)
      last = places.at(-1)
      if (last === undefined) return missing.size(collection)
      database.inTransaction(() => reconcileSome(places, fetch))
      await database.sync()
      // There may be very much of it, and others want their turn.
      await turn()
    }
  }
  return {
    gather(block, transactions, codes, fetch) {
      const collections = definitionOf(chaincode)?.collections
      const isMember = (name: string): boolean => collections?.get(name)?.members.has(mspId) === true
      return gatherPrivate(block, transactions, codes, { chaincode, isMember, fetch })
    },
    apply(block, transactions, codes, gathered) {
      missing.add(gathered.missing)
      for (const [transaction, sets] of gathered.found) store.add({ block, transaction }, sets)
      const purges = purgesOf(chaincode, block, transactions, codes)
      // Before the values go, so that a snapshot of the state still finds them; and before the values of the block come, as
      // a later transaction of it may have written the key anew.
      state.write(
        store.keysOf(purges).map(({ collection, key }) => ({
          space: privateSpace(chaincode, collection),
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
      let left = 0
      for (const { name, members } of definitionOf(chaincode)?.collections.values() ?? [])
        if (members.has(mspId)) left += await reconcileCollection(name, fetch)
      return left
    },
  }
}

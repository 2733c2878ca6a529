import type { Definition } from '../../fabric/definition.ts'
import { privateSpace, toOrdered } from './keys.ts'
import { createMissingData, type FetchPrivate } from './missing-data.ts'
import type { PrivateSets } from './private-data.ts'
import type { PrivateStore } from './private-store.ts'
import { privateWrites } from './private-writes.ts'
import { findUnpurged, hashedWritesOf, purgesOf } from './purges.ts'
import type { StateStore } from './state.ts'
import { readTransaction, type Transaction } from './transaction.ts'
import type { TransientStore } from './transient-store.ts'
import { code } from './validation-code.ts'

export interface CustodyOptions {
  readonly definition: Definition
  readonly mspId: string
  readonly state: StateStore
  readonly transient: TransientStore
  readonly store: PrivateStore
  /** The envelope at a place in the chain. */
  readonly envelope: (place: { readonly block: number; readonly index: number }) => Buffer
}

/** A peer's private data, from the transient store through its own file into the state. */
export interface Custody {
  /** Stores what can be found of a block's private data; the rest is noted as missing. */
  gather(
    block: number,
    transactions: readonly Transaction[],
    codes: readonly number[],
    fetch: FetchPrivate,
  ): void
  /**
   * Brings what is stored of a block into the state, after the block's hashes, and takes what it purges out of both. Gives
   * whether it purges anything.
   */
  apply(block: number, transactions: readonly Transaction[], codes: readonly number[]): boolean
  /** A write set that this peer holds, committed or not. */
  readonly find: FetchPrivate
  /** Looks again for what is missing; gives how much still is. */
  reconcile(fetch: FetchPrivate): Promise<number>
}

export function createCustody({
  definition,
  mspId,
  state,
  transient,
  store,
  envelope,
}: CustodyOptions): Custody {
  const missing = createMissingData(definition, mspId)
  const write = (block: number, transaction: number, sets: PrivateSets): void =>
    state.write(privateWrites(definition.name, { block, transaction }, sets, state))
  return {
    gather(block, transactions, codes, fetch) {
      const found = missing.gather(block, transactions, codes, store.read(block), fetch)
      for (const [transaction, sets] of found) store.add(block, transaction, sets)
    },
    apply(block, transactions, codes) {
      const purges = purgesOf(definition.name, block, transactions, codes)
      // First, since a later transaction of the block may have written the key anew.
      state.write(
        store.purge(purges).map(({ collection, key }) => ({
          space: privateSpace(definition.name, collection),
          key: toOrdered(key),
          entry: undefined,
        })),
      )
      for (const [transaction, sets] of store.read(block))
        if (codes[transaction] === code.VALID) write(block, transaction, sets)
      return purges.length > 0
    },
    find: (wanted) =>
      transient.find(wanted.transactionId, wanted.collection, wanted.hash) ??
      store.read(wanted.block).get(wanted.transaction)?.get(wanted.collection),
    async reconcile(fetch) {
      const find: FetchPrivate = (wanted) => {
        const { block, transaction: index, collection } = wanted
        const transaction = readTransaction(envelope({ block, index }))
        return findUnpurged(wanted, hashedWritesOf(transaction, definition.name, collection), store, fetch)
      }
      for (const { block, transaction, collection, content } of missing.reconcile(find)) {
        const sets = new Map([[collection, content]])
        store.add(block, transaction, sets)
        write(block, transaction, sets)
      }
      await store.sync()
      return missing.size()
    },
  }
}

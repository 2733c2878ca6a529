import type { Definition } from '../../fabric/definition.ts'
import { createMissingData, type FetchPrivate } from './missing-data.ts'
import type { PrivateSets } from './private-data.ts'
import type { PrivateStore } from './private-store.ts'
import { privateWrites } from './private-writes.ts'
import type { StateStore } from './state.ts'
import type { Transaction } from './transaction.ts'
import type { TransientStore } from './transient-store.ts'
import { code } from './validation-code.ts'

export interface CustodyOptions {
  readonly definition: Definition
  readonly mspId: string
  readonly state: StateStore
  readonly transient: TransientStore
  readonly store: PrivateStore
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
  /** Brings what is stored of a block into the state, after the block's hashes. */
  apply(block: number, codes: readonly number[]): void
  /** A write set that this peer holds, committed or not. */
  readonly find: FetchPrivate
  /** Looks again for what is missing; gives how much still is. */
  reconcile(fetch: FetchPrivate): Promise<number>
}

export function createCustody({ definition, mspId, state, transient, store }: CustodyOptions): Custody {
  const missing = createMissingData(definition, mspId)
  const write = (block: number, transaction: number, sets: PrivateSets): void =>
    state.write(privateWrites(definition.name, { block, transaction }, sets, state))
  return {
    gather(block, transactions, codes, fetch) {
      const found = missing.gather(block, transactions, codes, store.read(block), fetch)
      for (const [transaction, sets] of found) store.add(block, transaction, sets)
    },
    apply(block, codes) {
      for (const [transaction, sets] of store.read(block))
        if (codes[transaction] === code.VALID) write(block, transaction, sets)
    },
    find: (wanted) =>
      transient.find(wanted.transactionId, wanted.collection, wanted.hash) ??
      store.read(wanted.block).get(wanted.transaction)?.get(wanted.collection),
    async reconcile(fetch) {
      for (const { block, transaction, collection, content } of missing.reconcile(fetch)) {
        const sets = new Map([[collection, content]])
        store.add(block, transaction, sets)
        write(block, transaction, sets)
      }
      await store.sync()
      return missing.size()
    },
  }
}

import { join } from 'node:path'
import type { Membership } from '../msp/membership.ts'
import { slot, validationCodesOf, withMetadata, type Block } from './block.ts'
import { openBlockFile, type BlockFile } from './block-file.ts'
import type { Definition } from './definition.ts'
import { createMissingData, type FetchPrivate } from './missing-data.ts'
import type { PrivateSets } from './private-data.ts'
import { openPrivateStore } from './private-store.ts'
import { privateWrites } from './private-writes.ts'
import { createMemoryState, type StateStore } from './state.ts'
import { createMemoryTransactionIndex, type TransactionIndex } from './transaction-index.ts'
import { readTransaction, type Transaction } from './transaction.ts'
import { openTransientStore, type TransientStore } from './transient-store.ts'
import { validateBlock, writesOf } from './validate.ts'
import { code, type ValidationCode } from './validation-code.ts'
import type { CheckedTransaction } from './verify-signatures.ts'

export interface LedgerOptions {
  /** The peer's own folder; it exists. */
  readonly directory: string
  readonly mspId: string
  readonly channel: string
  readonly membership: Membership
  /** The chaincode whose private data the peer holds. */
  readonly definition: Definition
  /** Every chaincode whose transactions are valid, that one included. */
  readonly definitions: ReadonlyMap<string, Definition>
  /** Asks other members for private data that this peer was not sent. */
  readonly fetch: FetchPrivate
}

/** One peer's copy of the channel: blocks, state, and the private data of collections of which it is a member. */
export interface Ledger {
  readonly blocks: Pick<BlockFile, 'height' | 'lastHash' | 'lastBlock' | 'read'>
  readonly state: StateStore
  readonly transactions: TransactionIndex
  readonly transient: TransientStore
  /** Validates the next block and writes it. Gives its codes when it is on the disk and in the state. */
  commit(block: Block, transactions: readonly CheckedTransaction[]): Promise<readonly ValidationCode[]>
  /** The private data of a block that this peer holds, by transaction. */
  privateData(block: number): ReadonlyMap<number, PrivateSets>
  /** A private write set that this peer holds, committed or not, for another member. */
  readonly find: FetchPrivate
  /** Asks again for what is missing; gives how much still is. */
  reconcile(): Promise<number>
  /** Calls back after each commit, until the returned function is called. */
  onCommit(listener: () => void): () => void
  close(): void
}

const idsOf = (transactions: readonly Transaction[]): string[] =>
  transactions.flatMap(({ header }) => (header === undefined ? [] : [header.transactionId]))

/** Opens a peer's ledger and rebuilds its state from its blocks. Errors: when a file is damaged or of another format. */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const { directory, channel, definition, definitions } = options
  const namespace = definition.name
  const state = createMemoryState()
  const transactions = createMemoryTransactionIndex()
  const privateStore = openPrivateStore(join(directory, 'private'), namespace)
  const transient = openTransientStore(directory, namespace)
  const missing = createMissingData(definition, options.mspId)
  const listeners = new Set<() => void>()

  const find: FetchPrivate = (wanted) =>
    transient.find(wanted.transactionId, wanted.collection, wanted.hash) ??
    privateStore.read(wanted.block).get(wanted.transaction)?.get(wanted.collection)

  /** Brings a block, whose private data lies in the store, into the state and the index. */
  const apply = (block: Block, read: readonly Transaction[], codes: readonly number[]): void => {
    state.write(writesOf(block.number, read, codes))
    for (const [transaction, sets] of privateStore.read(block.number)) {
      if (codes[transaction] !== code.VALID) continue
      state.write(privateWrites(namespace, { block: block.number, transaction }, sets, state))
    }
    for (const [index, { header }] of read.entries())
      if (header !== undefined && header.transactionId !== '')
        transactions.add(header.transactionId, { block: block.number, index, code: codes[index] ?? 0 })
  }

  /** Stores what can be found of the private data of a block; the rest is noted as missing. */
  const gather = (
    block: number,
    read: readonly Transaction[],
    codes: readonly number[],
    from: FetchPrivate,
  ): void => {
    const held = privateStore.read(block)
    for (const [transaction, sets] of missing.gather(block, read, codes, held, from))
      privateStore.add(block, transaction, sets)
  }

  const settled: string[] = []
  const blocks = openBlockFile(join(directory, 'blocks'), (block) => {
    const read = block.envelopes.map(readTransaction)
    const codes = validationCodesOf(block)
    gather(block.number, read, codes, find)
    apply(block, read, codes)
    settled.push(...idsOf(read))
  })
  // What came from the transient store must be safe in its new place before it leaves the old one.
  await privateStore.sync()
  transient.settle(settled, blocks.height)

  return {
    blocks,
    state,
    transactions,
    transient,
    find,
    async commit(block, checked) {
      const hasTransaction = (id: string): boolean => transactions.find(id) !== undefined
      const codes = validateBlock(checked, { channel, definitions, state, hasTransaction })
      gather(block.number, checked, codes, (wanted) => find(wanted) ?? options.fetch(wanted))
      blocks.append(withMetadata(block, slot.validationCodes, Buffer.from(codes)))
      await Promise.all([privateStore.sync(), blocks.sync()])
      apply(block, checked, codes)
      transient.settle(idsOf(checked), blocks.height)
      for (const listener of listeners) listener()
      return codes
    },
    privateData: (block) => privateStore.read(block),
    async reconcile() {
      for (const { block, transaction, collection, content } of missing.reconcile(options.fetch)) {
        const sets = new Map([[collection, content]])
        privateStore.add(block, transaction, sets)
        state.write(privateWrites(namespace, { block, transaction }, sets, state))
      }
      await privateStore.sync()
      return missing.size()
    },
    onCommit(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close() {
      blocks.close()
      privateStore.close()
      transient.close()
    },
  }
}

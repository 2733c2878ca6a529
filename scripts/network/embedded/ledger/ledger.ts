import { join } from 'node:path'
import { createConfigurations, type Configurations } from '../configuration/configurations.ts'
import { decodeBlock, slot, validationCodesOf, withMetadata, type Block } from '../../fabric/block.ts'
import { openBlockFile, type BlockFile } from './block-file.ts'
import type { Definition } from '../../fabric/definition.ts'
import { commitHashMetadata, commitHashOf, nextCommitHash } from './commit-hash.ts'
import { createCustody } from './custody.ts'
import { createHistory, type History } from './history.ts'
import type { FetchPrivate } from './missing-data.ts'
import type { PrivateSets } from './private-data.ts'
import { openPrivateStore } from './private-store.ts'
import { createMemoryState, type StateStore } from './state.ts'
import { createMemoryTransactionIndex, type TransactionIndex } from './transaction-index.ts'
import { readTransaction, type Transaction } from './transaction.ts'
import { openTransientStore, type TransientStore } from './transient-store.ts'
import { validateBlock, writesOf } from './validate.ts'
import type { ValidationCode } from './validation-code.ts'
import type { CheckedTransaction } from './verify-signatures.ts'

export interface LedgerOptions {
  /** The peer's own folder; it exists. */
  readonly directory: string
  readonly mspId: string
  readonly channel: string
  /** The chaincode whose private data the peer holds. */
  readonly definition: Definition
  /** Every chaincode whose transactions are valid, that one included. */
  readonly definitions: ReadonlyMap<string, Definition>
  /** Asks other members for private data that this peer was not sent. */
  readonly fetch: FetchPrivate
}

/** One peer's copy of the channel: blocks, state, and the private data of collections of which it is a member. */
export interface Ledger {
  /** What has been committed: a block that is still being written does not count. */
  readonly blocks: Pick<BlockFile, 'height' | 'lastHash' | 'lastBlock' | 'read'>
  /** As the committed blocks have brought them. */
  readonly configurations: Configurations
  readonly state: StateStore
  readonly transactions: TransactionIndex
  readonly history: History
  readonly transient: TransientStore
  /** Validates the next block and writes it. Gives its codes when it is on the disk and in the state. */
  commit(block: Block, transactions: readonly CheckedTransaction[]): Promise<readonly ValidationCode[]>
  /** The private data of a block that this peer holds, by transaction. */
  readonly privateData: (block: number) => ReadonlyMap<number, PrivateSets>
  /** A private write set that this peer holds, committed or not, for another member. */
  readonly find: FetchPrivate
  /** Asks again for what is missing; gives how much still is. */
  reconcile(): Promise<number>
  /** Calls back after each commit, until the returned function is called. */
  readonly onCommit: (listener: () => void) => () => void
  close(): void
}

function addTransactions(
  index: TransactionIndex,
  block: number,
  transactions: readonly Transaction[],
  codes: readonly number[],
): void {
  for (const [place, { header }] of transactions.entries())
    if (header !== undefined && header.transactionId !== '')
      index.add(header.transactionId, { block, index: place, code: codes[place] ?? 0 })
}

const idsOf = (transactions: readonly Transaction[]): string[] =>
  transactions.flatMap(({ header }) => (header === undefined ? [] : [header.transactionId]))

type Tip = Pick<BlockFile, 'height' | 'lastHash' | 'lastBlock'>

const tipOf = ({ height, lastHash, lastBlock }: BlockFile): Tip => ({ height, lastHash, lastBlock })

/** The blocks up to the tip, which is behind the file while a block is being written. */
const upTo = (tip: () => Tip, { read }: Pick<BlockFile, 'read'>): Ledger['blocks'] => ({
  get height() {
    return tip().height
  },
  get lastHash() {
    return tip().lastHash
  },
  get lastBlock() {
    return tip().lastBlock
  },
  read,
})

interface Place {
  readonly block: number
  readonly index: number
}

function envelopeAt(blocks: Pick<BlockFile, 'read'>, { block, index }: Place): Buffer {
  const envelope = decodeBlock(blocks.read(block)).envelopes[index]
  if (envelope === undefined) throw new RangeError(`block ${block} has no transaction ${index}`)
  return envelope
}

/** A peer's copy of a block: with its codes and the hash over all that is committed, which begins after the genesis block. */
function withVerdict(
  block: Block,
  transactions: readonly Transaction[],
  codes: readonly number[],
  before: Block | undefined,
): Block {
  const judged = withMetadata(block, slot.validationCodes, Buffer.from(codes))
  const previous = before === undefined ? Buffer.alloc(0) : commitHashOf(before)
  if (block.number !== 1 && previous.length === 0) return judged
  const hash = nextCommitHash(previous, block.number, transactions, codes)
  return withMetadata(judged, slot.commitHash, commitHashMetadata(hash))
}

/** Opens a peer's ledger and rebuilds its state from its blocks. Errors: when a file is damaged or of another format. */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const { directory, mspId, definition } = options
  const state = createMemoryState()
  const transactions = createMemoryTransactionIndex()
  const store = openPrivateStore(join(directory, 'private'), definition.name)
  const transient = openTransientStore(directory, definition.name)
  const envelope = (place: Place): Buffer => envelopeAt(blocks, place)
  const custody = createCustody({ definition, mspId, state, transient, store, envelope })
  const context = {
    channel: options.channel,
    definitions: options.definitions,
    state,
    hasTransaction: (id: string): boolean => transactions.find(id) !== undefined,
    configuration: () => configurations.current(),
  }
  const listeners = new Set<() => void>()
  const history = createHistory(envelope)

  /** Brings a block, whose private data has been gathered, into the state and the index; gives whether it purges any. */
  const apply = (block: Block, read: readonly Transaction[], codes: readonly number[]): boolean => {
    state.write(writesOf(block.number, read, codes))
    history.add(block.number, read, codes)
    addTransactions(transactions, block.number, read, codes)
    return custody.apply(block.number, read, codes)
  }
  const settled: string[] = []
  const blocks = openBlockFile(join(directory, 'blocks'), (block) => {
    const read = block.envelopes.map(readTransaction)
    const codes = validationCodesOf(block)
    custody.gather(block.number, read, codes, custody.find)
    apply(block, read, codes)
    settled.push(...idsOf(read))
  })
  // What came from the transient store must be safe in its new place before it leaves the old one.
  await store.sync()
  transient.settle(settled, blocks.height)
  transient.compact() // A crash may have come between a purge and this.
  let tip = tipOf(blocks)
  const committed = upTo(() => tip, blocks)
  const configurations = createConfigurations(committed)
  return {
    blocks: committed,
    configurations,
    state,
    transactions,
    history,
    transient,
    find: custody.find,
    async commit(block, checked) {
      const codes = validateBlock(checked, { ...context, block: block.number })
      custody.gather(block.number, checked, codes, (wanted) => custody.find(wanted) ?? options.fetch(wanted))
      blocks.append(withVerdict(block, checked, codes, blocks.lastBlock))
      await Promise.all([store.sync(), blocks.sync()])
      const hasPurged = apply(block, checked, codes)
      tip = tipOf(blocks)
      transient.settle(idsOf(checked), blocks.height)
      // What the files hold of committed transactions is values that may have been purged just now.
      if (hasPurged) transient.compact()
      for (const listener of listeners) listener()
      return codes
    },
    privateData: (block) => store.read(block),
    reconcile: () => custody.reconcile(options.fetch),
    onCommit(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close() {
      blocks.close()
      store.close()
      transient.close()
    },
  }
}

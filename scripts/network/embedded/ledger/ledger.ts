import { join } from 'node:path'
import type { Definitions } from '../channel/definitions.ts'
import { createConfigurations, type Configurations } from '../configuration/configurations.ts'
import { decodeBlock, slot, validationCodesOf, withMetadata, type Block } from '../../fabric/block.ts'
import { openBlockFile, type BlockFile } from './block-file.ts'
import { lifecycleName } from '../../fabric/definition.ts'
import { openDatabase, type LedgerDatabase } from './database.ts'
import { commitHashMetadata, commitHashOf, nextCommitHash } from './commit-hash.ts'
import { createCustody, type Custody, type CustodyOptions } from './custody.ts'
import { openHistory, type History } from './history.ts'
import type { FetchPrivate, Gathered } from './missing-data.ts'
import type { PrivateSets } from './private-data.ts'
import { openPrivateStore, type PrivateStore } from './private-store.ts'
import { publicSpace } from './keys.ts'
import { openSpaces } from './spaces.ts'
import { openStateStore } from './state-store.ts'
import type { StateStore, StateView } from './state.ts'
import { openTransactionIndex, type TransactionIndex } from './transaction-index.ts'
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
  readonly chaincode: string
  /** Reads from the state how chaincodes are defined. */
  readonly readDefinitions: (state: Pick<StateView, 'get'>) => Definitions
  /** Asks other members for private data that this peer was not sent. */
  readonly fetch: FetchPrivate
}

/** One peer's copy of the channel: blocks, state, and the private data of collections of which it is a member. */
export interface Ledger {
  readonly blocks: Pick<BlockFile, 'height' | 'lastHash' | 'lastBlock' | 'read'>
  /** As the committed blocks have brought them. */
  readonly configurations: Configurations
  /** The same: by these the next block is judged. */
  readonly definitionOf: Definitions
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

function envelopeAt(blocks: Pick<BlockFile, 'read'>, block: number, index: number): Buffer {
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

/** Opens a peer's ledger. Errors: when a file is damaged or of another format, or they do not belong together. */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const transient = openTransientStore(options.directory, options.chaincode)
  let database: LedgerDatabase | undefined
  try {
    database = openDatabase(join(options.directory, 'ledger.sqlite'))
    return await openParts(options, database, transient)
  } catch (error) {
    transient.close()
    database?.close()
    throw error
  }
}

/** What the committed blocks have left, all of it in one database. */
interface Stores extends Pick<Ledger, 'definitionOf' | 'state' | 'transactions' | 'history'> {
  readonly store: PrivateStore
  readonly custody: Custody
  /** Brings a block and its private data in, in the caller's transaction. */
  readonly apply: (
    block: number,
    read: readonly Transaction[],
    codes: readonly number[],
    gathered: Gathered,
  ) => Applied
}

interface Applied {
  /** Whether the block purges private data. */
  readonly hasPurged: boolean
  /** Whether it changes how a chaincode is defined. */
  readonly hasRedefined: boolean
}

function openStores(
  { mspId, chaincode, readDefinitions }: LedgerOptions,
  database: LedgerDatabase,
  transient: TransientStore,
  envelope: CustodyOptions['envelope'],
): Stores {
  const spaces = openSpaces(database)
  const store = openPrivateStore(database, spaces, chaincode)
  const state = openStateStore(database, spaces, store.value)
  const transactions = openTransactionIndex(database)
  const history = openHistory(database, spaces, envelope)
  let definitions = readDefinitions(state)
  const definitionOf: Definitions = (name) => definitions(name)
  const base = { chaincode, definitionOf, mspId, database, state, transient, store, envelope }
  const custody = createCustody(base)
  return {
    definitionOf,
    store,
    state,
    transactions,
    history,
    custody,
    apply(block, read, codes, gathered) {
      const writes = writesOf(block, read, codes)
      state.write(writes)
      const hasPurged = custody.apply(block, read, codes, gathered)
      history.add(block, read, codes)
      addTransactions(transactions, block, read, codes)
      const hasRedefined = writes.some(({ space }) => space === publicSpace(lifecycleName))
      if (hasRedefined) definitions = readDefinitions(state)
      return { hasPurged, hasRedefined }
    },
  }
}

async function openParts(
  options: LedgerOptions,
  database: LedgerDatabase,
  transient: TransientStore,
): Promise<Ledger> {
  const { directory } = options
  const stores = openStores(options, database, transient, ({ block, index }) =>
    envelopeAt(blocks, block, index),
  )
  const { definitionOf, state, transactions, history, store, custody, apply } = stores
  const hasTransaction = (id: string): boolean => transactions.find(id) !== undefined
  const context = {
    channel: options.channel,
    definitionOf,
    state,
    hasTransaction,
    configuration: () => configurations.current(),
  }
  const listeners = new Set<() => void>()
  const blocks = openBlockFile(join(directory, 'blocks'), database, (block) => {
    const read = block.envelopes.map(readTransaction)
    const codes = validationCodesOf(block)
    apply(block.number, read, codes, custody.gather(block.number, read, codes, custody.find))
  })
  // What came from the transient store must be safe in its new place before it leaves the old one.
  await database.sync()
  transient.settle([...transient.transactionIds()].filter(hasTransaction), blocks.height)
  // A crash may have come between a purge and this.
  transient.compact()
  database.settle()
  const configurations = createConfigurations(blocks)

  return {
    blocks,
    configurations,
    definitionOf,
    state,
    transactions,
    history,
    transient,
    find: custody.find,
    async commit(block, checked) {
      const codes = validateBlock(checked, { ...context, block: block.number })
      const fetch: FetchPrivate = (wanted) => custody.find(wanted) ?? options.fetch(wanted)
      const gathered = custody.gather(block.number, checked, codes, fetch)
      let applied: Applied | undefined
      await blocks.append(withVerdict(block, checked, codes, blocks.lastBlock), () => {
        applied = apply(block.number, checked, codes, gathered)
      })
      // The block is on the disk, and what the database has of it can be made again until that is as well.
      for (const listener of listeners) listener()
      await database.sync()
      transient.settle(idsOf(checked), blocks.height)
      if (applied?.hasPurged === true) {
        // What the files hold of committed transactions is values that may have been purged just now.
        transient.compact()
        database.settle()
      }
      // The peer may have become a member of a collection, and then the past of it is missing.
      if (applied?.hasRedefined === true) await custody.reconcile(options.fetch)
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
      transient.close()
      database.close()
    },
  }
}

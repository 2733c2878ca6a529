import type { Definition } from '../../fabric/definition.ts'
import type { History, Modification } from './history.ts'
import { fromOrdered, hashedSpace, privateSpace, publicSpace, toOrdered } from './keys.ts'
import { keyHashOf } from './read-write-set.ts'
import { createReadWriteSet, type SimulationResults } from './read-write-set-builder.ts'
import { sameVersion, type StateView, type Version, type Versioned } from './state.ts'

export interface KeyValue {
  readonly key: string
  readonly value: Buffer
}

/** The rows of a range, one at a time; what is asked for counts as read. */
export interface Rows {
  next(): KeyValue | undefined
  /** The key with which the next page begins; empty when there is none. It does not count as read. */
  bookmark(): string
}

/**
 * What a chaincode may do while it simulates a transaction. An empty `collection` is the public state. Reads see the
 * committed state only, never the transaction's own writes. Errors carry Fabric's texts, which chaincode and clients
 * get to see.
 */
export interface Simulation {
  /** The chaincode's own. */
  readonly namespace: string
  get(collection: string, key: string): Buffer
  getPrivateHash(collection: string, key: string): Buffer
  /** An empty value deletes. */
  put(collection: string, key: string, value: Buffer): void
  delete(collection: string, key: string): void
  /** Deletes a private value with all that the key has held, on every peer; an absent key too. */
  purge(collection: string, key: string): void
  /** Public values between two keys; an empty end is the last key. */
  range(start: string, end: string): Rows
  /** The same, for a page: only where nothing is written. */
  page(start: string, end: string): Rows
  /** The values of a collection between two keys: only where nothing is written. */
  privateRange(collection: string, start: string, end: string): Rows
  /** What a public key has held in the committed blocks, the newest first; it does not count as read. */
  history(key: string): Iterable<Modification>
  results(): SimulationResults
}

const nothing = Buffer.alloc(0)

const versionText = (version: Version | undefined): string =>
  version === undefined ? '<nil>' : `{BlockNum: ${version.block}, TxNum: ${version.transaction}}`

/** Fabric's lockbased_txmgr: a peer that lacks the value, or has an older one, must not answer as if it knew. */
function checkCurrent(hash: Versioned | undefined, value: Versioned | undefined): void {
  if (sameVersion(hash?.version, value?.version)) return
  throw new Error(
    'private data matching public hash version is not available. ' +
      `Public hash version = ${versionText(hash?.version)}, Private data version = ${versionText(value?.version)}`,
  )
}

/** Fabric's rules on queries that validation cannot check, and must therefore not lead to writes (tx_simulator.go). */
function createRules(transactionId: string) {
  let hasWritten = false
  let hasQueriedPrivate = false
  let hasPaged = false
  const refuse = (why: string): never => {
    throw new Error(`txid [${transactionId}]: unsuppored transaction. ${why}`)
  }
  return {
    write() {
      if (hasQueriedPrivate)
        refuse('Transaction has already performed queries on pvt data. Writes are not allowed')
      if (hasPaged) refuse('Transaction has already performed a paginated query. Writes are not allowed')
      hasWritten = true
    },
    queryPrivate() {
      if (hasWritten) refuse('Queries on pvt data is supported only in a read-only transaction')
      hasQueriedPrivate = true
    },
    page() {
      if (hasWritten) refuse('Paginated queries are supported only in a read-only transaction')
      hasPaged = true
    },
  }
}

/** Rows as a simulation gives them out. `seen` and `ended` hear of what was asked for. */
function toRows(
  entries: Iterable<readonly [string, Versioned]>,
  seen: (key: string, entry: Versioned) => void = () => {},
  ended: () => void = () => {},
): Rows {
  const iterator = entries[Symbol.iterator]()
  return {
    next() {
      const { done, value } = iterator.next()
      if (done === true) {
        ended()
        return undefined
      }
      const [key, entry] = value
      seen(key, entry)
      return { key: fromOrdered(key), value: entry.value }
    },
    bookmark() {
      const { done, value } = iterator.next()
      return done === true ? '' : fromOrdered(value[0])
    },
  }
}

function checkCollection(collection: string, { name, collections }: Definition<unknown>): void {
  if (!collections.has(collection))
    throw new Error(`collection [${collection}] not defined in the collection config for chaincode [${name}]`)
}

/** @param state a view that does not change while the simulation runs */
export function createSimulation(
  state: StateView,
  definition: Definition<unknown>,
  transactionId: string,
  history: Pick<History, 'of'>,
): Simulation {
  const namespace = definition.name
  const set = createReadWriteSet(namespace)
  const rules = createRules(transactionId)

  const hashOf = (collection: string, key: string): Versioned | undefined =>
    state.get(hashedSpace(namespace, collection), keyHashOf(key))
  const write = (collection: string, key: string, value: Buffer | undefined, isPurge = false): void => {
    if (collection !== '') checkCollection(collection, definition)
    if (key === '') throw new Error('invalid key. Empty string is not supported as a key')
    rules.write()
    set.write(collection, key, value, isPurge)
  }
  const range = (start: string, end: string): Rows => {
    const record = set.range(toOrdered(start), toOrdered(end))
    const entries = state.range(publicSpace(namespace), toOrdered(start), toOrdered(end))
    return toRows(
      entries,
      (key, { version }) => record.see({ key, version }),
      () => record.exhaust(),
    )
  }

  return {
    namespace,
    get(collection, key) {
      if (collection === '') {
        const entry = state.get(publicSpace(namespace), toOrdered(key))
        set.read('', key, entry?.version)
        return entry?.value ?? nothing
      }
      checkCollection(collection, definition)
      const hash = hashOf(collection, key)
      const entry = state.get(privateSpace(namespace, collection), toOrdered(key))
      checkCurrent(hash, entry)
      set.read(collection, key, hash?.version)
      return entry?.value ?? nothing
    },
    getPrivateHash(collection, key) {
      checkCollection(collection, definition)
      const hash = hashOf(collection, key)
      set.read(collection, key, hash?.version)
      return hash?.value ?? nothing
    },
    put: (collection, key, value) => write(collection, key, value.length === 0 ? undefined : value),
    delete: (collection, key) => write(collection, key, undefined),
    purge: (collection, key) => write(collection, key, undefined, true),
    range,
    page(start, end) {
      rules.page()
      return range(start, end)
    },
    privateRange(collection, start, end) {
      rules.queryPrivate()
      checkCollection(collection, definition)
      return toRows(state.range(privateSpace(namespace, collection), toOrdered(start), toOrdered(end)))
    },
    history: (key) => history.of(namespace, toOrdered(key)),
    results: () => set.results(),
  }
}

import { sha256 } from '../crypto/digest.ts'
import type { Definition } from './definition.ts'
import { fromOrdered, hashedSpace, privateSpace, publicSpace, toOrdered } from './keys.ts'
import { createReadWriteSet, type SimulationResults } from './read-write-set-builder.ts'
import { sameVersion, type StateView, type Version, type Versioned } from './state.ts'

export interface KeyValue {
  readonly key: string
  readonly value: Buffer
}

/**
 * What a chaincode may do while it simulates a transaction. An empty `collection` is the public state. Reads see the
 * committed state only, never the transaction's own writes. Errors carry Fabric's texts, which chaincode and clients
 * get to see.
 */
export interface Simulation {
  get(collection: string, key: string): Buffer
  getPrivateHash(collection: string, key: string): Buffer
  /** An empty value deletes. */
  put(collection: string, key: string, value: Buffer): void
  delete(collection: string, key: string): void
  /** The values of a collection between two keys; an empty end is the last key. Only where nothing is written. */
  range(collection: string, start: string, end: string): Iterable<KeyValue>
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

function* toKeyValues(entries: Iterable<readonly [string, Versioned]>): Generator<KeyValue> {
  for (const [key, { value }] of entries) yield { key: fromOrdered(key), value }
}

/** @param state a view that does not change while the simulation runs */
export function createSimulation(
  state: StateView,
  definition: Definition,
  transactionId: string,
): Simulation {
  const namespace = definition.name
  const set = createReadWriteSet(namespace)
  let hasWritten = false
  let hasQueriedPrivate = false

  const checkCollection = (name: string): void => {
    if (!definition.collections.has(name))
      throw new Error(
        `collection config not defined for chaincode [${namespace}], pass the collection configuration upon chaincode definition/instantiation`,
      )
  }
  const hashOf = (collection: string, key: string): Versioned | undefined =>
    state.get(hashedSpace(namespace, collection), sha256(Buffer.from(key)).toString('latin1'))
  const write = (collection: string, key: string, value: Buffer | undefined): void => {
    if (collection !== '') checkCollection(collection)
    if (key === '') throw new Error('invalid key. Empty string is not supported as a key')
    if (hasQueriedPrivate)
      throw new Error(
        `txid [${transactionId}]: unsuppored transaction. Transaction has already performed queries on pvt data. Writes are not allowed`,
      )
    hasWritten = true
    set.write(collection, key, value)
  }

  return {
    get(collection, key) {
      if (collection === '') {
        const entry = state.get(publicSpace(namespace), toOrdered(key))
        set.read('', key, entry?.version)
        return entry?.value ?? nothing
      }
      checkCollection(collection)
      const hash = hashOf(collection, key)
      const entry = state.get(privateSpace(namespace, collection), toOrdered(key))
      checkCurrent(hash, entry)
      set.read(collection, key, hash?.version)
      return entry?.value ?? nothing
    },
    getPrivateHash(collection, key) {
      checkCollection(collection)
      const hash = hashOf(collection, key)
      set.read(collection, key, hash?.version)
      return hash?.value ?? nothing
    },
    put: (collection, key, value) => write(collection, key, value.length === 0 ? undefined : value),
    delete: (collection, key) => write(collection, key, undefined),
    range(collection, start, end) {
      if (collection === '')
        throw new Error('GET_STATE_BY_RANGE on public state is not supported by the embedded network')
      checkCollection(collection)
      if (hasWritten)
        throw new Error(
          `txid [${transactionId}]: unsuppored transaction. Queries on pvt data is supported only in a read-only transaction`,
        )
      hasQueriedPrivate = true
      const entries = state.range(privateSpace(namespace, collection), toOrdered(start), toOrdered(end))
      return toKeyValues(entries)
    },
    results: () => set.results(),
  }
}

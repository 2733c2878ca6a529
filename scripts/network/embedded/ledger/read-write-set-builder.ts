import { sha256 } from '../../fabric/digest.ts'
import { build, encoded, kvrwset, type ledger, rwset } from '../../fabric/message.ts'
import { compareOrdered, toOrdered } from './keys.ts'
import type { PrivateSets } from './private-data.ts'
import {
  createRangeRecord,
  toRangeMessage,
  toVersion,
  type RangeQuery,
  type RangeRecord,
} from './range-query.ts'
import type { Version } from './state.ts'

export interface SimulationResults {
  /** `rwset.TxReadWriteSet`: what becomes public. */
  readonly publicSet: Buffer
  /** What only members of the collections get. */
  readonly privateSets: PrivateSets
}

/** Collects what a simulation read and wrote. An empty collection is the public state. */
export interface ReadWriteSet {
  /** Repeated reads count once; a snapshot gives them all the same version. */
  read(collection: string, key: string, version: Version | undefined): void
  /** The last write of a key stays; undefined deletes, or purges a private key. */
  write(collection: string, key: string, value: Buffer | undefined, isPurge: boolean): void
  /** Follows a range of public keys, in the form of keys.ts, that is about to be read. */
  range(start: string, end: string): RangeRecord
  results(): SimulationResults
}

interface LastWrite {
  readonly value: Buffer | undefined
  readonly isPurge: boolean
}

interface Part {
  readonly reads: Map<string, Version | undefined>
  readonly writes: Map<string, LastWrite>
}

/** By key in the order of its bytes, as Fabric's rwsetutil writes them: every endorser must come to the same bytes. */
const sorted = <V>(entries: ReadonlyMap<string, V>): Array<[string, V]> =>
  [...entries].sort(([a], [b]) => compareOrdered(toOrdered(a), toOrdered(b)))

const hashKey = (key: string): Buffer => sha256(Buffer.from(key))

const toWrites = (writes: Part['writes']): ledger.rwset.kvrwset.KVWrite[] =>
  sorted(writes).map(([key, { value }]) =>
    build(kvrwset.KVWrite, { key, isDelete: value === undefined, value }),
  )

/** Ranges in the order in which they were opened; the same one is told once (rwset_builder.go). */
function distinct(ranges: readonly RangeRecord[]): RangeQuery[] {
  const found = new Map<string, RangeQuery>()
  for (const range of ranges) {
    const query = range.query()
    const name = JSON.stringify([query.start, query.end, query.isExhausted])
    if (!found.has(name)) found.set(name, query)
  }
  return [...found.values()]
}

const toPublicSet = ({ reads, writes }: Part, ranges: readonly RangeRecord[]): Buffer =>
  encoded(kvrwset.KVRWSet, {
    readsList: sorted(reads).map(([key, version]) =>
      build(kvrwset.KVRead, { key, version: toVersion(version) }),
    ),
    rangeQueriesInfoList: distinct(ranges).map(toRangeMessage),
    writesList: toWrites(writes),
  })

const toHashedSet = ({ reads, writes }: Part): Buffer =>
  encoded(kvrwset.HashedRWSet, {
    hashedReadsList: sorted(reads).map(([key, version]) =>
      build(kvrwset.KVReadHash, { keyHash: hashKey(key), version: toVersion(version) }),
    ),
    hashedWritesList: sorted(writes).map(([key, { value, isPurge }]) =>
      build(kvrwset.KVWriteHash, {
        keyHash: hashKey(key),
        isDelete: value === undefined,
        valueHash: value === undefined ? undefined : sha256(value),
        isPurge,
      }),
    ),
  })

const toPrivateSet = ({ writes }: Part): Buffer => encoded(kvrwset.KVRWSet, { writesList: toWrites(writes) })

export function createReadWriteSet(namespace: string): ReadWriteSet {
  const parts = new Map<string, Part>()
  const ranges: RangeRecord[] = []
  const partOf = (collection: string): Part => {
    const found = parts.get(collection) ?? { reads: new Map(), writes: new Map() }
    parts.set(collection, found)
    return found
  }
  return {
    read: (collection, key, version) => void partOf(collection).reads.set(key, version),
    write: (collection, key, value, isPurge) => void partOf(collection).writes.set(key, { value, isPurge }),
    range(start, end) {
      partOf('')
      const record = createRangeRecord(start, end)
      ranges.push(record)
      return record
    },
    results() {
      const collections = sorted(parts).filter(([collection]) => collection !== '')
      const privateSets = new Map(
        collections
          .filter(([, { writes }]) => writes.size > 0)
          .map(([collection, part]) => [collection, toPrivateSet(part)]),
      )
      const collectionHashedRwsetList = collections.map(([collectionName, part]) => {
        const content = privateSets.get(collectionName)
        return build(rwset.CollectionHashedReadWriteSet, {
          collectionName,
          hashedRwset: toHashedSet(part),
          pvtRwsetHash: content === undefined ? undefined : sha256(content),
        })
      })
      const own = build(rwset.NsReadWriteSet, {
        namespace,
        rwset: toPublicSet(parts.get('') ?? { reads: new Map(), writes: new Map() }, ranges),
        collectionHashedRwsetList,
      })
      const publicSet = encoded(rwset.TxReadWriteSet, {
        dataModel: rwset.TxReadWriteSet.DataModel.KV,
        nsRwsetList: parts.size === 0 ? [] : [own],
      })
      return { publicSet, privateSets }
    },
  }
}

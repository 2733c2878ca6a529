import { sha256 } from '../../fabric/digest.ts'
import { bytes, decode, encode, kvrwset, type ledger, rwset } from '../../fabric/message.ts'
import { toOrdered } from './keys.ts'
import { leastDegree, type MerkleSummary, type RangeQuery, type SeenRow } from './range-query.ts'
import type { Version } from './state.ts'

/** A key and the version that a simulation saw; undefined when the key was absent. */
export interface Read {
  readonly key: string
  readonly version: Version | undefined
}

/** A key and its new value; undefined deletes it, as an empty value does in Fabric. */
export interface Write {
  readonly key: string
  readonly value: Buffer | undefined
  /** What stands beside a deletion: no simulation writes it, and yet Fabric's history tells it. */
  readonly beside?: Buffer
}

/** A collection's part of a transaction, as everybody sees it: hashes of keys, and of values. */
export interface CollectionSet {
  readonly collection: string
  readonly reads: readonly Read[]
  readonly writes: readonly Write[]
  /** Hashes of the keys of which nothing may be left that was written before; each is among the writes as well. */
  readonly purges: readonly string[]
  /** SHA-256 of the private write set; empty when the transaction only read here. */
  readonly privateHash: Buffer
}

export interface NamespaceSet {
  readonly namespace: string
  readonly reads: readonly Read[]
  readonly writes: readonly Write[]
  /** Ranges of public keys that were read, in the order in which they were opened. */
  readonly ranges: readonly RangeQuery[]
  readonly collections: readonly CollectionSet[]
  /** What stands in it that this network neither makes nor validates, by its name in `kvrwset`. */
  readonly unsupported: readonly string[]
}

const versionOf = (version: ledger.rwset.kvrwset.Version | undefined): Version | undefined =>
  version === undefined ? undefined : { block: version.getBlockNum(), transaction: version.getTxNum() }

const valueOf = (isDelete: boolean, value: Uint8Array): Buffer | undefined =>
  isDelete || value.length === 0 ? undefined : bytes(value)

const hashOfNothing = sha256()

/** A hash of no bytes stands for a value without any, which is a deletion, purge or not (rwsetutil.IsKVWriteHashDelete). */
const valueHashOf = (isDelete: boolean, hash: Uint8Array): Buffer | undefined =>
  hashOfNothing.equals(hash) ? undefined : valueOf(isDelete, hash)

const hashKey = (hash: Uint8Array): string => bytes(hash).toString('latin1')

function readCollection(message: ledger.rwset.CollectionHashedReadWriteSet): CollectionSet & {
  readonly unsupported: readonly string[]
} {
  const set = decode(kvrwset.HashedRWSet, message.getHashedRwset_asU8())
  const writes = set.getHashedWritesList().map((write) => ({
    key: hashKey(write.getKeyHash_asU8()),
    value: valueHashOf(write.getIsDelete(), write.getValueHash_asU8()),
  }))
  return {
    collection: message.getCollectionName(),
    reads: set.getHashedReadsList().map((read) => ({
      key: hashKey(read.getKeyHash_asU8()),
      version: versionOf(read.getVersion()),
    })),
    writes,
    purges: set
      .getHashedWritesList()
      .filter((write) => write.getIsPurge())
      .map((write) => hashKey(write.getKeyHash_asU8())),
    privateHash: bytes(message.getPvtRwsetHash_asU8()),
    unsupported: [
      ...(hasRepeated(writes) ? ['KVWriteHash of one key twice'] : []),
      ...(set.getMetadataWritesList().length > 0 ? ['KVMetadataWriteHash'] : []),
    ],
  }
}

const toRow = (read: ledger.rwset.kvrwset.KVRead): SeenRow => ({
  key: toOrdered(read.getKey()),
  version: versionOf(read.getVersion()),
})

const toSummary = (message: ledger.rwset.kvrwset.QueryReadsMerkleSummary): MerkleSummary => ({
  maxDegree: message.getMaxDegree(),
  maxLevel: message.getMaxLevel(),
  hashes: message.getMaxLevelHashesList_asU8().map(bytes),
})

function readRange(message: ledger.rwset.kvrwset.RangeQueryInfo): RangeQuery {
  const summary = message.getReadsMerkleHashes()
  return {
    start: toOrdered(message.getStartKey()),
    end: toOrdered(message.getEndKey()),
    isExhausted: message.getItrExhausted(),
    seen:
      summary === undefined ? (message.getRawReads()?.getKvReadsList() ?? []).map(toRow) : toSummary(summary),
  }
}

/** Fabric's peers add up the kinds of both writes (validation/tx_ops.go) and may end; no simulation writes such a set. */
const hasRepeated = (writes: readonly Write[]): boolean =>
  new Set(writes.map(({ key }) => key)).size < writes.length

/** Ranges that no simulation makes, and on which Fabric's own validator fails instead of giving a code. */
const isSoundRange = ({ seen }: RangeQuery): boolean =>
  'maxDegree' in seen ? seen.maxDegree >= leastDegree : seen.every(({ version }) => version !== undefined)

function readNamespace(message: ledger.rwset.NsReadWriteSet): NamespaceSet {
  const set = decode(kvrwset.KVRWSet, message.getRwset_asU8())
  const collections = message.getCollectionHashedRwsetList().map(readCollection)
  const ranges = set.getRangeQueriesInfoList().map(readRange)
  const writes = set.getWritesList().map((write) => ({
    key: toOrdered(write.getKey()),
    value: valueOf(write.getIsDelete(), write.getValue_asU8()),
    ...(write.getIsDelete() && write.getValue_asU8().length > 0 && { beside: bytes(write.getValue_asU8()) }),
  }))
  return {
    namespace: message.getNamespace(),
    reads: set.getReadsList().map(toRow),
    writes,
    ranges,
    collections,
    unsupported: [
      ...(hasRepeated(writes) ? ['KVWrite of one key twice'] : []),
      ...(ranges.every(isSoundRange) ? [] : ['RangeQueryInfo']),
      ...(set.getMetadataWritesList().length > 0 ? ['KVMetadataWrite'] : []),
      ...collections.flatMap((collection) => collection.unsupported),
    ],
  }
}

/** `rwset.TxReadWriteSet`. Errors: when the bytes are not one. */
export const readWriteSetOf = (content: Uint8Array): readonly NamespaceSet[] =>
  decode(rwset.TxReadWriteSet, content).getNsRwsetList().map(readNamespace)

/** What everybody sees in place of a private key: its hash, in the form of keys.ts. */
export const keyHashOf = (key: string): string => hashKey(sha256(Buffer.from(key)))

/** The writes of a private write set, keys in clear. Errors: when the bytes are not a `kvrwset.KVRWSet`. */
export const privateWritesOf = (content: Uint8Array): readonly Write[] =>
  decode(kvrwset.KVRWSet, content)
    .getWritesList()
    .map((write) => ({
      key: write.getKey(),
      value: valueOf(write.getIsDelete(), write.getValue_asU8()),
    }))

/**
 * A private write set without the keys of these hashes; what stays, stays as it was.
 * Errors: when the bytes are not a `kvrwset.KVRWSet`.
 */
export function withoutKeys(content: Uint8Array, isGone: (keyHash: string) => boolean): Buffer {
  const set = decode(kvrwset.KVRWSet, content)
  set.setWritesList(set.getWritesList().filter((write) => !isGone(keyHashOf(write.getKey()))))
  return encode(set)
}

import { sha256 } from '../../fabric/digest.ts'
import { build, encoded, kvrwset, type ledger } from '../../fabric/message.ts'
import { compareOrdered, fromOrdered } from './keys.ts'
import { sameVersion, type StateView, type Version, type Versioned } from './state.ts'

/** A key of a range and the version that was seen there. Keys are in the form of keys.ts. */
export interface SeenRow {
  readonly key: string
  readonly version: Version | undefined
}

/** Stands for more than `maxDegree` rows: hashes of the level of a Merkle tree that has no more than that. */
export interface MerkleSummary {
  readonly maxDegree: number
  readonly maxLevel: number
  readonly hashes: readonly Buffer[]
}

/** What a simulation saw of a range of public keys: Fabric's `kvrwset.RangeQueryInfo`. */
export interface RangeQuery {
  readonly start: string
  /** Where the range ends when the simulation came to its end; else the last key that it was given. */
  readonly end: string
  readonly isExhausted: boolean
  readonly seen: readonly SeenRow[] | MerkleSummary
}

/** Fabric's `maxDegreeQueryReadsHashing`: up to as many rows are kept as they are. */
export const maxDegree = 50

/** With less there is no tree; Fabric's own validator fails on it. */
export const leastDegree = 2

export const toVersion = (version: Version | undefined): ledger.rwset.kvrwset.Version | undefined =>
  version === undefined
    ? undefined
    : build(kvrwset.Version, { blockNum: version.block, txNum: version.transaction })

export const toReadMessage = ({ key, version }: SeenRow): ledger.rwset.kvrwset.KVRead =>
  build(kvrwset.KVRead, { key: fromOrdered(key), version: toVersion(version) })

const hashRows = (rows: readonly SeenRow[]): Buffer =>
  sha256(encoded(kvrwset.QueryReads, { kvReadsList: rows.map(toReadMessage) }))

/** A level of the tree; whatever is more than `degree` at one level becomes one hash of the next. */
type Levels = Map<number, Buffer[]>

function raise(levels: Levels, level: number, hash: Buffer, degree: number): void {
  const hashes = [...(levels.get(level) ?? []), hash]
  levels.set(level, hashes)
  if (hashes.length <= degree) return
  levels.delete(level)
  raise(levels, level + 1, sha256(...hashes), degree)
}

/** Joins what is left below the highest level, and the highest itself where it has become too wide. */
function complete(levels: Levels, highest: number, degree: number): MerkleSummary {
  for (let level = 1; level < highest; level += 1) {
    const [first, ...others] = levels.get(level) ?? []
    if (first === undefined) continue
    const joined = others.length === 0 ? first : sha256(first, ...others)
    levels.set(level + 1, [...(levels.get(level + 1) ?? []), joined])
  }
  const hashes = levels.get(highest) ?? []
  return hashes.length > degree
    ? { maxDegree: degree, maxLevel: highest + 1, hashes: [sha256(...hashes)] }
    : { maxDegree: degree, maxLevel: highest, hashes }
}

/** The rows themselves, or their summary when they are more than the degree (rwsetutil's RangeQueryResultsHelper). */
export function summarise(rows: readonly SeenRow[], degree = maxDegree): readonly SeenRow[] | MerkleSummary {
  if (rows.length <= degree) return rows
  const levels: Levels = new Map()
  let highest = 1
  let from = 0
  while (from + degree < rows.length) {
    raise(levels, 1, hashRows(rows.slice(from, from + degree + 1)), degree)
    highest = Math.max(highest, ...levels.keys())
    from += degree + 1
  }
  // The last rows may be fewer; Fabric adds their hash just as the others'.
  if (from < rows.length) raise(levels, 1, hashRows(rows.slice(from)), degree)
  return complete(levels, Math.max(highest, ...levels.keys()), degree)
}

const isSummary = (seen: RangeQuery['seen']): seen is MerkleSummary => !Array.isArray(seen)

/** What earlier transactions of the same block have written, by key; undefined deletes. */
export type Pending = ReadonlyMap<string, Versioned | undefined>

const nothingPending: Pending = new Map()

/** The rows of a range as they are after the earlier transactions of the block (combined_iterator.go). */
function currentRows(
  { start, end, isExhausted }: RangeQuery,
  space: string,
  state: StateView,
  pending: Pending,
): SeenRow[] {
  const rows = new Map<string, Version | undefined>()
  for (const [key, { version }] of state.range(space, start, end)) rows.set(key, version)
  for (const [key, entry] of pending) {
    if (key < start || (end !== '' && key >= end)) continue
    if (entry === undefined) rows.delete(key)
    else rows.set(key, entry.version)
  }
  const sorted = [...rows]
    .map(([key, version]) => ({ key, version }))
    .sort((one, other) => compareOrdered(one.key, other.key))
  // A range that was not read to its end includes the key at which the reading stopped.
  const last = pending.has(end) ? pending.get(end) : state.get(space, end)
  return isExhausted || last === undefined ? sorted : [...sorted, { key: end, version: last.version }]
}

const sameRows = (one: readonly SeenRow[], other: readonly SeenRow[]): boolean =>
  one.length === other.length &&
  one.every(
    ({ key, version }, index) => key === other[index]?.key && sameVersion(version, other[index].version),
  )

const sameSummary = (one: MerkleSummary, other: MerkleSummary): boolean =>
  one.maxDegree === other.maxDegree &&
  one.maxLevel === other.maxLevel &&
  one.hashes.length === other.hashes.length &&
  one.hashes.every((hash, index) => other.hashes[index]?.equals(hash) === true)

/**
 * Whether a range holds the same keys in the same versions as it did for the simulation; a key that has come, gone or
 * changed is a phantom (rangequery_validator.go).
 */
export function isUnchanged(
  query: RangeQuery,
  space: string,
  state: StateView,
  pending: Pending = nothingPending,
): boolean {
  const rows = currentRows(query, space, state, pending)
  if (!isSummary(query.seen)) return sameRows(query.seen, rows)
  const now = summarise(rows, query.seen.maxDegree)
  return isSummary(now) && sameSummary(query.seen, now)
}

/** Follows a range while it is read, as far as the simulation comes. */
export interface RangeRecord {
  see(row: SeenRow): void
  exhaust(): void
  query(): RangeQuery
}

export function createRangeRecord(start: string, end: string): RangeRecord {
  const seen: SeenRow[] = []
  let isExhausted = false
  return {
    see: (row) => void seen.push(row),
    exhaust: () => {
      isExhausted = true
    },
    query: () => ({
      start,
      end: isExhausted ? end : (seen.at(-1)?.key ?? ''),
      isExhausted,
      seen: summarise(seen),
    }),
  }
}

export function toRangeMessage({
  start,
  end,
  isExhausted,
  seen,
}: RangeQuery): ledger.rwset.kvrwset.RangeQueryInfo {
  const summary = isSummary(seen)
    ? build(kvrwset.QueryReadsMerkleSummary, {
        maxDegree: seen.maxDegree,
        maxLevel: seen.maxLevel,
        maxLevelHashesList: [...seen.hashes],
      })
    : undefined
  const rows =
    isSummary(seen) || seen.length === 0
      ? undefined
      : build(kvrwset.QueryReads, { kvReadsList: seen.map(toReadMessage) })
  return build(kvrwset.RangeQueryInfo, {
    startKey: fromOrdered(start),
    endKey: fromOrdered(end),
    itrExhausted: isExhausted,
    rawReads: rows,
    readsMerkleHashes: summary,
  })
}

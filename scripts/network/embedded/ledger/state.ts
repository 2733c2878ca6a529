import { compareOrdered } from './keys.ts'

/** Where a value was written: Fabric's `version.Height`. */
export interface Version {
  readonly block: number
  readonly transaction: number
}

export const sameVersion = (a: Version | undefined, b: Version | undefined): boolean =>
  a?.block === b?.block && a?.transaction === b?.transaction

/** Negative when the first was written before the second. */
export const compareVersions = (a: Version, b: Version): number =>
  a.block - b.block || a.transaction - b.transaction

export interface Versioned {
  readonly value: Buffer
  readonly version: Version
}

/** A value to write, or undefined to delete. Keys are in the form of keys.ts. */
export interface StateWrite {
  readonly space: string
  readonly key: string
  readonly entry: Versioned | undefined
}

/** The state after some block. */
export interface StateView {
  get(space: string, key: string): Versioned | undefined
  /** The entries from `start` up to but without `end` (an empty string: to the last) in the order of their keys. */
  range(space: string, start: string, end: string): Iterable<readonly [key: string, entry: Versioned]>
}

/** A view that later writes do not change, until it is released. */
export interface StateSnapshot extends StateView {
  release(): void
}

/** What a peer needs of the place where it keeps its state; a store on disk can take over. */
export interface StateStore extends StateView {
  write(writes: readonly StateWrite[]): void
  snapshot(): StateSnapshot
}

interface Space {
  readonly entries: Map<string, Versioned>
  /** The keys in order, made when a range is first asked for: most spaces are only ever read by key. */
  ordered: string[] | undefined
}

/** The first index at which the key could stand. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((keys[middle] ?? '') < key) low = middle + 1
    else high = middle
  }
  return low
}

function setEntry(space: Space, key: string, entry: Versioned | undefined): void {
  const isNew = entry !== undefined && !space.entries.has(key)
  const isGone = entry === undefined && space.entries.has(key)
  if (entry === undefined) space.entries.delete(key)
  else space.entries.set(key, entry)
  if (space.ordered === undefined) return
  if (isNew) space.ordered.splice(lowerBound(space.ordered, key), 0, key)
  if (isGone) space.ordered.splice(lowerBound(space.ordered, key), 1)
}

function keysBetween(space: Space, start: string, end: string): string[] {
  space.ordered ??= [...space.entries.keys()].sort(compareOrdered)
  const from = lowerBound(space.ordered, start)
  return space.ordered.slice(from, end === '' ? undefined : lowerBound(space.ordered, end))
}

type Before = Map<string, Map<string, Versioned | undefined>>

/** Remembers what a key held before the first write since the snapshot. */
function remember(before: Before, space: string, key: string, entry: Versioned | undefined): void {
  const keys = before.get(space) ?? new Map<string, Versioned | undefined>()
  before.set(space, keys)
  if (!keys.has(key)) keys.set(key, entry)
}

/**
 * A state in memory, rebuilt from the blocks when a peer starts. A snapshot keeps what its readers would otherwise lose
 * to later writes, so that a slow simulation neither sees half a block nor holds up the next one.
 */
export function createMemoryState(): StateStore {
  const spaces = new Map<string, Space>()
  const snapshots = new Set<Before>()
  const spaceOf = (name: string): Space => {
    const found = spaces.get(name) ?? { entries: new Map<string, Versioned>(), ordered: undefined }
    spaces.set(name, found)
    return found
  }
  const get = (space: string, key: string): Versioned | undefined => spaces.get(space)?.entries.get(key)

  const rangeBefore = function* (
    before: Before,
    name: string,
    start: string,
    end: string,
  ): Generator<readonly [string, Versioned]> {
    const changed = before.get(name)
    const within = (key: string): boolean => key >= start && (end === '' || key < end)
    const gone = [...(changed?.keys() ?? [])].filter((key) => within(key) && get(name, key) === undefined)
    const keys = [...keysBetween(spaceOf(name), start, end), ...gone].sort(compareOrdered)
    for (const key of keys) {
      const entry = before.get(name)?.has(key) === true ? before.get(name)?.get(key) : get(name, key)
      if (entry !== undefined) yield [key, entry]
    }
  }

  return {
    get,
    range: (space, start, end) => rangeBefore(new Map(), space, start, end),
    write(writes) {
      for (const { space, key, entry } of writes) {
        for (const before of snapshots) remember(before, space, key, get(space, key))
        setEntry(spaceOf(space), key, entry)
      }
    },
    snapshot() {
      const before: Before = new Map()
      snapshots.add(before)
      return {
        get: (space, key) =>
          before.get(space)?.has(key) === true ? before.get(space)?.get(key) : get(space, key),
        range: (space, start, end) => rangeBefore(before, space, start, end),
        release: () => void snapshots.delete(before),
      }
    },
  }
}

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

/** The place where a peer keeps its state. */
export interface StateStore extends StateView {
  write(writes: readonly StateWrite[]): void
  snapshot(): StateSnapshot
}

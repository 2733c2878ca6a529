import type { Stub } from '../../chaincode/src/transact.ts'

/** The name under which the fake keeps public state, beside the collections. */
export const publicState = ''

interface Versioned {
  readonly value: Uint8Array
  readonly version: number
}

/** Committed state: collection (or {@link publicState}) → key → value and version. */
export type FakeState = Map<string, Map<string, Versioned>>

export interface Read {
  readonly collection: string
  readonly key: string
  /** The version that was read; undefined when the key was absent. */
  readonly version: number | undefined
}

export interface Write {
  readonly collection: string
  readonly key: string
  readonly value: Uint8Array
}

export interface Simulation {
  readonly stub: Stub
  /** Keys read one by one, in the order in which they were read. */
  readonly reads: readonly Read[]
  readonly writes: readonly Write[]
  /** The event that it announced; the last wins. */
  readonly event: () => string | undefined
}

export interface Proposal {
  readonly transactionId: string
  /** The submitter's transaction time, in milliseconds since 1970 (UTC). */
  readonly at: number
  readonly transient: Readonly<Record<string, Uint8Array>>
}

export const emptyState = (collections: readonly string[]): FakeState =>
  new Map([publicState, ...collections].map((name) => [name, new Map()]))

/** A copy that later commits to the original do not reach. */
export const copyOf = (state: FakeState): FakeState =>
  new Map([...state].map(([name, values]) => [name, new Map(values)]))

/** Code-point order, in which Fabric keeps keys. */
const byKey = ([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number =>
  Buffer.compare(Buffer.from(left), Buffer.from(right))

/**
 * A stub as Fabric's simulator offers it: reads give committed values only, never the transaction's own writes; a
 * collection that is not defined is an error; an absent key reads as no bytes.
 */
export function simulate(state: FakeState, { transactionId, at, transient }: Proposal): Simulation {
  const reads: Read[] = []
  const writes: Write[] = []
  const valuesOf = (collection: string): Map<string, Versioned> => {
    const values = state.get(collection)
    if (values === undefined) throw new Error(`collection ${collection} could not be found`)
    return values
  }
  const get = async (collection: string, key: string): Promise<Uint8Array> => {
    const found = valuesOf(collection).get(key)
    reads.push({ collection, key, version: found?.version })
    return found?.value ?? new Uint8Array()
  }
  const put = async (collection: string, key: string, value: Uint8Array): Promise<void> => {
    valuesOf(collection)
    writes.push({ collection, key, value })
  }
  async function* range(
    collection: string,
    start: string,
    end: string,
  ): AsyncGenerator<{ key: string; value: Uint8Array }> {
    for (const [key, { value }] of [...valuesOf(collection)].sort(byKey)) {
      if (key >= start && key < end) yield { key, value }
    }
  }
  let event: string | undefined
  const stub: Stub = {
    getTxID: () => transactionId,
    getTxTimestamp: () => ({ seconds: Math.floor(at / 1000), nanos: (at % 1000) * 1_000_000 }),
    getTransient: () => new Map(Object.entries(transient)),
    setEvent(name) {
      event = name
    },
    getState: (key) => get(publicState, key),
    putState: (key, value) => put(publicState, key, value),
    getStateByRange: (start, end) => range(publicState, start, end),
    getPrivateData: get,
    putPrivateData: put,
    getPrivateDataByRange: range,
  }
  return { stub, reads, writes, event: () => event }
}

/** Applies a simulation's writes, unless something that it read has changed since: then nothing, and false (MVCC). */
export function commit(state: FakeState, { reads, writes }: Pick<Simulation, 'reads' | 'writes'>): boolean {
  const stale = reads.some(
    ({ collection, key, version }) => state.get(collection)?.get(key)?.version !== version,
  )
  if (stale) return false
  for (const { collection, key, value } of writes) {
    const values = state.get(collection)
    values?.set(key, { value, version: (values.get(key)?.version ?? 0) + 1 })
  }
  return true
}

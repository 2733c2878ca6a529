import { bytes } from '../../fabric/message.ts'
import type { LedgerDatabase } from './database.ts'
import { compareOrdered, fromBlob, isPrivateSpace, toBlob } from './keys.ts'
import type { Spaces } from './spaces.ts'
import type { StateStore, Version, Versioned } from './state.ts'

/** Gives a private value from the write set of that version; the state itself holds none. */
export type PrivateValue = (space: string, key: string, version: Version) => Buffer | undefined

/** Rows that a range reads at a time. */
const pageRows = 100

type Entry = readonly [key: string, entry: Versioned]

interface Page {
  readonly entries: readonly Entry[]
  /** Where the next page begins; undefined when this is the last one. */
  readonly next: string | undefined
}

interface Table {
  get(space: string, key: string): Versioned | undefined
  page(space: string, start: string, end: string): Page
  set(space: string, key: string, entry: Versioned | undefined): void
}

interface Row {
  readonly key: Uint8Array
  readonly value: Uint8Array | null
  readonly block: number
  readonly position: number
}

/** With its rows in an order of their own, values of any size leave the index small. */
const schema = `
  CREATE TABLE IF NOT EXISTS state (
    space INTEGER NOT NULL,
    key BLOB NOT NULL,
    value BLOB,
    block INTEGER NOT NULL,
    position INTEGER NOT NULL,
    UNIQUE (space, key)
  ) STRICT`

function openTable(database: LedgerDatabase, spaces: Spaces, privateValue: PrivateValue): Table {
  database.exec(schema)
  const select = 'SELECT key, value, block, position FROM state WHERE space = ? AND key'
  const one = database.prepare(`${select} = ?`)
  const fromStart = database.prepare(`${select} >= ? ORDER BY key LIMIT ${pageRows}`)
  const between = database.prepare(`${select} >= ? AND key < ? ORDER BY key LIMIT ${pageRows}`)
  const remove = database.prepare('DELETE FROM state WHERE space = ? AND key = ?')
  const put = database.prepare(
    `INSERT INTO state (space, key, value, block, position) VALUES (?, ?, ?, ?, ?) ON CONFLICT (space, key)
     DO UPDATE SET value = excluded.value, block = excluded.block, position = excluded.position`,
  )
  const toVersioned = (space: string, key: string, row: Row): Versioned | undefined => {
    const version = { block: row.block, transaction: row.position }
    const value = row.value === null ? privateValue(space, key, version) : bytes(row.value)
    return value === undefined ? undefined : { value, version }
  }

  return {
    get(space, key) {
      const id = spaces.find(space)
      const row = id === undefined ? undefined : (one.get(id, toBlob(key)) as Row | undefined)
      return row && toVersioned(space, key, row)
    },
    page(space, start, end) {
      const id = spaces.find(space)
      if (id === undefined) return { entries: [], next: undefined }
      const from = toBlob(start)
      const rows = (end === '' ? fromStart.all(id, from) : between.all(id, from, toBlob(end))) as unknown[]
      const entries = (rows as Row[]).flatMap((row): Entry[] => {
        const key = fromBlob(row.key)
        const entry = toVersioned(space, key, row)
        return entry === undefined ? [] : [[key, entry]]
      })
      const last = rows.length < pageRows ? undefined : (rows.at(-1) as Row)
      // No key lies between one and the same one with a zero behind it.
      return { entries, next: last && `${fromBlob(last.key)}\0` }
    },
    set(space, key, entry) {
      const id = spaces.numberOf(space)
      if (entry === undefined) {
        remove.run(id, toBlob(key))
        return
      }
      const { value, version } = entry
      put.run(id, toBlob(key), isPrivateSpace(space) ? null : value, version.block, version.transaction)
    },
  }
}

/** What was there before the first write since a snapshot, by key. */
type Changed = Map<string, Versioned | undefined>

/** The same by space. */
type Before = Map<string, Changed>

/** The entries of a page, which goes from `start` to `end`, as they were. */
function entriesBefore({ entries }: Page, changed: Changed, start: string, end: string): readonly Entry[] {
  const within = [...changed].filter(([key]) => key >= start && (end === '' || key < end))
  if (within.length === 0) return entries
  const all = new Map<string, Versioned | undefined>([...entries, ...within])
  return [...all]
    .flatMap(([key, entry]): Entry[] => (entry === undefined ? [] : [[key, entry]]))
    .sort(([one], [other]) => compareOrdered(one, other))
}

/**
 * A state on the disk. A snapshot keeps what its readers would otherwise lose to later writes, so that a slow simulation
 * neither sees half a block nor holds up the next one; a database's own snapshot would keep purged values in its log.
 * @param database in which writes are made by whoever has begun a transaction
 */
export function openStateStore(
  database: LedgerDatabase,
  spaces: Spaces,
  privateValue: PrivateValue,
): StateStore {
  const table = openTable(database, spaces, privateValue)
  const snapshots = new Set<Before>()

  const remember = (before: Before, space: string, key: string): void => {
    const keys = before.get(space) ?? (new Map() as Changed)
    before.set(space, keys)
    if (!keys.has(key)) keys.set(key, table.get(space, key))
  }
  const range = function* (before: Before, space: string, start: string, end: string): Generator<Entry> {
    for (let from: string | undefined = start; from !== undefined;) {
      const page = table.page(space, from, end)
      yield* entriesBefore(page, before.get(space) ?? new Map(), from, page.next ?? end)
      from = page.next
    }
  }
  return {
    get: (space, key) => table.get(space, key),
    range: (space, start, end) => range(new Map(), space, start, end),
    write(writes) {
      for (const { space, key, entry } of writes) {
        for (const before of snapshots) remember(before, space, key)
        table.set(space, key, entry)
      }
    },
    snapshot() {
      const before: Before = new Map()
      snapshots.add(before)
      return {
        get: (space, key) =>
          before.get(space)?.has(key) === true ? before.get(space)?.get(key) : table.get(space, key),
        range: (space, start, end) => range(before, space, start, end),
        release: () => void snapshots.delete(before),
      }
    },
  }
}

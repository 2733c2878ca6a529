import type { StateSnapshot, StateStore, Versioned } from '../../scripts/network/embedded/ledger/state.ts'

type Spaces = Map<string, Map<string, Versioned>>

const byKey = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number =>
  one < other ? -1 : Number(one > other)

function viewOf(spaces: Spaces): Omit<StateSnapshot, 'release'> {
  return {
    get: (space, key) => spaces.get(space)?.get(key),
    range: (space, start, end) =>
      [...(spaces.get(space) ?? [])].filter(([key]) => key >= start && (end === '' || key < end)).sort(byKey),
  }
}

/** A state as simple as can be: what one on the disk is held against, and enough for tests of what reads one. */
export function createMemoryState(): StateStore {
  const spaces: Spaces = new Map()
  return {
    ...viewOf(spaces),
    write(writes) {
      for (const { space, key, entry } of writes) {
        const entries = spaces.get(space) ?? new Map<string, Versioned>()
        spaces.set(space, entries)
        if (entry === undefined) entries.delete(key)
        else entries.set(key, entry)
      }
    },
    snapshot() {
      const copies = new Map([...spaces].map(([name, entries]) => [name, new Map(entries)]))
      return { ...viewOf(copies), release: () => undefined }
    },
  }
}

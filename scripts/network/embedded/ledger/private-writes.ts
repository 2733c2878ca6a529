import { hashedSpace, privateSpace, toOrdered } from './keys.ts'
import { keyHashOf, privateWritesOf, type Write } from './read-write-set.ts'
import { sameVersion, type StateView, type StateWrite, type Version } from './state.ts'
import type { PrivateSets } from './private-data.ts'

/**
 * What private data, new or reconciled late, changes in the state: a value is written when the hash of its key still
 * stands at its version, and deleted when there is no hash any more. Everything else has been overtaken.
 * @param state with the block's hashes already written
 */
export function privateWrites(
  namespace: string,
  version: Version,
  sets: PrivateSets,
  state: StateView,
): readonly StateWrite[] {
  const isCurrent = (collection: string, { key, value }: Write): boolean => {
    const hash = state.get(hashedSpace(namespace, collection), keyHashOf(key))
    return value === undefined ? hash === undefined : sameVersion(hash?.version, version)
  }
  return [...sets].flatMap(([collection, content]) =>
    privateWritesOf(content)
      .filter((write) => isCurrent(collection, write))
      .map(({ key, value }) => ({
        space: privateSpace(namespace, collection),
        key: toOrdered(key),
        entry: value === undefined ? undefined : { value, version },
      })),
  )
}

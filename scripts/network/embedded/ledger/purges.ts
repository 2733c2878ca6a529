import { sha256 } from '../../fabric/digest.ts'
import type { FetchPrivate, WantedData } from './missing-data.ts'
import type { KeyAt, PrivateStore } from './private-store.ts'
import { keyHashOf, privateWritesOf, withoutKeys, type CollectionSet, type Write } from './read-write-set.ts'
import type { Action, Transaction } from './transaction.ts'
import { code } from './validation-code.ts'

/*
 * Purges of private data: a transaction names keys of which nothing may be left that was written up to it. Blocks hold
 * hashes only and stay as they are; every peer takes the values out of what it holds.
 */

const collectionsOf = (action: Action | undefined, namespace: string): readonly CollectionSet[] =>
  action?.namespaces.find((set) => set.namespace === namespace)?.collections ?? []

/** What the valid transactions of a block purge, in their order. */
export const purgesOf = (
  namespace: string,
  block: number,
  transactions: readonly Transaction[],
  codes: readonly number[],
): readonly KeyAt[] =>
  transactions.flatMap(({ action }, transaction) =>
    codes[transaction] !== code.VALID
      ? []
      : collectionsOf(action, namespace).flatMap(({ collection, purges }) =>
          purges.map((keyHash) => ({ collection, keyHash, version: { block, transaction } })),
        ),
  )

/** The writes of a private write set as a transaction shows them to everybody. */
export const hashedWritesOf = (
  { action }: Transaction,
  namespace: string,
  collection: string,
): readonly Write[] =>
  collectionsOf(action, namespace).find((set) => set.collection === collection)?.writes ?? []

/** What of a set is still to be there: the writes whose keys have not been purged since, by the hash of the key. */
type Expected = Map<string, Buffer | undefined>

/** The expected writes of a set that may have others beside; undefined when one is missing, or is another. */
function pick(content: Buffer, expected: Expected): Buffer | undefined {
  const found = new Set<string>()
  for (const { key, value } of privateWritesOf(content)) {
    const keyHash = keyHashOf(key)
    if (!expected.has(keyHash)) continue
    const hash = expected.get(keyHash)
    const isSame =
      hash === undefined ? value === undefined : value !== undefined && sha256(value).equals(hash)
    if (!isSame) return undefined
    found.add(keyHash)
  }
  return found.size < expected.size ? undefined : withoutKeys(content, (keyHash) => !expected.has(keyHash))
}

/**
 * Finds a write set that was missing, of which keys may have been purged meanwhile, here or where it is found: then its
 * hash is no longer the block's, and each write is held against its own (kvledger/hashcheck_pvtdata.go). Nobody is asked
 * for a set of which nothing is left, and nothing that was purged is brought back.
 * @param writes what the block shows of the set
 */
export function findUnpurged(
  wanted: WantedData,
  writes: readonly Write[],
  { isPurged }: Pick<PrivateStore, 'isPurged'>,
  fetch: FetchPrivate,
): Buffer | undefined {
  const { block, transaction, collection, hash } = wanted
  const left = writes.filter(
    ({ key }) => !isPurged({ collection, keyHash: key, version: { block, transaction } }),
  )
  if (left.length === 0 && writes.length > 0) return Buffer.alloc(0)
  const content = fetch(wanted)
  if (content === undefined) return undefined
  const isWhole = sha256(content).equals(hash)
  if (isWhole && left.length === writes.length) return content
  return pick(content, new Map(left.map(({ key, value }) => [key, value])))
}

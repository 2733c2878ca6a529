import { sha256 } from '../../fabric/digest.ts'
import { bytes, common, decode, encoded, varint, wrap, wrapNumber } from '../../fabric/message.ts'
import { slot, type Block } from '../../fabric/block.ts'
import { compareOrdered } from './keys.ts'
import type { Version } from './state.ts'
import type { Write } from './read-write-set.ts'
import type { Transaction } from './transaction.ts'
import { code } from './validation-code.ts'

/*
 * Fabric's hash over everything that a chain has committed: the codes of each block and what its valid transactions have
 * left of public values and of hashes of private ones (kv_ledger.go, update_batch_bytes.go). Two peers of one commit hash
 * have the same state, whatever they make of private data.
 */

/** A number so that its bytes sort as it does: a length, then what is left without leading zeros. */
function orderPreserving(value: number): Buffer {
  const digits = value.toString(16)
  const significant =
    value === 0
      ? Buffer.alloc(0)
      : Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex')
  return Buffer.concat([Buffer.from([significant.length]), significant])
}

/** Fabric's `version.Height.ToBytes`. */
export const versionBytes = ({ block, transaction }: Version): Buffer =>
  Buffer.concat([orderPreserving(block), orderPreserving(transaction)])

/** What a block leaves of one namespace: by collection (empty: the public values), by key. */
type Updates = Map<string, Map<string, { readonly value: Buffer | undefined; readonly version: Version }>>

const sorted = <V>(entries: ReadonlyMap<string, V>): Array<[string, V]> =>
  [...entries].sort(([one], [other]) => compareOrdered(one, other))

function note(updates: Updates, collection: string, writes: readonly Write[], version: Version): void {
  if (writes.length === 0) return
  const keys = updates.get(collection) ?? new Map<string, { value: Buffer | undefined; version: Version }>()
  updates.set(collection, keys)
  for (const { key, value } of writes) keys.set(key, { value, version })
}

function updatesOf(
  block: number,
  transactions: readonly Transaction[],
  codes: readonly number[],
): Map<string, Updates> {
  const namespaces = new Map<string, Updates>()
  for (const [transaction, { action }] of transactions.entries()) {
    if (codes[transaction] !== code.VALID) continue
    for (const { namespace, writes, collections } of action?.namespaces ?? []) {
      const updates: Updates = namespaces.get(namespace) ?? new Map()
      namespaces.set(namespace, updates)
      const version = { block, transaction }
      note(updates, '', writes, version)
      for (const set of collections) note(updates, set.collection, set.writes, version)
    }
  }
  return namespaces
}

/** `txmgr.Updates`: a namespace and a collection are named at their first key only. */
function encodeUpdates(namespaces: ReadonlyMap<string, Updates>): Buffer {
  const parts: Buffer[] = []
  const named = (field: number, name: string): Buffer[] =>
    name === '' ? [] : [wrap(field, Buffer.from(name))]
  for (const [namespace, updates] of sorted(namespaces)) {
    let isFirst = true
    for (const [collection, keys] of sorted(updates))
      for (const [index, [key, { value, version }]] of sorted(keys).entries()) {
        const fields = [
          ...(isFirst ? named(1, namespace) : []),
          ...(index === 0 ? named(2, collection) : []),
          wrap(3, Buffer.from(key, 'latin1')),
          value === undefined ? wrapNumber(4, 1) : wrap(5, value),
          wrap(6, versionBytes(version)),
        ]
        isFirst = false
        parts.push(wrap(1, Buffer.concat(fields)))
      }
  }
  return Buffer.concat(parts)
}

/** The hash in a peer's copy of a block; empty when there is none. Errors: when the metadata are not `common.Metadata`. */
export const commitHashOf = (block: Block): Buffer =>
  bytes(decode(common.Metadata, block.metadata[slot.commitHash] ?? Buffer.alloc(0)).getValue_asU8())

/** @param previous the hash of the block before; empty before the first block that has one */
export function nextCommitHash(
  previous: Uint8Array,
  block: number,
  transactions: readonly Transaction[],
  codes: readonly number[],
): Buffer {
  return sha256(
    Buffer.from(varint(codes.length)),
    Buffer.from(codes),
    encodeUpdates(updatesOf(block, transactions, codes)),
    previous,
  )
}

/** `common.Metadata` as it stands in the block. */
export const commitHashMetadata = (value: Buffer): Buffer => encoded(common.Metadata, { value })

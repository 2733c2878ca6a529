import { bytes, common, decode, type ledger, queryresult, build } from '../../fabric/message.ts'
import type { NamespaceSet } from './read-write-set.ts'
import { readEnvelope, readTransaction, type Transaction } from './transaction.ts'
import { code } from './validation-code.ts'

/** One value that a public key has had: Fabric's `queryresult.KeyModification`. */
export type Modification = ledger.queryresult.KeyModification

/** Where every public value was written, so that a key's past can be read from the blocks. */
export interface History {
  /** Notes what the valid transactions of a block have written. */
  add(block: number, transactions: readonly Transaction[], codes: readonly number[]): void
  /** What a key has held, the newest first (core/ledger/kvledger/history). Keys are in the form of keys.ts. */
  of(namespace: string, key: string): Iterable<Modification>
}

interface Place {
  readonly block: number
  readonly index: number
}

/** @param envelope the envelope at a place in the chain */
export function createHistory(envelope: (place: Place) => Buffer): History {
  const places = new Map<string, Place[]>()
  const nameOf = (namespace: string, key: string): string => `${namespace}\0${key}`

  return {
    add(block, transactions, codes) {
      for (const [index, { action }] of transactions.entries()) {
        if (codes[index] !== code.VALID) continue
        for (const { namespace, writes } of action?.namespaces ?? [])
          for (const { key } of writes) {
            const name = nameOf(namespace, key)
            const known = places.get(name)
            if (known === undefined) places.set(name, [{ block, index }])
            else known.push({ block, index })
          }
      }
    },
    *of(namespace, key) {
      for (const place of (places.get(nameOf(namespace, key)) ?? []).toReversed())
        yield modificationIn(envelope(place), namespace, key)
    },
  }
}

function modificationIn(envelope: Buffer, namespace: string, key: string): Modification {
  const { header, action } = readTransaction(envelope)
  const own = action?.namespaces.find((set: NamespaceSet) => set.namespace === namespace)
  const write = own?.writes.find((candidate) => candidate.key === key)
  if (header === undefined || write === undefined)
    throw new Error('the chain does not hold what its index says')
  const { channelHeader } = readEnvelope(envelope).headers
  return build(queryresult.KeyModification, {
    txId: header.transactionId,
    value: write.value ?? write.beside,
    timestamp: decode(common.ChannelHeader, bytes(channelHeader)).getTimestamp(),
    isDelete: write.value === undefined,
  })
}

import { bytes, common, decode, type ledger, queryresult, build } from '../../fabric/message.ts'
import type { LedgerDatabase } from './database.ts'
import { publicSpace, toBlob } from './keys.ts'
import type { NamespaceSet } from './read-write-set.ts'
import type { Spaces } from './spaces.ts'
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

interface Row {
  readonly block: number
  readonly position: number
}

const schema = `
  CREATE TABLE IF NOT EXISTS history (
    space INTEGER NOT NULL,
    key BLOB NOT NULL,
    block INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (space, key, block, position)
  ) STRICT, WITHOUT ROWID`

/** @param envelope the envelope at a place in the chain */
export function openHistory(
  database: LedgerDatabase,
  spaces: Spaces,
  envelope: (place: Place) => Buffer,
): History {
  database.exec(schema)
  const insert = database.prepare('INSERT INTO history (space, key, block, position) VALUES (?, ?, ?, ?)')
  const select = database.prepare(
    `SELECT block, position FROM history WHERE space = ? AND key = ? AND (block, position) < (?, ?)
     ORDER BY block DESC, position DESC LIMIT 1`,
  )
  return {
    add(block, transactions, codes) {
      for (const [index, { action }] of transactions.entries()) {
        if (codes[index] !== code.VALID) continue
        for (const { namespace, writes } of action?.namespaces ?? [])
          for (const { key } of writes)
            insert.run(spaces.numberOf(publicSpace(namespace)), toBlob(key), block, index)
      }
    },
    *of(namespace, key) {
      const space = spaces.find(publicSpace(namespace))
      if (space === undefined) return
      let before: Row | undefined = { block: Number.MAX_SAFE_INTEGER, position: 0 }
      for (;;) {
        before = select.get(space, toBlob(key), before.block, before.position) as Row | undefined
        if (before === undefined) return
        const { block, position: index } = before
        yield modificationIn(envelope({ block, index }), namespace, key)
      }
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

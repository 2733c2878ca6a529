import { decodePrivate, encodePrivate, type PrivateSets } from './private-data.ts'
import { openRecordFile } from './record-file.ts'

/** The private data of committed transactions that a peer holds, in a file of its own. */
export interface PrivateStore {
  add(block: number, transaction: number, sets: PrivateSets): void
  sync(): Promise<void>
  /** By transaction of the block; what came later by reconciliation is included. */
  read(block: number): ReadonlyMap<number, PrivateSets>
  close(): void
}

const positionSize = 12

/**
 * Records are block (8 bytes), transaction (4 bytes) and a `rwset.TxPvtReadWriteSet`. A transaction may have several
 * records, and a crash may leave one of a block that is committed only after the restart.
 */
export function openPrivateStore(path: string, namespace: string): PrivateStore {
  const file = openRecordFile(path, 'private')
  const records = new Map<number, number[]>()
  const note = (block: number, index: number): void =>
    void records.set(block, [...(records.get(block) ?? []), index])
  for (let index = 0; index < file.length; index += 1)
    note(Number(file.read(index).readBigUInt64BE(0)), index)
  return {
    add(block, transaction, sets) {
      const position = Buffer.alloc(positionSize)
      position.writeBigUInt64BE(BigInt(block), 0)
      position.writeUInt32BE(transaction, 8)
      note(block, file.length)
      file.append(Buffer.concat([position, encodePrivate(namespace, sets)]))
    },
    sync: () => file.sync(),
    read(block) {
      const transactions = new Map<number, PrivateSets>()
      for (const index of records.get(block) ?? []) {
        const content = file.read(index)
        const transaction = content.readUInt32BE(8)
        const sets = decodePrivate(content.subarray(positionSize))
        transactions.set(transaction, new Map([...(transactions.get(transaction) ?? []), ...sets]))
      }
      return transactions
    },
    close: () => file.close(),
  }
}

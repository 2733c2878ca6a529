import { decodePrivate, encodePrivate, type PrivateSets } from './private-data.ts'
import { keyHashOf, privateWritesOf, withoutKeys } from './read-write-set.ts'
import { openRecordFile } from './record-file.ts'
import { compareVersions, type Version } from './state.ts'

/** A private key as a transaction wrote or purged it. */
export interface KeyAt {
  readonly collection: string
  /** In the form of keys.ts. */
  readonly keyHash: string
  readonly version: Version
}

/** The private data of committed transactions that a peer holds, in a file of its own. */
export interface PrivateStore {
  add(block: number, transaction: number, sets: PrivateSets): void
  sync(): Promise<void>
  /** By transaction of the block; what came later by reconciliation is included. */
  read(block: number): ReadonlyMap<number, PrivateSets>
  /**
   * Takes each key out of every write set up to its purge, the purging one included; a set without others stays as an empty
   * one. When it returns, the values are in no file any more. Gives the keys that were found, in clear: those that the state
   * may hold.
   */
  purge(purges: readonly KeyAt[]): ReadonlyArray<{ readonly collection: string; readonly key: string }>
  /** Whether what was written here has been purged, by this transaction or a later one, and must not come back. */
  isPurged(write: KeyAt): boolean
  close(): void
}

const positionSize = 12

interface Stored extends Version {
  readonly sets: PrivateSets
}

function encodeStored({ block, transaction, sets }: Stored, namespace: string): Buffer {
  const position = Buffer.alloc(positionSize)
  position.writeBigUInt64BE(BigInt(block), 0)
  position.writeUInt32BE(transaction, 8)
  return Buffer.concat([position, encodePrivate(namespace, sets)])
}

const decodeStored = (content: Buffer): Stored => ({
  block: Number(content.readBigUInt64BE(0)),
  transaction: content.readUInt32BE(8),
  sets: decodePrivate(content.subarray(positionSize)),
})

const nameOf = ({ collection, keyHash }: Pick<KeyAt, 'collection' | 'keyHash'>): string =>
  `${collection}\0${keyHash}`

/** The keys that are written, by {@link nameOf}. */
const keysOf = (sets: PrivateSets): Array<readonly [name: string, key: string]> =>
  [...sets].flatMap(([collection, content]) =>
    privateWritesOf(content).map(
      ({ key }) => [nameOf({ collection, keyHash: keyHashOf(key) }), key] as const,
    ),
  )

function without({ sets, ...version }: Stored, { collection, keyHash }: KeyAt): Stored {
  const content = withoutKeys(sets.get(collection) ?? Buffer.alloc(0), (other) => other === keyHash)
  return { ...version, sets: new Map(sets).set(collection, content) }
}

/**
 * Records are block (8 bytes), transaction (4 bytes) and a `rwset.TxPvtReadWriteSet`. A transaction may have several
 * records, and a crash may leave one of a block that is committed only after the restart. Purges are not in the file:
 * whoever opens it shows it those of the blocks again.
 */
export function openPrivateStore(path: string, namespace: string): PrivateStore {
  const file = openRecordFile(path, 'private')
  const records = new Map<number, number[]>()
  /** The records that hold a key. */
  const holders = new Map<string, number[]>()
  const purged = new Map<string, Version>()
  const note = ({ block, sets }: Stored, index: number): void => {
    records.set(block, [...(records.get(block) ?? []), index])
    for (const [name] of keysOf(sets)) {
      const known = holders.get(name)
      if (known === undefined) holders.set(name, [index])
      else known.push(index)
    }
  }
  for (let index = 0; index < file.length; index += 1) note(decodeStored(file.read(index)), index)
  const isUpTo = (version: Version, purge: Version): boolean => compareVersions(version, purge) <= 0

  return {
    add(block, transaction, sets) {
      const stored = { block, transaction, sets }
      note(stored, file.length)
      file.append(encodeStored(stored, namespace))
    },
    sync: () => file.sync(),
    read(block) {
      const transactions = new Map<number, PrivateSets>()
      for (const index of records.get(block) ?? []) {
        const { transaction, sets } = decodeStored(file.read(index))
        transactions.set(transaction, new Map([...(transactions.get(transaction) ?? []), ...sets]))
      }
      return transactions
    },
    purge(purges) {
      const changed = new Map<number, Stored>()
      const found = new Map<string, { collection: string; key: string }>()
      for (const purge of purges) {
        const name = nameOf(purge)
        purged.set(name, purge.version)
        const kept = (holders.get(name) ?? []).filter((index) => {
          const stored = changed.get(index) ?? decodeStored(file.read(index))
          if (!isUpTo(stored, purge.version)) return true
          const key = new Map(keysOf(stored.sets)).get(name)
          if (key !== undefined) found.set(name, { collection: purge.collection, key })
          changed.set(index, without(stored, purge))
          return false
        })
        holders.set(name, kept)
      }
      const contents = function* (): Generator<Buffer> {
        for (let index = 0; index < file.length; index += 1) {
          const stored = changed.get(index)
          yield stored === undefined ? file.read(index) : encodeStored(stored, namespace)
        }
      }
      if (changed.size > 0) file.replace(contents())
      return [...found.values()]
    },
    isPurged(write) {
      const purge = purged.get(nameOf(write))
      return purge !== undefined && isUpTo(write.version, purge)
    },
    close: () => file.close(),
  }
}

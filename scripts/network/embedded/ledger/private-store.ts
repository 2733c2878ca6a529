import { bytes } from '../../fabric/message.ts'
import type { LedgerDatabase } from './database.ts'
import { privateSpace, toBlob, toOrdered } from './keys.ts'
import type { PrivateSets } from './private-data.ts'
import { keyHashOf, privateWritesOf, withoutKeys } from './read-write-set.ts'
import type { Spaces } from './spaces.ts'
import type { PrivateValue } from './state-store.ts'
import { compareVersions, type Version } from './state.ts'

/** A private key as a transaction wrote or purged it. */
export interface KeyAt {
  readonly collection: string
  /** In the form of keys.ts. */
  readonly keyHash: string
  readonly version: Version
}

/** The private data of committed transactions that a peer holds. All that it changes is in its caller's transaction. */
export interface PrivateStore {
  add(version: Version, sets: PrivateSets): void
  /** By transaction of the block; what came later by reconciliation is included. */
  read(block: number): ReadonlyMap<number, PrivateSets>
  find(version: Version, collection: string): Buffer | undefined
  /** What the state leaves to the write sets. */
  readonly value: PrivateValue
  /** In clear, those of the keys that a write set up to their purge holds. */
  keysOf(purges: readonly KeyAt[]): ReadonlyArray<{ readonly collection: string; readonly key: string }>
  /**
   * Takes each key out of every write set up to its purge, the purging one included; a set without others stays as an empty
   * one. The values are in no file any more when the database has been settled after the commit.
   */
  purge(purges: readonly KeyAt[]): void
  /** Whether what was written here has been purged, by this transaction or a later one, and must not come back. */
  isPurged(write: KeyAt): boolean
}

/*
 * SQLite overwrites what it deletes, but not the copies that it leaves behind when it moves rows from one page to another.
 * So the write sets, the only place of private values, are rows that are never moved: they are appended, and never grow,
 * shrink or go.
 */
const schema = `
  CREATE TABLE IF NOT EXISTS private_sets (
    id INTEGER PRIMARY KEY,
    block INTEGER NOT NULL,
    position INTEGER NOT NULL,
    space INTEGER NOT NULL,
    content BLOB NOT NULL,
    UNIQUE (block, position, space)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS private_keys (
    space INTEGER NOT NULL,
    hash BLOB NOT NULL,
    block INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (space, hash, block, position)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS purged_keys (
    space INTEGER NOT NULL,
    hash BLOB NOT NULL,
    block INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (space, hash)
  ) STRICT, WITHOUT ROWID`

const lengthSize = 4

/** A set behind its length, with zeros in the place of what was taken out of it. */
function toContent(set: Uint8Array, size = lengthSize + set.length): Buffer {
  const content = Buffer.alloc(size)
  content.writeUInt32BE(set.length)
  content.set(set, lengthSize)
  return content
}

const fromContent = (content: Uint8Array): Buffer =>
  bytes(content).subarray(lengthSize, lengthSize + bytes(content).readUInt32BE())

interface VersionRow {
  readonly block: number
  readonly position: number
}

const toVersion = ({ block, position }: VersionRow): Version => ({ block, transaction: position })

/** The write sets by version and space. */
function openSets(database: LedgerDatabase) {
  const insert = database.prepare(
    'INSERT INTO private_sets (block, position, space, content) VALUES (?, ?, ?, ?)',
  )
  const select = database.prepare(
    'SELECT content FROM private_sets WHERE block = ? AND position = ? AND space = ?',
  )
  const update = database.prepare(
    'UPDATE private_sets SET content = ? WHERE block = ? AND position = ? AND space = ?',
  )
  const ofBlock = database.prepare(
    `SELECT position, name, content FROM private_sets JOIN spaces ON spaces.id = space
     WHERE block = ? ORDER BY position, private_sets.id`,
  )
  type Row = { readonly content: Uint8Array } | undefined
  return {
    add: ({ block, transaction }: Version, space: number, set: Buffer) =>
      void insert.run(block, transaction, space, toContent(set)),
    find({ block, transaction }: Version, space: number): Buffer | undefined {
      const row = select.get(block, transaction, space) as Row
      return row && fromContent(row.content)
    },
    /** @param change gives no more bytes than it is given */
    change({ block, transaction }: Version, space: number, change: (set: Buffer) => Buffer): void {
      const row = select.get(block, transaction, space) as Row
      if (row === undefined) return
      const content = toContent(change(fromContent(row.content)), row.content.length)
      update.run(content, block, transaction, space)
    },
    ofBlock: (block: number) =>
      ofBlock.all(block).map((row) => {
        const { position, name, content } = row as { position: number; name: string; content: Uint8Array }
        return { transaction: position, space: name, set: fromContent(content) }
      }),
  }
}

/** Which keys, by their hashes, are in which write sets, and which have been purged when. */
function openKeys(database: LedgerDatabase) {
  const insert = database.prepare(
    'INSERT INTO private_keys (space, hash, block, position) VALUES (?, ?, ?, ?)',
  )
  const select = database.prepare(
    `SELECT block, position FROM private_keys
     WHERE space = ? AND hash = ? AND (block, position) <= (?, ?) ORDER BY block, position`,
  )
  const remove = database.prepare(
    'DELETE FROM private_keys WHERE space = ? AND hash = ? AND (block, position) <= (?, ?)',
  )
  const note = database.prepare(
    `INSERT INTO purged_keys (space, hash, block, position) VALUES (?, ?, ?, ?) ON CONFLICT
     DO UPDATE SET block = excluded.block, position = excluded.position`,
  )
  const purge = database.prepare('SELECT block, position FROM purged_keys WHERE space = ? AND hash = ?')
  const place = ({ block, transaction }: Version): [number, number] => [block, transaction]
  return {
    add: (space: number, keyHash: string, version: Version) =>
      void insert.run(space, toBlob(keyHash), ...place(version)),
    /** The write sets up to a version that hold the key. */
    holders: (space: number, { keyHash, version }: KeyAt): Version[] =>
      select
        .all(space, toBlob(keyHash), ...place(version))
        .map((row) => toVersion(row as unknown as VersionRow)),
    purge(space: number, { keyHash, version }: KeyAt): void {
      remove.run(space, toBlob(keyHash), ...place(version))
      note.run(space, toBlob(keyHash), ...place(version))
    },
    purgeOf(space: number, keyHash: string): Version | undefined {
      const row = purge.get(space, toBlob(keyHash)) as VersionRow | undefined
      return row && toVersion(row)
    },
  }
}

export function openPrivateStore(database: LedgerDatabase, spaces: Spaces, namespace: string): PrivateStore {
  database.exec(schema)
  const stored = openSets(database)
  const keys = openKeys(database)
  const prefix = privateSpace(namespace, '')
  const spaceOf = (collection: string): string => privateSpace(namespace, collection)
  const findIn = (version: Version, space: string): Buffer | undefined => {
    const id = spaces.find(space)
    return id === undefined ? undefined : stored.find(version, id)
  }

  return {
    add(version, sets) {
      for (const [collection, set] of sets) {
        const space = spaces.numberOf(spaceOf(collection))
        stored.add(version, space, set)
        for (const { key } of privateWritesOf(set)) keys.add(space, keyHashOf(key), version)
      }
    },
    read(block) {
      const transactions = new Map<number, Map<string, Buffer>>()
      for (const { transaction, space, set } of stored.ofBlock(block)) {
        const sets = transactions.get(transaction) ?? new Map<string, Buffer>()
        transactions.set(transaction, sets.set(space.slice(prefix.length), set))
      }
      return transactions
    },
    find: (version, collection) => findIn(version, spaceOf(collection)),
    value(space, key, version) {
      const writes = privateWritesOf(findIn(version, space) ?? Buffer.alloc(0))
      return writes.find((write) => toOrdered(write.key) === key)?.value
    },
    keysOf(purges) {
      const found = new Map<string, { collection: string; key: string }>()
      for (const purge of purges) {
        const { collection, keyHash } = purge
        const space = spaces.numberOf(spaceOf(collection))
        for (const version of keys.holders(space, purge)) {
          const writes = privateWritesOf(stored.find(version, space) ?? Buffer.alloc(0))
          const write = writes.find(({ key }) => keyHashOf(key) === keyHash)
          if (write !== undefined) found.set(`${collection}\0${keyHash}`, { collection, key: write.key })
        }
      }
      return [...found.values()]
    },
    purge(purges) {
      for (const purge of purges) {
        const space = spaces.numberOf(spaceOf(purge.collection))
        for (const version of keys.holders(space, purge))
          stored.change(version, space, (set) => withoutKeys(set, (keyHash) => keyHash === purge.keyHash))
        keys.purge(space, purge)
      }
    },
    isPurged({ collection, keyHash, version }) {
      const space = spaces.find(spaceOf(collection))
      const purge = space === undefined ? undefined : keys.purgeOf(space, keyHash)
      return purge !== undefined && compareVersions(version, purge) <= 0
    },
  }
}

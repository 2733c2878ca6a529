import { join } from 'node:path'
import { sha256 } from '../../fabric/digest.ts'
import { decodePrivate, encodePrivate, type PrivateSets } from './private-data.ts'
import { openRecordFile } from './record-file.ts'

/**
 * Private data between endorsement and commit. It is on the disk before an endorsement is answered: otherwise a crash
 * could leave a valid transaction whose values nobody has.
 */
export interface TransientStore {
  /** @param height of the chain now: what is not committed within {@link retentionBlocks} is dropped */
  add(transactionId: string, height: number, sets: PrivateSets): void
  sync(): Promise<void>
  /** The write set of this hash; endorsers that disagree leave several for one transaction. */
  find(transactionId: string, collection: string, hash: Buffer): Buffer | undefined
  transactionIds(): Iterable<string>
  /** Drops what has been committed, and what is too old. */
  settle(transactionIds: Iterable<string>, height: number): void
  /** Writes the files anew where they still hold what was dropped. */
  compact(): void
  close(): void
}

/** Fabric's default of `transientstoreMaxBlockRetention`. */
export const retentionBlocks = 1000

/** A file takes no more than about this before the other one takes over, as soon as that is empty. */
const generationBytes = 8 * 1024 * 1024

interface Entry {
  readonly height: number
  readonly sets: PrivateSets
  readonly file: 0 | 1
}

const heightSize = 8
const idSize = 2

function encodeEntry(transactionId: string, height: number, namespace: string, sets: PrivateSets): Buffer {
  const id = Buffer.from(transactionId)
  const frame = Buffer.alloc(heightSize + idSize)
  frame.writeBigUInt64BE(BigInt(height), 0)
  frame.writeUInt16BE(id.length, heightSize)
  return Buffer.concat([frame, id, encodePrivate(namespace, sets)])
}

function decodeEntry(content: Buffer): { transactionId: string; height: number; sets: PrivateSets } {
  const idEnd = heightSize + idSize + content.readUInt16BE(heightSize)
  return {
    transactionId: content.subarray(heightSize + idSize, idEnd).toString(),
    height: Number(content.readBigUInt64BE(0)),
    sets: decodePrivate(content.subarray(idEnd)),
  }
}

const isSame = (a: PrivateSets, b: PrivateSets): boolean =>
  a.size === b.size && [...a].every(([name, content]) => b.get(name)?.equals(content) === true)

/**
 * Two files take turns: a file is emptied when nothing in it is waiting any more, which age brings about in the end, so
 * that neither grows for ever and no private value stays longer than its transaction needs.
 */
export function openTransientStore(directory: string, namespace: string): TransientStore {
  const files = [
    openRecordFile(join(directory, 'transient-0'), 'transient'),
    openRecordFile(join(directory, 'transient-1'), 'transient'),
  ] as const
  const entries = new Map<string, readonly Entry[]>()
  const waiting = [0, 0]
  /** How many entries each file holds, those that wait for nothing any more included. */
  const held = [0, 0]
  let current: 0 | 1 = 0

  const note = (transactionId: string, entry: Entry): void => {
    entries.set(transactionId, [...(entries.get(transactionId) ?? []), entry])
    for (const counts of [waiting, held]) counts[entry.file] = (counts[entry.file] ?? 0) + 1
  }
  const forget = (transactionId: string): void => {
    for (const { file } of entries.get(transactionId) ?? []) waiting[file] = (waiting[file] ?? 0) - 1
    entries.delete(transactionId)
  }
  const isEmpty = (file: 0 | 1): boolean => waiting[file] === 0
  for (const file of [0, 1] as const)
    files[file].recover((content) => {
      const { transactionId, height, sets } = decodeEntry(content)
      note(transactionId, { height, sets, file })
    })

  return {
    add(transactionId, height, sets) {
      if (entries.get(transactionId)?.some((entry) => isSame(entry.sets, sets)) === true) return
      const other = current === 0 ? 1 : 0
      if (files[current].end > generationBytes && isEmpty(other)) current = other
      files[current].append(encodeEntry(transactionId, height, namespace, sets))
      note(transactionId, { height, sets, file: current })
    },
    async sync() {
      await Promise.all(files.map((file) => file.sync()))
    },
    find(transactionId, collection, hash) {
      const candidates = (entries.get(transactionId) ?? []).map(({ sets }) => sets.get(collection))
      return candidates.find((content) => content !== undefined && sha256(content).equals(hash))
    },
    transactionIds: () => entries.keys(),
    settle(transactionIds, height) {
      for (const transactionId of transactionIds) forget(transactionId)
      for (const [transactionId, [first]] of entries)
        if (first !== undefined && first.height + retentionBlocks < height) forget(transactionId)
      for (const file of [0, 1] as const) {
        if (!isEmpty(file) || held[file] === 0) continue
        files[file].clear()
        held[file] = 0
      }
    },
    compact() {
      for (const file of [0, 1] as const) {
        if (held[file] === waiting[file]) continue
        const kept = [...entries].flatMap(([transactionId, own]) =>
          own
            .filter((entry) => entry.file === file)
            .map(({ height, sets }) => encodeEntry(transactionId, height, namespace, sets)),
        )
        files[file].replace(kept)
        held[file] = kept.length
      }
    },
    close: () => files.forEach((file) => file.close()),
  }
}

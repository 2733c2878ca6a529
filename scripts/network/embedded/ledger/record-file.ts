import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writevSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'

/**
 * A file of records that only grows: eight bytes of magic, a format version and a kind, then records of length,
 * CRC-32 and content. What a crash leaves behind at the end is cut off when the file is opened; damage anywhere before the
 * last record is an error, because it cannot come from a crash.
 */
export interface RecordFile {
  readonly length: number
  readonly bytes: number
  /** Appends without waiting for the disk; it survives the process, and the machine after the next sync. */
  append(content: Uint8Array): void
  /** Resolves when all that was appended before is on the disk. */
  sync(): Promise<void>
  /** Errors: RangeError when there is no such record. */
  read(index: number): Buffer
  /** Drops all records. */
  clear(): void
  /**
   * Puts other records in the place of all, on the disk when it returns: a crash leaves the old ones or the new ones. What
   * was dropped is in no file any more.
   */
  replace(contents: Iterable<Uint8Array>): void
  close(): void
}

/** What a file holds; a file of another kind is refused. */
export type RecordKind = 'blocks' | 'private' | 'transient'

const kinds: Readonly<Record<RecordKind, number>> = { blocks: 1, private: 2, transient: 3 }

/** Goes up with every change of what the records hold. */
export const formatVersion = 2

const magic = Buffer.from('MEDL')
const headerSize = 8
/** Length, CRC-32 of these four bytes, CRC-32 of the content: a damaged length must not pass for a torn end. */
const frameSize = 12

const syncData = promisify(fdatasync)

function fileHeader(kind: RecordKind): Buffer {
  const header = Buffer.alloc(headerSize)
  magic.copy(header)
  header.writeUInt16BE(formatVersion, 4)
  header.writeUInt16BE(kinds[kind], 6)
  return header
}

function readExactly(descriptor: number, length: number, position: number): Buffer {
  const content = Buffer.alloc(length)
  const read = readSync(descriptor, content, 0, length, position)
  return read === length ? content : content.subarray(0, read)
}

function checkHeader(header: Buffer, kind: RecordKind, path: string): void {
  if (!header.subarray(0, magic.length).equals(magic)) throw new Error(`${path} is not a file of this ledger`)
  const version = header.readUInt16BE(4)
  if (version !== formatVersion)
    throw new Error(
      `${path} has format version ${version}; this program knows version ${formatVersion} only: use the program that wrote it, or start anew (--reset)`,
    )
  if (header.readUInt16BE(6) !== kinds[kind]) throw new Error(`${path} does not hold ${kind}`)
}

interface Scan {
  /** Where each record's content begins, and its length. */
  readonly records: Array<readonly [position: number, length: number]>
  readonly end: number
}

function toFrame(content: Uint8Array): Buffer {
  const frame = Buffer.alloc(frameSize)
  frame.writeUInt32BE(content.length, 0)
  frame.writeUInt32BE(crc32(frame.subarray(0, 4)), 4)
  frame.writeUInt32BE(crc32(content), 8)
  return frame
}

const isZero = (content: Buffer): boolean => content.every((byte) => byte === 0)

/** Finds the records up to an end that a crash may have left. Errors: when anything else is wrong. */
function scan(descriptor: number, size: number, path: string): Scan {
  const records: Array<readonly [number, number]> = []
  let position = headerSize
  while (position + frameSize <= size) {
    const frame = readExactly(descriptor, frameSize, position)
    const damaged = new Error(`${path} is damaged at byte ${position}: restore this folder from a copy`)
    if (crc32(frame.subarray(0, 4)) !== frame.readUInt32BE(4)) {
      // A file may have grown before its content reached the disk.
      if (isZero(frame)) break
      throw damaged
    }
    const length = frame.readUInt32BE(0)
    const begin = position + frameSize
    const end = begin + length
    if (end > size) break
    if (crc32(readExactly(descriptor, length, begin)) !== frame.readUInt32BE(8)) {
      if (end === size) break
      throw damaged
    }
    records.push([begin, length])
    position = end
  }
  return { records, end: position }
}

const replacementOf = (path: string): string => `${path}.new`

/** Writes a file of these records and gives it the place of the one at the path. */
function writeReplacement(
  path: string,
  kind: RecordKind,
  contents: Iterable<Uint8Array>,
): Scan & { readonly descriptor: number } {
  const replacement = replacementOf(path)
  const descriptor = openSync(replacement, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, 0o600)
  try {
    const records: Scan['records'] = []
    let end = writevSync(descriptor, [fileHeader(kind)], 0)
    for (const content of contents) {
      const written = writevSync(descriptor, [toFrame(content), content], end)
      if (written !== frameSize + content.length)
        throw new Error(`${path} cannot be rewritten: the disk is full`)
      records.push([end + frameSize, content.length])
      end += written
    }
    fdatasyncSync(descriptor)
    renameSync(replacement, path)
    syncDirectory(path)
    return { descriptor, records, end }
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
}

function syncDirectory(path: string): void {
  const descriptor = openSync(dirname(path), 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}

function openOrCreate(path: string, kind: RecordKind): number {
  const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
  try {
    const { size } = fstatSync(descriptor)
    if (size >= headerSize) checkHeader(readExactly(descriptor, headerSize, 0), kind, path)
    else {
      // A crash may have cut the very first write short; nothing can have followed it.
      ftruncateSync(descriptor, 0)
      writevSync(descriptor, [fileHeader(kind)], 0)
      fdatasyncSync(descriptor)
      syncDirectory(path)
    }
    return descriptor
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
}

/**
 * Opens the file, or creates it.
 * Errors: when it is of another kind or version, or damaged before its last record.
 */
export function openRecordFile(path: string, kind: RecordKind): RecordFile {
  // A crash may have come before it took its place.
  rmSync(replacementOf(path), { force: true })
  let descriptor = openOrCreate(path, kind)
  const { size } = fstatSync(descriptor)
  let { records, end: position } = ((): Scan => {
    try {
      return scan(descriptor, size, path)
    } catch (error) {
      closeSync(descriptor)
      throw error
    }
  })()
  let isOpen = true
  const syncing = new Set<Promise<void>>()
  // The system gives a closed file's number to the next one that is opened, so a late write would hit that one.
  const checkOpen = (): void => {
    if (!isOpen) throw new Error(`${path} is closed`)
  }
  if (position < size) {
    ftruncateSync(descriptor, position)
    fdatasyncSync(descriptor)
  }
  return {
    get length() {
      return records.length
    },
    get bytes() {
      return position
    },
    append(content) {
      checkOpen()
      const written = writevSync(descriptor, [toFrame(content), content], position)
      // The next append writes over what a full disk let through.
      if (written !== frameSize + content.length) throw new Error(`${path} cannot grow: the disk is full`)
      records.push([position + frameSize, content.length])
      position += written
    },
    async sync() {
      checkOpen()
      const own = syncData(descriptor).finally(() => void syncing.delete(own))
      syncing.add(own)
      await own
    },
    read(index) {
      checkOpen()
      const record = records[index]
      if (record === undefined) throw new RangeError(`${path} has no record ${index}`)
      return readExactly(descriptor, record[1], record[0])
    },
    clear() {
      checkOpen()
      ftruncateSync(descriptor, headerSize)
      records = []
      position = headerSize
    },
    replace(contents) {
      checkOpen()
      const replaced = descriptor
      const written = writeReplacement(path, kind, contents)
      descriptor = written.descriptor
      records = written.records
      position = written.end
      // What waits for the old file waits for what is already safe in the new one; its number must stay taken until then.
      void Promise.allSettled(syncing).then(() => closeSync(replaced))
    },
    close() {
      if (isOpen) closeSync(descriptor)
      isOpen = false
    },
  }
}

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

/** Where a record begins in its file, and how long its content is. */
export interface Place {
  readonly position: number
  readonly length: number
}

/** Hears of a record. */
type Found = (content: Buffer, place: Place) => void

/**
 * A file of records that only grows: eight bytes of magic, a format version and a kind, then records of length,
 * CRC-32 and content.
 */
export interface RecordFile {
  /** Where the next record will begin. */
  readonly end: number
  /**
   * Shows the records, in order, and cuts off what a crash has left behind the last one. Comes before anything is appended.
   * @param from where the first of them begins, or the file ends; all are shown without it
   * Errors: those of `found`; when it is damaged before its last record, which cannot come from a crash
   */
  recover(found: Found, from?: number): void
  /** Appends without waiting for the disk; it survives the process, and the machine after the next sync. */
  append(content: Uint8Array): Place
  /** Resolves when all that was appended before is on the disk. */
  sync(): Promise<void>
  /** Errors: Error when the record there is damaged, or not one. */
  read(place: Place): Buffer
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
export type RecordKind = 'blocks' | 'transient'

const kinds: Readonly<Record<RecordKind, number>> = { blocks: 1, transient: 3 }

/** Goes up with every change of what the files of a ledger hold. */
export const formatVersion = 4

/** Errors: Error when a file of another version cannot be used. */
export function checkVersion(path: string, version: number): void {
  if (version !== formatVersion)
    throw new Error(
      `${path} has format version ${version}; this program knows version ${formatVersion} only: use the program that wrote it, or start anew (--reset)`,
    )
}

const magic = Buffer.from('MEDL')

/** Where the first record begins. */
export const headerSize = 8
/** Length, CRC-32 of these four bytes, CRC-32 of the content: a damaged length must not pass for a torn end. */
const frameSize = 12

/** Where the record behind one begins. */
export const endOf = ({ position, length }: Place): number => position + frameSize + length

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
  checkVersion(path, header.readUInt16BE(4))
  if (header.readUInt16BE(6) !== kinds[kind]) throw new Error(`${path} does not hold ${kind}`)
}

function toFrame(content: Uint8Array): Buffer {
  const frame = Buffer.alloc(frameSize)
  frame.writeUInt32BE(content.length, 0)
  frame.writeUInt32BE(crc32(frame.subarray(0, 4)), 4)
  frame.writeUInt32BE(crc32(content), 8)
  return frame
}

const isZero = (content: Buffer): boolean => content.every((byte) => byte === 0)

const damagedAt = (path: string, position: number): Error =>
  new Error(`${path} is damaged at byte ${position}: restore this folder from a copy`)

/** Finds the records up to an end that a crash may have left, and gives that end. Errors: when anything else is wrong. */
function scan(
  { descriptor, size, path }: { readonly descriptor: number; readonly size: number; readonly path: string },
  from: number,
  found: Found,
): number {
  let position = from
  while (position + frameSize <= size) {
    const frame = readExactly(descriptor, frameSize, position)
    if (crc32(frame.subarray(0, 4)) !== frame.readUInt32BE(4)) {
      // A file may have grown before its content reached the disk.
      if (isZero(frame)) break
      throw damagedAt(path, position)
    }
    const length = frame.readUInt32BE(0)
    const end = endOf({ position, length })
    if (end > size) break
    const content = readExactly(descriptor, length, position + frameSize)
    if (crc32(content) !== frame.readUInt32BE(8)) {
      if (end === size) break
      throw damagedAt(path, position)
    }
    found(content, { position, length })
    position = end
  }
  return position
}

const replacementOf = (path: string): string => `${path}.new`

/** Writes a file of these records and gives it the place of the one at the path. */
function writeReplacement(
  path: string,
  kind: RecordKind,
  contents: Iterable<Uint8Array>,
): { readonly descriptor: number; readonly end: number } {
  const replacement = replacementOf(path)
  const descriptor = openSync(replacement, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, 0o600)
  try {
    let end = writevSync(descriptor, [fileHeader(kind)], 0)
    for (const content of contents) {
      const written = writevSync(descriptor, [toFrame(content), content], end)
      if (written !== frameSize + content.length)
        throw new Error(`${path} cannot be rewritten: the disk is full`)
      end += written
    }
    fdatasyncSync(descriptor)
    renameSync(replacement, path)
    syncDirectory(path)
    return { descriptor, end }
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
}

/** Makes sure that a file's name is on the disk. */
export function syncDirectory(path: string): void {
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

/** Opens the file, or creates it. Errors: when it is of another kind or version. */
export function openRecordFile(path: string, kind: RecordKind): RecordFile {
  // A crash may have come before it took its place.
  rmSync(replacementOf(path), { force: true })
  let descriptor = openOrCreate(path, kind)
  let position = fstatSync(descriptor).size
  let isOpen = true
  const syncing = new Set<Promise<void>>()
  // The system gives a closed file's number to the next one that is opened, so a late write would hit that one.
  const checkOpen = (): void => {
    if (!isOpen) throw new Error(`${path} is closed`)
  }
  return {
    get end() {
      return position
    },
    recover(found, from = headerSize) {
      checkOpen()
      const { size } = fstatSync(descriptor)
      // A process that was killed may have written what is not on the disk yet, and is about to be relied on.
      if (from < size) fdatasyncSync(descriptor)
      position = scan({ descriptor, size, path }, from, found)
      if (position === size) return
      ftruncateSync(descriptor, position)
      fdatasyncSync(descriptor)
    },
    append(content) {
      checkOpen()
      const written = writevSync(descriptor, [toFrame(content), content], position)
      // The next append writes over what a full disk let through.
      if (written !== frameSize + content.length) throw new Error(`${path} cannot grow: the disk is full`)
      const place = { position, length: content.length }
      position += written
      return place
    },
    async sync() {
      checkOpen()
      const own = syncData(descriptor).finally(() => void syncing.delete(own))
      syncing.add(own)
      await own
    },
    read({ position: begin, length }) {
      checkOpen()
      const record = readExactly(descriptor, frameSize + length, begin)
      const content = record.subarray(frameSize)
      if (content.length !== length || !toFrame(content).equals(record.subarray(0, frameSize)))
        throw damagedAt(path, begin)
      return content
    },
    clear() {
      checkOpen()
      ftruncateSync(descriptor, headerSize)
      position = headerSize
    },
    replace(contents) {
      checkOpen()
      const replaced = descriptor
      const written = writeReplacement(path, kind, contents)
      descriptor = written.descriptor
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

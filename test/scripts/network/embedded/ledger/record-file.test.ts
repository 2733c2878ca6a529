import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import {
  endOf,
  formatVersion,
  openRecordFile,
  type Place,
  type RecordFile,
} from '../../../../../scripts/network/embedded/ledger/record-file.ts'

const directory = mkdtempSync(join(tmpdir(), 'medledger-records-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

let count = 0
let path = ''
beforeEach(() => {
  count += 1
  path = join(directory, `file-${count}`)
})

function write(records: readonly Uint8Array[]): void {
  const file = openRecordFile(path, 'blocks')
  for (const record of records) file.append(record)
  file.close()
}

function recover(from?: Place): { file: RecordFile; records: Buffer[]; places: Place[] } {
  const file = openRecordFile(path, 'blocks')
  const [records, places]: [Buffer[], Place[]] = [[], []]
  file.recover(
    (content, place) => {
      records.push(content)
      places.push(place)
    },
    from && endOf(from),
  )
  return { file, records, places }
}

function readAll(): Buffer[] {
  const { file, records, places } = recover()
  expect(places.map((place) => file.read(place))).toEqual(records)
  file.close()
  return records
}

const sample = ['one', 'two', 'three'].map((text) => Buffer.from(text))
const fileHeaderSize = 8
const frameSize = 12

describe('a record file', () => {
  test('gives back what was appended', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 }), (records) => {
        rmSync(path, { force: true })
        write(records)
        expect(readAll()).toEqual(records.map((record) => Buffer.from(record)))
      }),
      { numRuns: 30 },
    )
  })

  test('keeps all whole records, wherever a crash cuts it', () => {
    write(sample)
    const whole = readFileSync(path)
    for (let size = 0; size < whole.length; size += 1) {
      writeFileSync(path, whole.subarray(0, size))
      const records = readAll()
      expect(records).toEqual(sample.slice(0, records.length))
      const ends = [15, 30, 47].map((end) => fileHeaderSize + end)
      expect(records).toHaveLength(ends.filter((end) => end <= size).length)
    }
  })

  test('goes on after a torn end', () => {
    write(sample)
    appendFileSync(path, Buffer.from([0, 0, 0, 9, 1, 2]))
    const { file, records } = recover()
    expect(records).toEqual(sample)
    file.append(Buffer.from('four'))
    file.close()
    expect(readAll().map(String)).toEqual(['one', 'two', 'three', 'four'])
  })

  test('forgets a last record whose bytes did not all reach the disk', () => {
    write(sample)
    const content = readFileSync(path)
    content[content.length - 1] = 0
    writeFileSync(path, content)
    expect(readAll().map(String)).toEqual(['one', 'two'])
  })

  test('that is damaged before its end is refused by name', () => {
    write(sample)
    const content = readFileSync(path)
    content[fileHeaderSize + frameSize] = 0
    writeFileSync(path, content)
    expect(() => recover()).toThrow(`${path} is damaged at byte 8`)
  })

  test('whose length is damaged is refused, and loses nothing of what follows', () => {
    write(sample)
    const content = readFileSync(path)
    content[fileHeaderSize] = 0x7f
    writeFileSync(path, content)
    expect(() => recover()).toThrow(`${path} is damaged at byte 8`)
    expect(readFileSync(path)).toEqual(content)
  })

  test('shows what is behind a record without looking at anything before it', () => {
    write(sample)
    const { places, file } = recover()
    file.close()
    const content = readFileSync(path)
    content[fileHeaderSize + frameSize] = 0
    writeFileSync(path, content)
    const [damaged, second] = places
    const { file: opened, records } = recover(second)
    expect(records.map(String)).toEqual(['three'])
    expect(() => damaged && opened.read(damaged)).toThrow(`${path} is damaged at byte 8`)
    expect(second && opened.read(second).toString()).toBe('two')
    opened.close()
  })

  test('has no record where none begins', () => {
    write(sample)
    const { file } = recover()
    for (const place of [
      { position: fileHeaderSize + 1, length: 3 },
      { position: fileHeaderSize, length: 2 },
      { position: file.end, length: 3 },
    ])
      expect(() => file.read(place)).toThrow('is damaged at byte')
    file.close()
  })

  test('that has grown by nothing but zeros goes on', () => {
    write(sample)
    appendFileSync(path, Buffer.alloc(40))
    expect(readAll().map(String)).toEqual(['one', 'two', 'three'])
  })

  test('of an unknown version, of another kind, or of another program is refused by name', () => {
    write(sample)
    expect(() => openRecordFile(path, 'transient')).toThrow('does not hold transient')
    const content = readFileSync(path)
    content.writeUInt16BE(formatVersion + 1, 4)
    writeFileSync(path, content)
    expect(() => openRecordFile(path, 'blocks')).toThrow(
      `has format version ${formatVersion + 1}; this program knows version ${formatVersion} only`,
    )
    writeFileSync(path, 'something else')
    expect(() => openRecordFile(path, 'blocks')).toThrow('is not a file of this ledger')
  })

  test('can be emptied, and can be read by its owner only', () => {
    write(sample)
    const file = openRecordFile(path, 'blocks')
    file.clear()
    file.append(Buffer.from('new'))
    file.close()
    expect(readAll().map(String)).toEqual(['new'])
    expect(statSync(path).mode % 0o1000).toBe(0o600)
  })

  test('can be replaced as a whole, while it is being synced, and goes on', async () => {
    write(sample)
    const { file, places } = recover()
    const kept = [places[1], file.append(Buffer.from('four'))]
    const syncing = file.sync()
    // What it is made of is read from the old file while the new one is written.
    const remaining = function* (): Generator<Buffer> {
      for (const place of kept) if (place !== undefined) yield file.read(place)
    }
    file.replace(remaining())
    await syncing
    file.append(Buffer.from('five'))
    await file.sync()
    file.close()
    expect(readAll().map(String)).toEqual(['two', 'four', 'five'])
    expect(statSync(path).mode % 0o1000).toBe(0o600)
    expect(readdirSync(directory).filter((name) => name.startsWith(`${basename(path)}.`))).toEqual([])
  })

  test('is the old one when a crash came before the new one was whole', () => {
    write(sample)
    writeFileSync(`${path}.new`, 'the beginning of another')
    expect(readAll()).toEqual(sample)
    expect(existsSync(`${path}.new`)).toBe(false)
  })

  test('takes nothing any more when it is closed', async () => {
    write(sample)
    const file = openRecordFile(path, 'blocks')
    file.close()
    expect(() => file.append(Buffer.from('late'))).toThrow('is closed')
    await expect(file.sync()).rejects.toThrow('is closed')
    expect(() => file.replace([])).toThrow('is closed')
    truncateSync(path, fileHeaderSize)
    expect(readAll()).toEqual([])
  })
})

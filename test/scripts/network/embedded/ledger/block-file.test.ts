import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { openBlockFile, type BlockFile } from '../../../../../scripts/network/embedded/ledger/block-file.ts'
import { openDatabase } from '../../../../../scripts/network/embedded/ledger/database.ts'
import { formatVersion } from '../../../../../scripts/network/embedded/ledger/record-file.ts'
import { createBlock, encodeBlock, type Block } from '../../../../../scripts/network/fabric/block.ts'

const root = mkdtempSync(join(tmpdir(), 'medledger-blocks-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(root, 'chain-'))
})

const pathOf = (name: 'blocks' | 'ledger.sqlite'): string => join(folder, name)

interface Opened {
  readonly blocks: BlockFile
  /** The numbers of the blocks that were shown when it was opened. */
  readonly replayed: readonly number[]
  readonly close: () => void
}

function open(): Opened {
  const database = openDatabase(pathOf('ledger.sqlite'))
  const replayed: number[] = []
  try {
    const blocks = openBlockFile(pathOf('blocks'), database, ({ number }) => replayed.push(number))
    const close = (): void => {
      blocks.close()
      database.close()
    }
    return { blocks, replayed, close }
  } catch (error) {
    database.close()
    throw error
  }
}

const nextBlock = ({ height, lastHash }: BlockFile, text: string): Block =>
  createBlock(height, lastHash, [Buffer.from(`${text} ${height}`)])

/** Appends so many blocks, and gives the bytes of all. */
async function grow(count: number, text = 'block'): Promise<Buffer[]> {
  const { blocks, close } = open()
  for (let left = count; left > 0; left -= 1) await blocks.append(nextBlock(blocks, text))
  const contents = Array.from({ length: blocks.height }, (_, number) => blocks.read(number))
  close()
  return contents
}

const saveDatabase = (): string => {
  copyFileSync(pathOf('ledger.sqlite'), join(folder, 'saved'))
  return join(folder, 'saved')
}

describe('a chain of blocks', () => {
  test('goes on after a restart, without looking at the blocks that its database knows', async () => {
    const contents = await grow(3)
    const bytes = readFileSync(pathOf('blocks'))
    // In the content of the first block.
    bytes[30] = 0xff
    writeFileSync(pathOf('blocks'), bytes)
    const { blocks, replayed, close } = open()
    expect([blocks.height, replayed]).toEqual([3, []])
    expect(blocks.lastBlock && encodeBlock(blocks.lastBlock)).toEqual(contents[2])
    expect([1, 2].map((number) => blocks.read(number))).toEqual(contents.slice(1))
    expect(() => blocks.read(0)).toThrow(`${pathOf('blocks')} is damaged at byte 8`)
    expect(() => blocks.read(3)).toThrow('has no block 3')
    await blocks.append(nextBlock(blocks, 'block'))
    close()
    expect(await grow(0).catch((error: Error) => error.message)).toContain('is damaged at byte 8')
  })

  test('is brought into a new database, block by block', async () => {
    const contents = await grow(250)
    rmSync(pathOf('ledger.sqlite'))
    const { replayed, close } = open()
    expect(replayed).toEqual(contents.map((_, number) => number))
    close()
    expect(await grow(0)).toEqual(contents)
  })

  test('is brought into a database that is behind, from where that ends', async () => {
    await grow(2)
    const saved = saveDatabase()
    const contents = await grow(2)
    copyFileSync(saved, pathOf('ledger.sqlite'))
    const { replayed, close } = open()
    expect(replayed).toEqual([2, 3])
    close()
    expect(await grow(0)).toEqual(contents)
  })

  test('that lacks what its database has is refused, and is whole without that database', async () => {
    await grow(2)
    const { length } = readFileSync(pathOf('blocks'))
    const contents = await grow(2)
    truncateSync(pathOf('blocks'), length)
    expect(open).toThrow(
      `${pathOf('blocks')} cannot be used: it ends before block 3, which the database beside it has: restore both`,
    )
    rmSync(pathOf('ledger.sqlite'))
    expect(await grow(0)).toEqual(contents.slice(0, 2))
  })

  test('is refused beside the database of another one', async () => {
    await grow(3, 'other')
    const saved = saveDatabase()
    for (const name of ['blocks', 'ledger.sqlite'] as const) rmSync(pathOf(name))
    await grow(4, 'block')
    copyFileSync(saved, pathOf('ledger.sqlite'))
    expect(open).toThrow('it is not the chain that the database beside it knows')
  })

  test('takes nothing more after a block that could not be brought in, and has it after a restart', async () => {
    await grow(2)
    const { blocks, close } = open()
    const refused = nextBlock(blocks, 'refused')
    const failure = (): never => {
      throw new Error('the disk is full')
    }
    await expect(blocks.append(refused, failure)).rejects.toThrow('the disk is full')
    expect(blocks.height).toBe(2)
    await expect(blocks.append(refused)).rejects.toThrow('takes no more blocks until it is opened anew')
    close()
    const reopened = open()
    expect([reopened.replayed, reopened.blocks.height]).toEqual([[2], 3])
    reopened.close()
  })

  test('takes no block that does not follow', async () => {
    await grow(1)
    const { blocks, close } = open()
    const block = nextBlock(blocks, 'block')
    await expect(blocks.append({ ...block, number: 2 })).rejects.toThrow('block 1 was expected')
    await expect(blocks.append({ ...block, previousHash: block.dataHash })).rejects.toThrow('does not follow')
    await expect(blocks.append({ ...block, dataHash: block.previousHash })).rejects.toThrow('does not hold')
    await blocks.append(block)
    close()
  })
})

describe('a database', () => {
  test('can be read by its owner only, with its log', async () => {
    const { blocks, close } = open()
    await blocks.append(nextBlock(blocks, 'block'))
    const modes = ['', '-wal'].map((ending) => statSync(`${pathOf('ledger.sqlite')}${ending}`).mode % 0o1000)
    expect(modes).toEqual([0o600, 0o600])
    close()
  })

  test('of an unknown version, of another program, or damaged is refused by name', async () => {
    await grow(1)
    const path = pathOf('ledger.sqlite')
    const content = readFileSync(path)
    // The user version and the application id of SQLite's file header.
    for (const [offset, text] of [
      [60, `has format version ${formatVersion + 1}; this program knows version ${formatVersion} only`],
      [68, 'is not a database of this ledger'],
    ] as const) {
      const changed = Buffer.from(content)
      changed.writeUInt32BE(formatVersion + 1, offset)
      writeFileSync(path, changed)
      expect(open).toThrow(`${path} ${text}`)
    }
    writeFileSync(path, content.subarray(0, 100))
    expect(open).toThrow(`${path} cannot be used: `)
    writeFileSync(
      path,
      'something else, and longer than the header of a database has to be: at least a hundred bytes, please',
    )
    expect(open).toThrow(`${path} cannot be used: file is not a database`)
  })
})

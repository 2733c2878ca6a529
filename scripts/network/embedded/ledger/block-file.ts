import { blockHash, dataHashOf, decodeBlock, encodeBlock, type Block } from '../../fabric/block.ts'
import { openBlockPositions, type BlockPosition, type BlockPositions } from './block-positions.ts'
import type { LedgerDatabase } from './database.ts'
import { endOf, headerSize, openRecordFile, type Place, type RecordFile } from './record-file.ts'

/** The chain of blocks in a file, from the genesis block, and in a database where each of them lies. */
export interface BlockFile {
  /** What is in both: a block that is still being written does not count. */
  readonly height: number
  /** Hash of the last block's header; empty when there is none. */
  readonly lastHash: Buffer
  readonly lastBlock: Block | undefined
  /**
   * Resolves when the block is on the disk, and in the database together with what `apply` writes there. After an error
   * nothing can be appended any more until the file is opened anew.
   * Errors: Error when the block does not follow the last one, or cannot be written.
   */
  append(block: Block, apply?: () => void): Promise<void>
  /** The block's bytes as they were appended. Errors: RangeError when there is no such block. */
  readonly read: (number: number) => Buffer
  close(): void
}

function checkFollows(block: Block, { height, lastHash }: Tip): void {
  if (block.number !== height) throw new Error(`block ${height} was expected, not block ${block.number}`)
  if (!block.previousHash.equals(lastHash))
    throw new Error(`block ${block.number} does not follow the last one`)
  if (!dataHashOf(block.envelopes).equals(block.dataHash))
    throw new Error(`block ${block.number} does not hold what its header says`)
}

interface Tip {
  readonly height: number
  readonly lastHash: Buffer
  readonly lastBlock: Block | undefined
}

/** Blocks that are brought into the database together when it is behind the file. */
const replayedTogether = 100

/** Where what the database does not know begins. Errors: when the file ends before. */
function startOf(file: Pick<RecordFile, 'end'>, last: BlockPosition | undefined): number {
  const from = last === undefined ? headerSize : endOf(last.place)
  if (last !== undefined && file.end < from)
    throw new Error(
      `it ends before block ${last.number}, which the database beside it has: restore both from one copy, or remove the database, which is then made anew from the blocks`,
    )
  return from
}

/** The block that the database says is the last one. Errors: when another one stands there. */
function readTip(file: Pick<RecordFile, 'read'>, last: BlockPosition | undefined): Tip {
  if (last === undefined) return { height: 0, lastHash: Buffer.alloc(0), lastBlock: undefined }
  const lastBlock = decodeBlock(file.read(last.place))
  const lastHash = blockHash(lastBlock)
  if (lastBlock.number !== last.number || !lastHash.equals(last.hash))
    throw new Error(
      'it is not the chain that the database beside it knows: restore both from one copy, or remove the database, which is then made anew from the blocks',
    )
  return { height: last.number + 1, lastHash, lastBlock }
}

/** The file and the database as one. */
interface Chain {
  readonly file: RecordFile
  readonly database: LedgerDatabase
  readonly positions: BlockPositions
}

/** Adds to the database a block that is in the file, in the caller's transaction. */
function index({ positions }: Chain, block: Block, place: Place): Tip {
  const hash = blockHash(block)
  positions.add({ number: block.number, place, hash })
  return { height: block.number + 1, lastHash: hash, lastBlock: block }
}

/** Brings the blocks that only the file has into the database, and gives the last one. */
function catchUp(chain: Chain, replay: (block: Block) => void): Tip {
  const { file, database, positions } = chain
  const last = positions.last()
  const from = startOf(file, last)
  let tip = readTip(file, last)
  let waiting: Array<readonly [Block, Place]> = []
  const flush = (): void => {
    database.inTransaction(() => {
      for (const [block, place] of waiting) {
        checkFollows(block, tip)
        tip = index(chain, block, place)
        replay(block)
      }
    })
    database.trim()
    waiting = []
  }
  file.recover((content, place) => {
    waiting.push([decodeBlock(content), place])
    if (waiting.length === replayedTogether) flush()
  }, from)
  flush()
  return tip
}

/**
 * Opens the file and shows the blocks that the database does not have yet to `replay`, in order and in the transactions
 * that add them: all of them when the database is new.
 * Errors: when the file is damaged, of another format, or its blocks are not a chain; or when it lacks what the database
 * has.
 */
export function openBlockFile(
  path: string,
  database: LedgerDatabase,
  replay: (block: Block) => void = () => undefined,
): BlockFile {
  const file = openRecordFile(path, 'blocks')
  const chain = { file, database, positions: openBlockPositions(database) }
  let hasFailed = false
  let tip = ((): Tip => {
    try {
      return catchUp(chain, replay)
    } catch (error) {
      file.close()
      throw new Error(`${path} cannot be used: ${(error as Error).message}`, { cause: error })
    }
  })()

  return {
    get height() {
      return tip.height
    },
    get lastHash() {
      return tip.lastHash
    },
    get lastBlock() {
      return tip.lastBlock
    },
    async append(block, apply = () => undefined) {
      if (hasFailed) throw new Error(`${path} takes no more blocks until it is opened anew`)
      checkFollows(block, tip)
      try {
        const place = file.append(encodeBlock(block))
        // Before the database: it must never have a block that the file may lose.
        await file.sync()
        tip = database.inTransaction(() => {
          apply()
          return index(chain, block, place)
        })
      } catch (error) {
        hasFailed = true
        throw error
      }
    },
    read(number) {
      const place = chain.positions.find(number)
      if (place === undefined) throw new RangeError(`${path} has no block ${number}`)
      return file.read(place)
    },
    close: () => file.close(),
  }
}

import { blockHash, dataHashOf, decodeBlock, encodeBlock, type Block } from '../../fabric/block.ts'
import { openRecordFile } from './record-file.ts'

/** The chain of blocks in a file, from the genesis block. */
export interface BlockFile {
  readonly height: number
  /** Hash of the last block's header; empty when there is none. */
  readonly lastHash: Buffer
  readonly lastBlock: Block | undefined
  /** Errors: Error when the block does not follow the last one. */
  append(block: Block): void
  sync(): Promise<void>
  /** The block's bytes as they were appended. Errors: RangeError when there is no such block. */
  readonly read: (number: number) => Buffer
  close(): void
}

function checkFollows(block: Block, height: number, lastHash: Buffer): void {
  if (block.number !== height) throw new Error(`block ${height} was expected, not block ${block.number}`)
  if (!block.previousHash.equals(lastHash))
    throw new Error(`block ${block.number} does not follow the last one`)
  if (!dataHashOf(block.envelopes).equals(block.dataHash))
    throw new Error(`block ${block.number} does not hold what its header says`)
}

/**
 * Opens the file and shows every block to `replay`, in order.
 * Errors: when the file is damaged, of another format, or its blocks are not a chain.
 */
export function openBlockFile(path: string, replay: (block: Block) => void): BlockFile {
  const file = openRecordFile(path, 'blocks')
  let lastHash = Buffer.alloc(0)
  let lastBlock: Block | undefined
  const follow = (block: Block, height: number): void => {
    checkFollows(block, height, lastHash)
    lastHash = Buffer.from(blockHash(block))
    lastBlock = block
  }
  try {
    for (let number = 0; number < file.length; number += 1) {
      const block = decodeBlock(file.read(number))
      follow(block, number)
      replay(block)
    }
  } catch (error) {
    file.close()
    throw new Error(`${path} cannot be used: ${(error as Error).message}`, { cause: error })
  }
  return {
    get height() {
      return file.length
    },
    get lastHash() {
      return lastHash
    },
    get lastBlock() {
      return lastBlock
    },
    append(block) {
      checkFollows(block, file.length, lastHash)
      file.append(encodeBlock(block))
      follow(block, file.length - 1)
    },
    sync: () => file.sync(),
    read: (number) => file.read(number),
    close: () => file.close(),
  }
}

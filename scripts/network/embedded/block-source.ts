import type { Channel } from './channel/channel.ts'
import type { Configurations } from './configuration/configurations.ts'
import { decodeBlock, type Block } from '../fabric/block.ts'
import { checkTransaction, type CheckedTransaction } from './ledger/verify-signatures.ts'
import { checkBlock } from './node/check-block.ts'
import type { Ordering } from './node/ordering.ts'

/** A block with the signatures of its transactions checked. */
export interface SourceBlock {
  readonly block: Block
  readonly transactions: readonly CheckedTransaction[]
}

/** Blocks kept: all peers ask for the newest at about the same time, and checking signatures is the costly part. */
const cacheLimit = 32

/**
 * The orderer's blocks for the peers of this process; undefined when there is none of this number yet, or the orderer
 * is stopped. Errors: when a block is not one that a peer may go on with, or the asking peer is ahead of the orderer.
 */
export function createBlockSource(
  channel: Pick<Channel, 'name'>,
  ordering: () => Pick<Ordering, 'blocks' | 'configurations'> | undefined,
): (number: number) => SourceBlock | undefined {
  const cache = new Map<number, SourceBlock>()

  const check = (block: Block, number: number, configurations: Configurations): SourceBlock => {
    const { membership, policies } = configurations.at(number)
    checkBlock(block, number, { channel: channel.name, membership, policy: policies.blockValidation })
    return { block, transactions: block.envelopes.map((envelope) => checkTransaction(envelope, membership)) }
  }
  return (number) => {
    const { blocks, configurations } = ordering() ?? {}
    if (blocks === undefined || configurations === undefined || number === blocks.height) return undefined
    if (number > blocks.height)
      throw new Error(`it is ahead of the orderer, whose height is ${blocks.height}`)
    const found = cache.get(number) ?? check(decodeBlock(blocks.read(number)), number, configurations)
    const [oldest] = cache.keys()
    if (cache.size >= cacheLimit && oldest !== undefined) cache.delete(oldest)
    cache.set(number, found)
    return found
  }
}

import { decodeBlock, lastConfigOf, type Block } from '../../fabric/block.ts'
import { readEnvelope } from '../ledger/transaction.ts'
import { readBundle, type Bundle } from './bundle.ts'

/** The configurations of a chain: which one is in force for which block. */
export interface Configurations {
  /** The one by which the block of this number is judged. Errors: RangeError when the block before it is not there. */
  readonly at: (block: number) => Bundle
  /** The one by which the next block will be judged. Errors: RangeError before there is a block. */
  readonly current: () => Bundle
}

interface Blocks {
  readonly height: number
  readonly lastBlock: Block | undefined
  readonly read: (number: number) => Buffer
}

/** Configurations kept, the newest: an old one is asked for only by who catches up. */
const cacheLimit = 8

export function configurationIn(block: Block): Bundle {
  const [envelope] = block.envelopes
  if (envelope === undefined) throw new RangeError(`block ${block.number} is empty`)
  return readBundle(readEnvelope(envelope).data)
}

/** @param blocks each says in its metadata which block's configuration was the newest with it */
export function createConfigurations(blocks: Blocks): Configurations {
  const cache = new Map<number, Bundle>()
  let known: { readonly height: number; readonly bundle: Bundle } | undefined

  const inBlock = (number: number): Bundle => {
    const found = cache.get(number) ?? configurationIn(decodeBlock(blocks.read(number)))
    const [oldest] = cache.keys()
    if (cache.size >= cacheLimit && oldest !== undefined) cache.delete(oldest)
    cache.set(number, found)
    return found
  }
  return {
    // The genesis block is judged by the configuration that it brings.
    at: (block) => inBlock(block === 0 ? 0 : lastConfigOf(decodeBlock(blocks.read(block - 1)))),
    current() {
      const { height, lastBlock } = blocks
      if (lastBlock === undefined) throw new RangeError('the chain has no block yet')
      if (known?.height !== height) known = { height, bundle: inBlock(lastConfigOf(lastBlock)) }
      return known.bundle
    },
  }
}

import { blockHash, dataHashOf, decodeBlock, slot, type Block } from '../fabric/block.ts'
import type { Topology } from '../topology.ts'
import type { Administration, Administrator } from './administration.ts'
import { chainInfo } from './lifecycle.ts'

/** What came of comparing the peers' chains. */
export interface Compared {
  /** How many blocks all peers have and were compared. */
  readonly blocks: number
  readonly transactions: number
  /** Of those, how many are marked valid. */
  readonly valid: number
  /** A line for each difference; empty when the peers agree. */
  readonly differences: readonly string[]
}

/** What must be the same at every peer, by name. */
const aspects: Readonly<Record<string, (block: Block) => string>> = {
  header: (block) => blockHash(block).toString('hex'),
  data: ({ envelopes }) => dataHashOf(envelopes).toString('hex'),
  'validation codes': ({ metadata }) => (metadata[slot.validationCodes] ?? Buffer.alloc(0)).toString('hex'),
  'commit hash': ({ metadata }) => (metadata[slot.commitHash] ?? Buffer.alloc(0)).toString('hex'),
}

/**
 * Compares the peers block by block, up to the height that all of them have: headers, data, the validation code of each
 * transaction, and Fabric's hash over everything that was committed up to there, state included. Each peer's own chain is
 * checked too: data against its header, and each header against the one before.
 */
export async function compareChains({
  topology,
  administration,
}: {
  readonly topology: Topology
  readonly administration: Administration
}): Promise<Compared> {
  const { channel } = topology.constitution
  const { administrators } = administration
  const heights = await Promise.all(
    administrators.map(async (administrator) => (await chainInfo(administrator, channel)).height),
  )
  const last = Math.min(...heights) - 1
  const chains = administrators.map((administrator) => readChain(administrator, channel, last))
  const differences: string[] = []
  let transactions = 0
  let valid = 0
  try {
    for (let number = 0; number <= last; number += 1) {
      const blocks = await Promise.all(
        chains.map(async ({ name, next }) => ({ name, block: await next(differences) })),
      )
      differences.push(...differencesAt(number, blocks))
      const codes = [...(blocks[0]?.block.metadata[slot.validationCodes] ?? [])]
      transactions += codes.length
      valid += codes.filter((code) => code === 0).length
    }
  } finally {
    // What is not read to its end keeps its connection.
    await Promise.all(chains.map(({ close }) => close()))
  }
  return { blocks: last + 1, transactions, valid, differences }
}

interface Chain {
  /** The peer's organisation. */
  readonly name: string
  /** One block after the other, with a line for each that does not follow from the one before. */
  readonly next: (differences: string[]) => Promise<Block>
  readonly close: () => Promise<unknown>
}

function readChain(administrator: Administrator, channel: string, last: number): Chain {
  const blocks = administrator.blocks(channel, last)
  const name = administrator.organisation
  let previous: Block | undefined
  return {
    name,
    async next(differences) {
      const { value, done } = await blocks.next()
      if (done === true) throw new Error(`the peer of ${name} gave too few blocks`)
      const block = decodeBlock(value)
      const where = `block ${block.number} of ${name}`
      if (!block.dataHash.equals(dataHashOf(block.envelopes)))
        differences.push(`${where}: its data are not what its header says`)
      if (previous !== undefined && !block.previousHash.equals(blockHash(previous)))
        differences.push(`${where}: it does not follow from block ${previous.number}`)
      previous = block
      return block
    },
    close: () => blocks.return(undefined),
  }
}

interface NamedBlock {
  readonly name: string
  readonly block: Block
}

function differencesAt(number: number, blocks: readonly NamedBlock[]): string[] {
  const [first, ...others] = blocks
  if (first === undefined) return []
  return others.flatMap((other) =>
    Object.entries(aspects)
      .filter(([, aspectOf]) => aspectOf(first.block) !== aspectOf(other.block))
      .map(([aspect]) => `block ${number}: ${first.name} and ${other.name} differ in the ${aspect}`),
  )
}

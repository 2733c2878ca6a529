import { toFullBlock } from '../../gateway/src/ledger/fabric/full-block.ts'
import type { FullBlock, UnreadableBlock } from '../../gateway/src/ledger/port.ts'
import type { Projection } from '../../gateway/src/store/index.ts'
import { deliveredOf, type TransactionSample } from './full-blocks.ts'

type Content = FullBlock | UnreadableBlock

/** An own peer's chain in the hands of a test, as the port offers it. */
export interface TestChain {
  readonly blocks: readonly Content[]
  /** Appends a block and hands it to whoever follows; resolves when that is done. */
  append(...transactions: readonly TransactionSample[]): Promise<void>
  /** Hands over anything. */
  hand(block: Content): Promise<void>
  /** From where it was followed, each time. */
  readonly followed: readonly number[]
  /** The peer has all private values now. */
  reconcile(): void
  readonly transport: {
    followFull(from: number, onBlock: (block: Content) => Promise<void>): Promise<() => void>
    readFull(number: number): Promise<Content>
  }
}

export function testChain(): TestChain {
  const samples: (readonly TransactionSample[])[] = []
  const blocks: Content[] = []
  const followed: number[] = []
  const followers = new Set<(block: Content) => Promise<void>>()
  let isReconciled = false

  const contentOf = (number: number): Content => {
    const transactions = (samples[number] ?? []).map((sample) => ({
      ...sample,
      changes: (sample.changes ?? []).map((change) => ({
        ...change,
        isMissing: change.isMissing === true && !isReconciled,
      })),
    }))
    const before = blocks[number - 1]
    const previousHash = before === undefined || 'fault' in before ? '' : before.hash
    const { content } = deliveredOf({ number, previousHash: Buffer.from(previousHash, 'hex'), transactions })
    return toFullBlock(content, 'medledger', number)
  }
  const hand = async (block: Content): Promise<void> => {
    for (const follower of Array.from(followers)) await follower(block)
  }
  return {
    blocks,
    followed,
    async append(...transactions) {
      samples.push(transactions)
      const block = contentOf(samples.length - 1)
      blocks.push(block)
      await hand(block)
    },
    hand,
    reconcile() {
      isReconciled = true
    },
    transport: {
      async followFull(from, onBlock) {
        followed.push(from)
        for (const number of blocks.keys()) if (number >= from) await onBlock(contentOf(number))
        followers.add(onBlock)
        return () => void followers.delete(onBlock)
      },
      readFull: async (number) => contentOf(number),
    },
  }
}

const tables = [
  'projected',
  'transactions',
  'progress',
  'private_values',
  'missing_values',
  'public_values',
] as const

/** Every row of every table, in the order of its text. */
export async function dumpOf(database: Projection): Promise<Record<string, string[]>> {
  const entries = await Promise.all(
    tables.map(async (table) => {
      const rows = await database.selectFrom(table).selectAll().execute()
      return [table, rows.map(told).sort()] as const
    }),
  )
  return Object.fromEntries(entries)
}

const told = (row: object): string =>
  Object.entries(row)
    .map(([name, value]) => `${name}=${value instanceof Uint8Array ? Buffer.from(value).toString() : value}`)
    .join(' ')

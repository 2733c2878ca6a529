import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DeliveredBlock, TransactionStatus } from '../../../gateway/src/ledger/port.ts'
import {
  byPosition,
  keepPositions,
  openProjection,
  type Positions,
  type Projection,
} from '../../../gateway/src/store/index.ts'
import { dialects, emptyOn } from '../../support/dialects.ts'

const blockOf = (number: number, transactions: readonly Partial<TransactionStatus>[]): DeliveredBlock => ({
  number,
  transactions: transactions.map((transaction, position) => ({
    transactionId: `${number}-${position}`,
    block: number,
    position,
    valid: true,
    code: 'VALID',
    ...transaction,
  })),
})

/** A peer's stream in the hands of a test: where it was followed from, and what hands it a block. */
interface Stream {
  readonly from: number
  readonly positions: Positions
  readonly deliver: (block: DeliveredBlock) => Promise<void>
}

async function followed(database: Projection): Promise<Stream> {
  let deliver: Stream['deliver'] = async () => {}
  let from = -1
  const positions = await keepPositions(database, {
    async follow(fromBlock, onBlock) {
      from = fromBlock
      deliver = onBlock
      return () => {
        deliver = async () => {}
      }
    },
  })
  return { from, positions, deliver: (block) => deliver(block) }
}

describe.each(dialects)('the places of transactions on $name', (dialect) => {
  let database: Projection
  beforeEach(async () => {
    database = await openProjection(await emptyOn(dialect))
  })
  afterEach(() => database.destroy())

  test('are those of valid transactions with an id, and of no others', async () => {
    const { deliver, positions } = await followed(database)
    await deliver(blockOf(0, [{ transactionId: '' }, {}, { valid: false }, {}]))
    const found = await positions.find(['', '0-1', '0-2', '0-3', 'unknown'])
    expect([...found]).toEqual([
      ['0-1', { block: 0, position: 1 }],
      ['0-3', { block: 0, position: 3 }],
    ])
  })

  test('are followed from block 0 in an empty store, and from the first missing one in another', async () => {
    const first = await followed(database)
    expect(first.from).toBe(0)
    await first.deliver(blockOf(0, [{}]))
    await first.deliver(blockOf(1, []))
    first.positions.stop()
    expect((await followed(database)).from).toBe(2)
  })

  test('and the height are kept together or not at all, so that a block after a crash is neither lost nor repeated', async () => {
    const before = await followed(database)
    await before.deliver(blockOf(0, [{}]))
    // The middle row cannot be stored: all of the block must go, its height with it.
    const broken = blockOf(1, [{}, { position: null as unknown as number }, {}])
    await expect(before.deliver(broken)).rejects.toThrow()
    expect((await before.positions.find(['1-0', '1-2'])).size).toBe(0)
    const after = await followed(database)
    expect(after.from).toBe(1)
    await after.deliver(blockOf(1, [{}, {}, {}]))
    expect((await after.positions.find(['0-0', '1-0', '1-1', '1-2'])).size).toBe(4)
    expect((await followed(database)).from).toBe(2)
  })

  test('do not change when a block is delivered twice', async () => {
    const { deliver, positions } = await followed(database)
    await deliver(blockOf(0, [{}, {}]))
    await deliver(blockOf(0, [{}, {}]))
    expect([...(await positions.find(['0-1', '0-0']))].map(([id]) => id).sort()).toEqual(['0-0', '0-1'])
  })

  test('are found however many are asked for at once', async () => {
    const { deliver, positions } = await followed(database)
    await deliver(
      blockOf(
        0,
        Array.from({ length: 300 }, () => ({})),
      ),
    )
    await deliver(
      blockOf(
        1,
        Array.from({ length: 300 }, () => ({})),
      ),
    )
    const ids = [0, 1].flatMap((block) =>
      Array.from({ length: 800 }, (_, position) => `${block}-${position}`),
    )
    expect((await positions.find(ids)).size).toBe(600)
    expect((await positions.find([])).size).toBe(0)
  })
})

describe('the places of transactions', () => {
  test('order by block, then by place in the block', () => {
    const position = fc.record({ block: fc.nat(5), position: fc.nat(5) })
    fc.assert(
      fc.property(fc.array(position), (places) => {
        const sorted = places.toSorted(byPosition)
        const numbers = sorted.map((place) => place.block * 10 + place.position)
        expect(numbers).toEqual(numbers.toSorted((one, other) => one - other))
      }),
    )
  })
})

import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FullBlock, UnreadableBlock } from '../../../gateway/src/ledger/port.ts'
import {
  keepProjection,
  prepareProjection,
  type KeptProjection,
} from '../../../gateway/src/projection/index.ts'
import { openProjection, type Projection } from '../../../gateway/src/store/index.ts'
import { dialects, emptyOn } from '../../support/dialects.ts'
import { capturedLog } from '../../support/gateway-network.ts'
import type { Change } from '../../support/full-blocks.ts'
import { poll } from '../../support/poll.ts'
import { dumpOf, testChain, type TestChain } from '../../support/projection.ts'

const members = new Set(['registry', 'consent-north'])
const put = (key: string, value: string, more: Partial<Change> = {}): Change => ({
  collection: 'consent-north',
  key,
  value,
  ...more,
})

describe.each(dialects)('the projection on $name', (dialect) => {
  let database: Projection
  let chain: TestChain
  let kept: KeptProjection[]
  let lines: readonly string[]
  let stops: number

  const keep = async (reconcileEveryMs = 60_000): Promise<KeptProjection> => {
    const captured = capturedLog()
    lines = captured.lines
    const one = await keepProjection({
      database,
      transport: chain.transport,
      members,
      log: captured.log,
      onStopped: () => {
        stops += 1
      },
      reconcileEveryMs,
    })
    kept.push(one)
    return one
  }
  const append = (...changes: readonly Change[]): Promise<void> =>
    chain.append({ id: `t${chain.blocks.length}`, changes })
  const blockAt = (number: number): FullBlock => chain.blocks[number] as FullBlock

  beforeEach(async () => {
    database = await openProjection(await emptyOn(dialect))
    await prepareProjection(database, false)
    chain = testChain()
    kept = []
    stops = 0
  })
  afterEach(async () => {
    for (const one of kept) one.stop()
    await database.destroy()
  })

  test('follows from block 0, and later from the newest one that it has', async () => {
    await append(put('a', '1'))
    const first = await keep()
    await append(put('b', '2'))
    expect(first.state()).toEqual({ blocks: 2, fault: undefined })
    first.stop()
    await append(put('a', '3'))
    const second = await keep()
    expect(chain.followed).toEqual([0, 1])
    expect(second.state()).toEqual({ blocks: 3, fault: undefined })
    const before = await dumpOf(database)
    // A peer that is asked again sends what it has.
    for (const block of chain.blocks) await chain.hand(block)
    expect(await dumpOf(database)).toEqual(before)
    expect(second.state()).toEqual({ blocks: 3, fault: undefined })
  })

  describe('stops for good', () => {
    const cases: readonly (readonly [string, string, () => FullBlock | UnreadableBlock])[] = [
      ['at a gap', 'gap', () => ({ ...blockAt(1), number: 3 })],
      [
        'at a block that does not follow',
        'fork',
        () => ({ ...blockAt(1), number: 2, previousHash: 'other' }),
      ],
      ['when the newest one is another', 'fork', () => ({ ...blockAt(1), hash: 'other' })],
      ['at data that are not the block’s', 'data-hash', () => ({ number: 2, fault: 'data-hash' })],
      ['at a block that cannot be read', 'undecodable', () => ({ number: 2, fault: 'undecodable' })],
    ]
    test.each(cases)('%s, and says so', async (_what, reason, handed) => {
      const projection = await keep()
      await append(put('a', '1'))
      await append(put('a', '2'))
      const before = await dumpOf(database)
      const waiting = projection.reaches(2, 60_000)
      await chain.hand(handed())
      await chain.hand(handed())
      expect(projection.state()).toEqual({ blocks: 2, fault: reason })
      expect(stops).toBe(1)
      expect(await waiting).toBe(false)
      await append(put('a', '3'))
      expect(await dumpOf(database)).toEqual(before)
      expect(await projection.reaches(0, 0), 'it answers nobody any more').toBe(false)
      expect(lines).toEqual([expect.stringContaining('"where":"projection"')])
      expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 50, kind: 'ProjectionStopped', reason })
    })

    test('until it is made anew from the peer’s chain', async () => {
      const projection = await keep()
      await append(put('old', '1'))
      const other = testChain()
      await other.append({ id: 'new', changes: [put('new', '1')] })
      chain = other
      projection.stop()
      expect((await keep()).state().fault).toBe('fork')
      await prepareProjection(database, true)
      expect((await keep()).state()).toEqual({ blocks: 1, fault: undefined })
      expect(JSON.stringify(await dumpOf(database))).not.toContain('key=old')
    })
  })

  test('says when it has a block, and when it does not have it in time', async () => {
    const projection = await keep()
    expect(await projection.reaches(0, 1)).toBe(false)
    const waiting = [projection.reaches(0, 60_000), projection.reaches(1, 60_000)]
    await append(put('a', '1'))
    expect(await projection.reaches(0, 0)).toBe(true)
    await append(put('a', '2'))
    expect(await Promise.all(waiting)).toEqual([true, true])
  })

  test('goes on beside another gateway on the same database, and after that one has begun anew', async () => {
    const one = await keep()
    const other = await keep()
    await append(put('a', '1'))
    await append(put('b', '2'))
    expect([one.state().blocks, other.state().blocks]).toEqual([2, 2])
    const before = await dumpOf(database)
    await prepareProjection(database, true)
    await append(put('b', '2'))
    await poll('both to have all blocks', () =>
      one.state().blocks === 3 && other.state().blocks === 3 ? true : undefined,
    )
    const { private_values: rows } = await dumpOf(database)
    expect(rows).toHaveLength(before['private_values']?.length ?? 0)
  })

  test('asks again for what the peer did not hold', async () => {
    const projection = await keep(5)
    await append(put('a', '1', { isMissing: true }), put('b', '2'))
    await append(put('c', '3', { isMissing: true }))
    expect(await projection.missing()).toBe(2)
    chain.reconcile()
    await poll('the values', async () => ((await projection.missing()) === 0 ? true : undefined))
    expect((await dumpOf(database)).private_values).toHaveLength(3)
    expect(lines.some((line) => line.includes('projection.reconciled'))).toBe(true)
  })
})

describe('a projection that is made anew', () => {
  test('has the same rows as one that followed block by block, whatever was written, missed and purged', async () => {
    const change = fc.record({
      collection: fc.constantFrom('registry', 'consent-north', 'access-south', undefined),
      key: fc.constantFrom('a', 'b', 'c'),
      value: fc.constantFrom('1', '2', undefined),
      isMissing: fc.boolean(),
      isPurge: fc.boolean(),
    })
    const toChange = ({ collection, value, isMissing, isPurge, ...rest }: Static): Change => ({
      ...rest,
      ...(collection !== undefined && { collection }),
      ...(value === undefined ? { isPurge } : { value, isMissing }),
    })
    type Static = typeof change extends fc.Arbitrary<infer Value> ? Value : never
    const transaction = fc.record({
      code: fc.constantFrom(0, 0, 0, 11),
      changes: fc.uniqueArray(change.map(toChange), {
        maxLength: 4,
        selector: ({ collection, key }) => `${collection}/${key}`,
      }),
    })
    const [sqlite] = dialects
    if (sqlite === undefined) throw new Error('there is no dialect')
    const open = await sqlite.database()
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(transaction, { maxLength: 3 }), { maxLength: 8 }),
        async (blocks) => {
          const database = await openProjection(open())
          await prepareProjection(database, true)
          const chain = testChain()
          const { log } = capturedLog()
          const sources = { database, transport: chain.transport, members, log }
          const before = await keepProjection({ ...sources, reconcileEveryMs: 1 })
          for (const [number, transactions] of blocks.entries())
            await chain.append(...transactions.map((each, index) => ({ id: `${number}-${index}`, ...each })))
          chain.reconcile()
          await poll('reconciliation', async () => ((await before.missing()) === 0 ? true : undefined), {
            everyMs: 1,
          })
          before.stop()
          const followed = await dumpOf(database)
          await prepareProjection(database, true)
          const after = await keepProjection(sources)
          after.stop()
          expect(after.state()).toEqual({ blocks: blocks.length, fault: undefined })
          expect(await dumpOf(database)).toEqual(followed)
          await database.destroy()
        },
      ),
      { numRuns: 40 },
    )
  })
})

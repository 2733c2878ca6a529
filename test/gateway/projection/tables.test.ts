import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FullBlock } from '../../../gateway/src/ledger/port.ts'
import {
  countMissing,
  fillIn,
  prepareProjection,
  projectBlock,
  readProgress,
} from '../../../gateway/src/projection/tables.ts'
import { openProjection, type Projection } from '../../../gateway/src/store/index.ts'
import { dialects, emptyOn } from '../../support/dialects.ts'
import { hashOf, type Change, type TransactionSample } from '../../support/full-blocks.ts'
import { dumpOf, testChain, type TestChain } from '../../support/projection.ts'

const members = new Set(['registry', 'consent-north'])
const consent = 'consent-north'

describe.each(dialects)('the tables of the projection on $name', (dialect) => {
  let database: Projection
  let chain: TestChain

  /** Appends a block of transactions with these changes, and projects it. */
  const commit = async (...transactions: readonly (readonly Change[])[]): Promise<FullBlock> => {
    const number = chain.blocks.length
    await chain.append(
      ...transactions.map((changes, index): TransactionSample => ({ id: `${number}-${index}`, changes })),
    )
    const block = chain.blocks[number] as FullBlock
    await projectBlock(database, block, members)
    return block
  }
  const valuesOf = async (collection: string): Promise<Record<string, string>> => {
    const rows = await database
      .selectFrom('private_values')
      .selectAll()
      .where('collection', '=', collection)
      .orderBy('key')
      .execute()
    return Object.fromEntries(
      rows.map(({ key, value }) => [Buffer.from(key).toString(), Buffer.from(value).toString()]),
    )
  }

  beforeEach(async () => {
    database = await openProjection(await emptyOn(dialect))
    await prepareProjection(database, false)
    chain = testChain()
  })
  afterEach(() => database.destroy())

  test('have the current value of each key, and where it was written', async () => {
    await commit(
      [{ collection: consent, key: 'a', value: '1' }],
      [{ collection: consent, key: 'b', value: '2' }],
    )
    await commit([
      { collection: consent, key: 'a', value: '3' },
      { collection: 'registry', key: 'a', value: '4' },
    ])
    expect(await valuesOf(consent)).toEqual({ a: '3', b: '2' })
    expect(await valuesOf('registry')).toEqual({ a: '4' })
    const { private_values: rows } = await dumpOf(database)
    expect(rows).toContain(`collection=${consent} key=b key_hash=${hashOf('b')} value=2 block=0 position=1`)
    expect(await readProgress(database)).toEqual({ blocks: 2, hash: (chain.blocks[1] as FullBlock).hash })
  })

  test('have the last of several writes in one block', async () => {
    const write = (value?: string): Change[] => [
      { collection: consent, key: 'a', value },
      { key: 'p', value },
    ]
    await commit(write('1'), write(), write('2'))
    expect(await valuesOf(consent)).toEqual({ a: '2' })
    await commit(write('3'), write())
    expect(await dumpOf(database)).toMatchObject({ private_values: [], public_values: [] })
  })

  test.each([
    ['deleted', {}],
    ['purged', { isPurge: true }],
  ])('have nothing of a key that was %s, by its hash alone', async (_what, change) => {
    await commit([{ collection: consent, key: 'a', value: '1' }])
    await commit([{ collection: consent, key: 'b', value: '2' }])
    await commit([{ collection: consent, key: 'a', ...change }])
    expect(await valuesOf(consent)).toEqual({ b: '2' })
    expect(JSON.stringify(await dumpOf(database))).not.toContain(hashOf('a'))
  })

  test('have public state, without what was deleted', async () => {
    await commit([{ key: 'a', value: '1' }], [{ key: 'b', value: '2' }])
    await commit([{ key: 'a', value: '3' }], [{ key: 'b' }])
    expect((await dumpOf(database)).public_values).toEqual(['key=a value=3 block=1 position=0'])
  })

  test('have the places of valid transactions, with the height', async () => {
    await commit([], [])
    await chain.append({ id: 'invalid', code: 11 }, { id: 'valid' })
    await projectBlock(database, chain.blocks[1] as FullBlock, members)
    expect(await dumpOf(database)).toMatchObject({
      transactions: [
        'transaction_id=0-0 block=0 position=0',
        'transaction_id=0-1 block=0 position=1',
        'transaction_id=valid block=1 position=1',
      ],
      progress: ['id=1 blocks=2'],
    })
  })

  test('have nothing of invalid transactions, nor of collections that others keep', async () => {
    await chain.append(
      {
        id: 'invalid',
        code: 11,
        changes: [
          { collection: consent, key: 'a', value: '1' },
          { key: 'a', value: '1' },
        ],
      },
      { id: 'other', changes: [{ collection: 'access-south', key: 'a', value: '1', isMissing: true }] },
    )
    await projectBlock(database, chain.blocks[0] as FullBlock, members)
    expect(await dumpOf(database)).toMatchObject({
      private_values: [],
      missing_values: [],
      public_values: [],
    })
  })

  test('take any bytes for a key and keep Fabric’s order', async () => {
    const keys = ['a', 'a\u0000', 'a\u0000b', 'ab', 'z', 'é', '\u{1F600}', '\uFFFD']
    await commit(keys.map((key): Change => ({ collection: consent, key, value: 'v' })))
    const byBytes = keys.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
    expect(Object.keys(await valuesOf(consent))).toEqual(byBytes)
  })

  test('take however much one block writes', async () => {
    const changes = Array.from({ length: 1201 }, (_value, index): Change => {
      const key = String(index)
      return { collection: consent, key, value: key, isMissing: index % 2 === 1 }
    })
    await commit(
      changes,
      changes.map(({ key }) => ({ key, value: key })),
    )
    expect(Object.keys(await valuesOf(consent))).toHaveLength(601)
    expect(await countMissing(database)).toBe(600)
    expect((await dumpOf(database)).public_values).toHaveLength(1201)
  })

  test('are written with the height or not at all, and a block a second time does nothing', async () => {
    await commit([{ collection: consent, key: 'a', value: '1' }])
    const before = await dumpOf(database)
    await chain.append({
      id: 'x',
      changes: [
        { collection: consent, key: 'a', value: '2' },
        { key: 'p', value: '2' },
      ],
    })
    const block = chain.blocks[1] as FullBlock
    // The public value goes first and can be stored; the private one cannot: all of the block must go.
    const broken = {
      ...block,
      transactions: block.transactions.map((transaction) => ({
        ...transaction,
        privateWrites: transaction.privateWrites.map((write) => ({
          ...write,
          held: { ...write.held, value: null } as never,
        })),
      })),
    }
    await expect(projectBlock(database, broken, members)).rejects.toThrow()
    expect(await dumpOf(database)).toEqual(before)
    expect(await projectBlock(database, block, members)).toBe(true)
    const after = await dumpOf(database)
    expect(after).not.toEqual(before)
    expect(await projectBlock(database, block, members)).toBe(false)
    expect(await projectBlock(database, chain.blocks[0] as FullBlock, members)).toBe(false)
    expect(await dumpOf(database)).toEqual(after)
  })

  describe('know what the peer did not hold', () => {
    const lacked: Change = { collection: consent, key: 'a', value: '1', isMissing: true }
    const again = async (number: number): Promise<number> => {
      chain.reconcile()
      return fillIn(database, (await chain.transport.readFull(number)) as FullBlock)
    }

    test('and take it in later, as if it had been there', async () => {
      await commit([{ collection: consent, key: 'b', value: '2' }], [lacked])
      expect((await dumpOf(database)).missing_values).toEqual([
        `collection=${consent} key_hash=${hashOf('a')} value_hash=${hashOf('1')} block=0 position=1`,
      ])
      expect(await fillIn(database, chain.blocks[0] as FullBlock), 'it is still missing').toBe(0)
      expect(await again(0)).toBe(1)
      expect(await again(0)).toBe(0)
      expect(await countMissing(database)).toBe(0)
      const filled = await dumpOf(database)
      await prepareProjection(database, true)
      await projectBlock(database, (await chain.transport.readFull(0)) as FullBlock, members)
      expect(await dumpOf(database)).toEqual(filled)
    })

    test('which replaces an older value at once: nobody is answered with that', async () => {
      await commit([{ collection: consent, key: 'a', value: '0' }])
      await commit([lacked])
      expect(await valuesOf(consent)).toEqual({})
    })

    test.each([
      ['written', { value: '2' }, { a: '2' }],
      ['deleted', {}, {}],
      ['purged', { isPurge: true }, {}],
    ])('but not when the key has been %s since', async (_what, change, values) => {
      await commit([lacked])
      await commit([{ collection: consent, key: 'a', ...change }])
      expect(await again(0)).toBe(0)
      expect(await countMissing(database)).toBe(0)
      expect(await valuesOf(consent)).toEqual(values)
    })

    test('and take no older value for one that is missing again', async () => {
      await commit([lacked])
      await commit([{ ...lacked, value: '2' }])
      expect(await again(0)).toBe(0)
      expect(await again(1)).toBe(1)
      expect(await valuesOf(consent)).toEqual({ a: '2' })
    })
  })

  test('are emptied when they are of another version or when that is asked for, and else are kept', async () => {
    await commit([
      { collection: consent, key: 'a', value: '1' },
      { key: 'p', value: '1' },
    ])
    const before = await dumpOf(database)
    expect(await prepareProjection(database, false)).toBeUndefined()
    expect(await dumpOf(database)).toEqual(before)
    for (const reason of ['asked', 'version'] as const) {
      if (reason === 'version') await database.updateTable('projected').set({ version: 0 }).execute()
      expect(await prepareProjection(database, reason === 'asked')).toBe(reason)
      expect(await readProgress(database)).toEqual({ blocks: 0, hash: '' })
      expect(await dumpOf(database)).toMatchObject({ private_values: [], public_values: [] })
      await projectBlock(database, chain.blocks[0] as FullBlock, members)
      expect(await dumpOf(database)).toEqual(before)
    }
  })
})

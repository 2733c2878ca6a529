import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  createBatch,
  openDatabase,
  openIdempotencyKeys,
  openOutbox,
  type Batch,
  type Database,
  type Outbox,
} from '../../../gateway/src/store/index.ts'
import { dialects, emptyOn } from '../../support/dialects.ts'

const noted = (request: string, due = 1000) =>
  ({ request, collection: 'access-north', name: 'RequestAccess', owner: 'o', created: 0, due }) as const
const settlement = { state: 'committed', transactionId: 'tx' } as const

describe.each(dialects)('on $name', (dialect) => {
  let database: Database
  let batch: Batch
  let outbox: Outbox
  beforeEach(async () => {
    database = await openDatabase(await emptyOn(dialect))
    batch = createBatch(database)
    outbox = openOutbox(database, batch)
  })
  afterEach(() => database.destroy())

  describe('the outbox', () => {
    test('notes a request once; noted again it is due later', async () => {
      const first = await outbox.note(noted('a'))
      const again = await outbox.note({ ...noted('a', 5000), owner: 'another' })
      expect([first.isNew, again.isNew]).toEqual([true, false])
      expect(first.row).toEqual({ ...noted('a'), state: 'pending', tries: 0, transaction_id: null })
      expect(again.row).toEqual({ ...first.row, due: 5000 })
      expect(await outbox.due(4999, 10)).toEqual([])
      expect(await outbox.pending()).toBe(1)
    })

    test('ends a request once, whoever comes first', async () => {
      await outbox.note(noted('a'))
      const cancelled = { state: 'cancelled', transactionId: 'other' } as const
      const ends = await Promise.all([
        outbox.settle(noted('a'), settlement),
        outbox.settle(noted('a'), cancelled),
      ])
      expect(ends).toEqual([true, false])
      expect(await outbox.find(noted('a'))).toMatchObject({ state: 'committed', transaction_id: 'tx' })
      expect(await outbox.pending()).toBe(0)
    })

    test('forgets what was refused, unless it was settled or noted again meanwhile', async () => {
      const { row } = await outbox.note(noted('a'))
      await outbox.note(noted('a', 5000))
      await outbox.forget(row)
      expect(await outbox.find(row)).toBeDefined()
      const { row: settled } = await outbox.note(noted('b'))
      await outbox.settle(settled, settlement)
      await outbox.forget(settled)
      expect(await outbox.find(settled)).toBeDefined()
      const { row: refused } = await outbox.note(noted('c'))
      await outbox.forget(refused)
      expect(await outbox.find(refused)).toBeUndefined()
    })

    test('shows what is due, the longest overdue first, in a bounded number, and all of it once woken', async () => {
      for (const [request, due] of Object.entries({ a: 300, b: 100, c: 200, d: 9000 }))
        await outbox.note(noted(request, due))
      const names = async (at: number, limit = 10): Promise<string[]> =>
        (await outbox.due(at, limit)).map(({ request }) => request)
      expect(await names(500)).toEqual(['b', 'c', 'a'])
      expect(await names(500, 2)).toEqual(['b', 'c'])
      await outbox.defer(noted('b'), { due: 8000, tries: 3 })
      expect(await names(500)).toEqual(['c', 'a'])
      await outbox.wake(500)
      expect((await names(500)).toSorted()).toEqual(['a', 'b', 'c', 'd'])
    })

    test('forgets what was settled long ago, and nothing that is pending', async () => {
      await outbox.note(noted('a'))
      await outbox.note(noted('b'))
      await outbox.settle(noted('a'), settlement)
      expect(await outbox.forgetSettled(1)).toBe(1)
      expect(await outbox.find(noted('b'))).toBeDefined()
    })
  })

  describe('an idempotency key', () => {
    test('belongs to the first request, until it is forgotten', async () => {
      const keys = openIdempotencyKeys(batch)
      expect(await keys.claim('k', 'one', 5)).toBe(true)
      expect(await keys.claim('k', 'one', 6)).toBe(true)
      expect(await keys.claim('k', 'another', 7)).toBe(false)
      await keys.forget(6)
      expect(await keys.claim('k', 'another', 8)).toBe(true)
    })
  })

  describe('a batch', () => {
    test('commits together what comes together, each with its own answer', async () => {
      let transactions = 0
      const counting = createBatch({
        transaction() {
          transactions += 1
          return database.transaction()
        },
      } as unknown as Database)
      const one = openOutbox(database, counting)
      const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => one.note(noted(`${index}`))))
      expect(answers.map(({ row }) => row.request)).toEqual(
        Array.from({ length: 50 }, (_, index) => `${index}`),
      )
      expect(transactions).toBe(1)
    })

    test('that fails tells all of it, commits nothing of it, and goes on', async () => {
      const failing = batch(async () => {
        throw new Error('disk full')
      })
      const beside = outbox.note(noted('a'))
      await expect(failing).rejects.toThrow('disk full')
      await expect(beside).rejects.toThrow('disk full')
      expect(await outbox.find(noted('a'))).toBeUndefined()
      expect((await outbox.note(noted('a'))).isNew).toBe(true)
    })
  })
})

import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import {
  createBatch,
  inTransaction,
  openDatabase,
  openIdempotencyKeys,
  openOutbox,
  postgresDialect,
  type Database,
  type Noted,
} from '../../../gateway/src/store/index.ts'
import { dialects, emptyOn, freshDatabase } from '../../support/dialects.ts'

const noted = (request: string): Noted => ({
  request,
  collection: 'access-north',
  name: 'RequestAccess',
  owner: 'o',
  created: 0,
  due: 1000,
})

describe.each(dialects)('a transaction on $name', (dialect) => {
  let database: Database
  beforeEach(async () => {
    database = await openDatabase(await emptyOn(dialect))
  })
  afterEach(() => database.destroy())

  test.each([
    ['40P01', 5],
    ['40001', 5],
    ['23505', 1],
  ])('that ends with %s is tried %i times', async (code, times) => {
    let tries = 0
    const trying = inTransaction(database, async () => {
      tries += 1
      throw Object.assign(new Error('no'), { code })
    })
    await expect(trying).rejects.toMatchObject({ code })
    expect(tries).toBe(times)
  })

  test('that is done again leaves nothing of its first try', async () => {
    let tries = 0
    const keys = openIdempotencyKeys((action) =>
      inTransaction(database, async (transaction) => {
        const value = await action(transaction)
        tries += 1
        if (tries === 1) throw Object.assign(new Error('deadlock'), { code: '40P01' })
        return value
      }),
    )
    expect(await keys.claim('k', 'one', 5)).toBe(true)
    const rows = await database.selectFrom('idempotency_keys').selectAll().execute()
    expect([tries, rows]).toEqual([2, [{ name: 'k', fingerprint: 'one', created: 5 }]])
  })
})

describe.skipIf(inject('postgres') === null)('two gateways on one PostgreSQL database', () => {
  let databases: Database[]
  beforeEach(async () => {
    const location = await freshDatabase(inject('postgres') ?? { port: 0 })
    databases = await Promise.all([0, 1].map(() => openDatabase(postgresDialect(location))))
  })
  afterEach(() => Promise.all(databases.map((database) => database.destroy())))

  test('that write the same rows in opposite order both succeed', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `request-${index}`)
    const orders = [names, names.toReversed()]
    const found = await Promise.all(
      databases.map((database, gateway) => {
        const outbox = openOutbox(database, createBatch(database))
        return Promise.all((orders[gateway] ?? []).map((name) => outbox.note(noted(name))))
      }),
    )
    const [one = [], other = []] = found
    const isNew = new Map(one.map(({ row, isNew }) => [row.request, isNew]))
    // Each is new to exactly one of them.
    for (const { row, isNew: alsoNew } of other) expect(isNew.get(row.request)).toBe(!alsoNew)
    expect(other).toHaveLength(40)
  })

  test('give a key to one request, and a row of the outbox one end, however they meet', async () => {
    const keys = databases.map((database) => openIdempotencyKeys(createBatch(database)))
    const outboxes = databases.map((database) => openOutbox(database, createBatch(database)))
    for (let round = 0; round < 20; round += 1) {
      const claims = await Promise.all(keys.map((one, index) => one.claim(`k${round}`, `print-${index}`, 0)))
      expect(claims.filter(Boolean)).toHaveLength(1)
      await outboxes[0]?.note(noted(`r${round}`))
      const ends = await Promise.all(
        outboxes.map((one, index) =>
          one.settle(noted(`r${round}`), { state: 'committed', transactionId: `tx-${index}` }),
        ),
      )
      expect(ends.filter(Boolean)).toHaveLength(1)
    }
  })

  test('note a request while the other forgets it', async () => {
    const [one, other] = databases.map((database) => openOutbox(database, createBatch(database)))
    for (let round = 0; round < 30; round += 1) {
      const first = await one?.note(noted('r'))
      const [again] = await Promise.all([
        one?.note({ ...noted('r'), due: 2000 + round }),
        first && other?.forget(first.row),
      ])
      expect(again?.row.due).toBe(2000 + round)
      if (again !== undefined) await one?.forget(again.row)
    }
  })
})

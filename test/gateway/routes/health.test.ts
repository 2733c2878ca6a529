import { describe, expect, test } from 'vitest'
import {
  answers,
  countPending,
  keysAnswer,
  openKeyDatabase,
  sqliteDialect,
} from '../../../gateway/src/store/index.ts'
import { testNetwork } from '../../support/gateway-network.ts'

const never = (): Promise<boolean> => new Promise(() => {})

describe('/readyz', () => {
  test.each([
    ['works', async () => true, 200],
    ['does not', async () => false, 503],
    ['throws', () => Promise.reject(new Error('Lindqvist')), 503],
    ['never answers', never, 503],
  ])('tells a part that %s apart from the others', async (_what, probe, status) => {
    const { gateways } = await testNetwork(undefined, { probes: { one: async () => true, other: probe } })
    const answer = await gateways.north.app.inject('/readyz')
    expect(answer.statusCode).toBe(status)
    expect(answer.json()).toEqual({
      ready: status === 200,
      stopping: false,
      organisation: 'north',
      ledger: { connected: true, blocks: expect.any(Number) as number },
      one: { works: true },
      other: { works: status === 200 },
      assurance: 'attested',
    })
  })

  test('is 503 while the stream of blocks is down, and /healthz is not', async () => {
    const { gateways, ledger } = await testNetwork(undefined, { probes: { database: async () => true } })
    ledger.connected = false
    const answer = await gateways.north.app.inject('/readyz')
    expect(answer.statusCode).toBe(503)
    expect(answer.json()).toMatchObject({ ledger: { connected: false }, database: { works: true } })
    expect((await gateways.north.app.inject('/healthz')).json()).toEqual({ healthy: true })
  })
})

test('a database answers until it is closed, and counts what is pending', async () => {
  const { gateways } = await testNetwork()
  const { database } = gateways.north
  const keyDatabase = await openKeyDatabase(sqliteDialect(':memory:'))
  expect([await answers(database), await keysAnswer(keyDatabase)]).toEqual([true, true])
  expect(await countPending(database)).toBe(0)
  const row = { through: 'south', access: 'a', documents: '[]', recorded: 0 }
  await database.insertInto('releases').values(row).execute()
  expect(await countPending(database)).toBe(1)
  await Promise.all([database.destroy(), keyDatabase.destroy()])
  await expect(answers(database)).rejects.toThrow()
  await expect(keysAnswer(keyDatabase)).rejects.toThrow()
})

import { beforeEach, describe, expect, test } from 'vitest'
import { createClient } from '../../../gateway/src/ledger/client.ts'
import { sharedProbeMs, sharedProbesOf } from '../../../gateway/src/probes.ts'
import type { Probes } from '../../../gateway/src/routes/health.ts'
import {
  answers,
  countPending,
  keysAnswer,
  openKeyDatabase,
  sqliteDialect,
} from '../../../gateway/src/store/index.ts'
import { outageOf } from '../../support/gateway-ledger.ts'
import { testNetwork, type TestNetwork } from '../../support/gateway-network.ts'

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
      degraded: false,
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

describe('/readyz, while what all gateways share does not work,', () => {
  test('stays 200, so that no gateway is taken away for it, and says so', async () => {
    const operation = { probes: { database: async () => true }, shared: { ordering: async () => false } }
    const { gateways } = await testNetwork(undefined, operation)
    const answer = await gateways.north.app.inject('/readyz')
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toMatchObject({
      ready: true,
      degraded: true,
      database: { works: true },
      ordering: { works: false },
    })
  })
})

describe('what all gateways share', () => {
  let time: number
  let network: TestNetwork
  let probes: Probes
  let ordererAsked: number
  let isOrdererThere: boolean

  beforeEach(async () => {
    time = 1000
    ordererAsked = 0
    isOrdererThere = true
    network = await testNetwork()
    const { constitution, organisation } = network.gateways.north.services
    const client = createClient(network.ledger.transportOf('north'), constitution, 'north')
    const reachesOrderer = async (): Promise<boolean> => {
      ordererAsked += 1
      return isOrdererThere
    }
    const sources = { client, transport: { reachesOrderer }, now: () => time }
    probes = sharedProbesOf({ constitution, organisation }, sources)
  })
  const ask = async (): Promise<Record<string, boolean>> => {
    const answers = Object.entries(probes).map(async ([name, probe]) => [name, await probe()] as const)
    return Object.fromEntries(await Promise.all(answers))
  }

  test('works when an orderer is reached and the own chaincode answers, whatever it says', async () => {
    expect(await ask()).toEqual({ ordering: true, chaincode: true })
    expect(network.ledger.calls).toMatchObject([
      { mode: 'evaluate', name: 'ReadIssuerKey', organisations: ['north'] },
    ])
  })

  test('does not when they do not, each by itself', async () => {
    isOrdererThere = false
    expect(await ask()).toEqual({ ordering: false, chaincode: true })
    time += sharedProbeMs
    isOrdererThere = true
    network.ledger.fault = outageOf(() => true)
    expect(await ask()).toEqual({ ordering: true, chaincode: false })
  })

  test('tells identity providers apart where there are any', async () => {
    const { constitution, organisation } = network.gateways.north.services
    const client = createClient(network.ledger.transportOf('north'), constitution, 'north')
    let answers = true
    probes = sharedProbesOf(
      { constitution, organisation },
      {
        client,
        transport: { reachesOrderer: () => Promise.resolve(true) },
        providersAnswer: () => Promise.resolve(answers),
        now: () => time,
      },
    )
    expect(await ask()).toEqual({ ordering: true, chaincode: true, identityProviders: true })
    answers = false
    time += sharedProbeMs
    expect(await ask()).toEqual({ ordering: true, chaincode: true, identityProviders: false })
  })

  test('is asked once in three seconds, however many want to know', async () => {
    await Promise.all(Array.from({ length: 100 }, ask))
    time += sharedProbeMs - 1
    await ask()
    expect([ordererAsked, network.ledger.calls.length]).toEqual([1, 1])
    time += 1
    await ask()
    expect([ordererAsked, network.ledger.calls.length]).toEqual([2, 2])
  })

  test('is not asked again while it hangs', async () => {
    network.ledger.fault = () => 'hangs'
    void probes['chaincode']?.()
    time += 10 * sharedProbeMs
    void probes['chaincode']?.()
    await Promise.resolve()
    expect(network.ledger.calls).toHaveLength(1)
  })
})

test('a database answers until it is closed, and counts what is pending', async () => {
  const { gateways } = await testNetwork()
  const { database } = gateways.north
  const keyDatabase = await openKeyDatabase(sqliteDialect(':memory:'))
  expect([await answers(database), await keysAnswer(keyDatabase)]).toEqual([true, true])
  expect(await countPending(database)).toBe(0)
  const row = { through: 'south', access: 'a', documents: '[]', withheld: '[]', recorded: 0 }
  await database.insertInto('releases').values(row).execute()
  expect(await countPending(database)).toBe(1)
  await Promise.all([database.destroy(), keyDatabase.destroy()])
  await expect(answers(database)).rejects.toThrow()
  await expect(keysAnswer(keyDatabase)).rejects.toThrow()
})

import { Agent, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { randomId } from 'medledger-chaincode/api'
import { closeServer } from '../../gateway/src/stop.ts'
import { testNetwork, type TestNetwork } from '../support/gateway-network.ts'
import { poll } from '../support/poll.ts'

let network: TestNetwork
let stopping: boolean
let agent: Agent
let port: number
/** Resolves what the ledger is asked for: until then a request is under way. */
let answerOfLedger: () => void
let asked: boolean

interface Answer {
  readonly status: number
  readonly body: string
  readonly headers: IncomingMessage['headers']
}

const ask = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, headers, agent }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }))
      response.on('error', reject)
    }).on('error', reject)
  })

const path = `/fhir/DocumentReference?patient=${randomId()}`

beforeEach(async () => {
  stopping = false
  asked = false
  agent = new Agent({ keepAlive: true, maxSockets: 4 })
  network = await testNetwork(undefined, { stopping: () => stopping })
  const { promise, resolve } = Promise.withResolvers<void>()
  answerOfLedger = resolve
  const { services, app } = network.gateways.north
  const client = { ...services.client }
  Object.assign(services.client, {
    async submit(...words: Parameters<typeof client.submit>) {
      asked = true
      await promise
      return client.submit(...words)
    },
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  port = (app.server.address() as AddressInfo).port
})
afterEach(() => agent.destroy())

/** A request that the ledger has not answered yet; in an object, since awaiting it is for the test. */
async function begin(): Promise<{ readonly underWay: Promise<Answer> }> {
  const { token } = await network.world.as('dr.okafor')
  const underWay = ask(path, { authorization: `Bearer ${token}` })
  underWay.catch(() => undefined)
  await poll('the request to reach the ledger', () => asked || undefined)
  return { underWay }
}

describe('a gateway that is being stopped', () => {
  test('says at once that it is not ready, and takes nothing new on connections that are open', async () => {
    expect((await ask('/readyz')).status).toBe(200)
    stopping = true
    const ready = await ask('/readyz')
    expect([ready.status, JSON.parse(ready.body)]).toMatchObject([503, { ready: false, stopping: true }])
    expect((await ask('/healthz')).status).toBe(200)
    const refused = await ask(path)
    expect([refused.status, refused.body.includes('NOT_READY')]).toEqual([503, true])
    expect(refused.headers['connection']).toBe('close')
    expect(network.ledger.calls).toEqual([])
    await network.gateways.north.app.close()
  })

  test('finishes what is under way, and accepts no connection meanwhile', async () => {
    const { underWay } = await begin()
    stopping = true
    const closed = closeServer(network.gateways.north.app, 20_000)
    agent = new Agent()
    await expect(poll('the port to be closed', refusal)).resolves.toBe('ECONNREFUSED')
    answerOfLedger()
    const answer = await underWay
    expect([answer.status, answer.headers['connection']]).toEqual([200, 'close'])
    await closed
  })

  test('cuts off what hangs at the deadline', async () => {
    const { underWay } = await begin()
    stopping = true
    await closeServer(network.gateways.north.app, 50)
    await expect(underWay).rejects.toThrow('socket hang up')
    answerOfLedger()
  })
})

const refusal = (): Promise<string | undefined> =>
  ask('/healthz').then(
    () => undefined,
    ({ code }: NodeJS.ErrnoException) => (code === 'ECONNREFUSED' ? code : undefined),
  )

import { describe, expect, test } from 'vitest'
import { randomId } from 'medledger-chaincode/api'
import Fastify, { type FastifyInstance } from 'fastify'
import { createErrorHandler } from '../../gateway/src/error-reply.ts'
import { shedLoad } from '../../gateway/src/limits.ts'
import { createMetrics } from '../../gateway/src/metrics.ts'
import { capturedLog, testNetwork, type TestNetwork } from '../support/gateway-network.ts'
import { limitsOf } from '../support/gateway-operation.ts'
import { consentOf } from '../support/ledger-samples.ts'
import { people, type User } from '../support/ledger-world.ts'

type Answer = Awaited<ReturnType<TestNetwork['send']>>

const statuses = (answers: readonly Answer[]): number[] => answers.map(({ statusCode }) => statusCode)

async function times<Value>(count: number, act: () => Promise<Value>): Promise<Value[]> {
  const values: Value[] = []
  for (let index = 0; index < count; index += 1) values.push(await act())
  return values
}

const search = (network: TestNetwork, user: User): Promise<Answer> =>
  network.send(user, { url: `/fhir/DocumentReference?patient=${people.maria.handle}` })

describe('a person', () => {
  test('who asks too much is told to wait, under /fhir as an OperationOutcome and elsewhere as a problem', async () => {
    const network = await testNetwork(undefined, { limits: limitsOf({ personPerMinute: 2 }) })
    expect(statuses(await times(3, () => search(network, 'dr.okafor')))).toEqual([200, 200, 429])
    const blocks = network.ledger.blocks.length
    const fhir = await search(network, 'dr.okafor')
    expect(fhir.json()).toMatchObject({
      resourceType: 'OperationOutcome',
      issue: [{ code: 'throttled', details: { coding: [{ code: 'TOO_MANY_REQUESTS' }] } }],
    })
    const plain = await network.send('dr.okafor', { url: `/v1/requests/access-north/${randomId()}` })
    expect(plain.json()).toMatchObject({ status: 429, code: 'TOO_MANY_REQUESTS' })
    for (const { headers } of [fhir, plain]) {
      const { 'ratelimit-limit': limit, 'ratelimit-remaining': remaining } = headers
      expect([limit, remaining]).toEqual(['2', '0'])
      const seconds = Number(headers['retry-after'])
      expect(seconds).toBeGreaterThan(0)
      expect(seconds).toBeLessThanOrEqual(60)
      expect(headers['ratelimit-reset']).toBe(headers['retry-after'])
    }
    expect(network.ledger.blocks).toHaveLength(blocks)
  })

  test('uses up nobody else’s limit, whatever she sends', async () => {
    const network = await testNetwork(undefined, {
      limits: limitsOf({ personPerMinute: 2, refusedPerMinute: 5 }),
    })
    await times(9, () => search(network, 'dr.okafor'))
    const url = `/fhir/DocumentReference?patient=${people.maria.handle}`
    const forged = { authorization: 'Bearer x.y.z' }
    await times(9, () => network.send(undefined, { url, headers: forged }))
    await times(9, () => network.send(undefined, { url, headers: { 'x-forwarded-for': '10.0.0.1' } }))
    const through = 'north'
    expect((await network.send('maria', { url, through })).statusCode).toBe(200)
  })

  test('has one limit, however many tokens she has', async () => {
    const network = await testNetwork(undefined, { limits: limitsOf({ personPerMinute: 3 }) })
    // Each request brings a token of its own.
    const answers = await times(4, () => search(network, 'dr.okafor'))
    expect(statuses(answers)).toEqual([200, 200, 200, 429])
  })
})

test('an organisation’s people have a limit together, and other organisations’ are not affected', async () => {
  const network = await testNetwork(undefined, { limits: limitsOf({ organisationPerMinute: 2 }) })
  const url = `/fhir/DocumentReference?patient=${people.maria.handle}`
  await times(2, () => network.send('dr.okafor', { url, through: 'north' }))
  expect((await network.send('dr.okafor', { url, through: 'north' })).statusCode).toBe(429)
  expect((await network.send('maria', { url, through: 'north' })).statusCode).toBe(200)
})

test('no other patient keeps one from denying or revoking, however much they all ask', async () => {
  const network = await testNetwork(undefined, { limits: limitsOf({ organisationPerMinute: 2 }) })
  const url = `/fhir/Consent?patient=${people.tomas.handle}`
  const others = await times(3, () => network.send('tomas', { url }))
  expect(statuses(others)).toEqual([200, 200, 429])
  const patient = { reference: `Patient/${people.maria.handle}` }
  const change = (method: 'POST' | 'PUT', path: string, body: object): Promise<Answer> =>
    network.send('maria', { url: `/fhir/Consent${path}`, method, body: { ...body, patient } })
  const denied = await change('POST', '', consentOf({ type: 'deny' }))
  const { id } = denied.json<{ id: string }>()
  const revoked = await change('PUT', `/${id}`, { resourceType: 'Consent', status: 'inactive' })
  expect(statuses([denied, revoked])).toEqual([201, 200])
})

describe('refused tokens', () => {
  const url = `/fhir/DocumentReference?patient=${people.maria.handle}`

  test('are answered 429 beyond the limit of an address, which a header cannot change', async () => {
    const network = await testNetwork(undefined, { limits: limitsOf({ refusedPerMinute: 2 }) })
    let host = 0
    const answers = await times(4, () => {
      host += 1
      const headers = { authorization: 'Bearer x.y.z', 'x-forwarded-for': `10.0.0.${host}` }
      return network.send(undefined, { url, headers })
    })
    expect(statuses(answers)).toEqual([401, 401, 429, 429])
  })

  test('are counted by what a trusted proxy says of the address', async () => {
    const limits = limitsOf({ refusedPerMinute: 1 })
    const network = await testNetwork(undefined, { limits, trustedProxies: ['127.0.0.1'] })
    const from = (address: string): Promise<Answer> =>
      network.send(undefined, {
        url,
        headers: { authorization: 'Bearer x.y.z', 'x-forwarded-for': address },
      })
    expect(statuses([await from('10.0.0.1'), await from('10.0.0.1'), await from('10.0.0.2')])).toEqual([
      401, 429, 401,
    ])
  })

  test('and accepted ones are counted by verdict, and by nothing else', async () => {
    const metrics = createMetrics('north')
    const network = await testNetwork(undefined, { limits: limitsOf({ refusedPerMinute: 1 }), metrics })
    const headers = { authorization: 'Bearer x.y.z' }
    await times(3, () => network.send(undefined, { url, headers, through: 'north' }))
    await network.send('dr.okafor', { url })
    const text = await metrics.text()
    expect(text).toContain('medledger_tokens_total{verdict="refused",organisation="north"} 3')
    expect(text).toContain('medledger_tokens_total{verdict="accepted",organisation="north"} 1')
    expect(text).toContain('medledger_limited_total{limit="refused tokens",organisation="north"} 2')
  })
})

describe('a process that cannot keep up', () => {
  async function overloaded(): Promise<FastifyInstance> {
    const app = Fastify()
    app.setErrorHandler(createErrorHandler(capturedLog().log))
    await shedLoad(app, { eventLoopDelayMs: 1 }, { limited: () => {} })
    app.get('/healthz', async () => ({ healthy: true }))
    app.get('/other', async () => ({}))
    await app.ready()
    const until = performance.now() + 5000
    // The delay is measured once a second, over what was blocked before.
    while (!app.isUnderPressure() && performance.now() < until) {
      const blocked = performance.now() + 60
      while (performance.now() < blocked);
      await new Promise((resolve) => setImmediate(resolve))
    }
    return app
  }

  test('answers 503 with a code, and still that it lives', async () => {
    const app = await overloaded()
    const answer = await app.inject('/other')
    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([503, 'OVERLOADED'])
    expect(answer.headers['retry-after']).toBe('2')
    expect((await app.inject('/healthz')).statusCode).toBe(200)
    await app.close()
  })
})

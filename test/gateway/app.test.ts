import { request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { beforeEach, describe, expect, test } from 'vitest'
import { randomId } from 'medledger-chaincode/api'
import { authenticateRoutes, bearerOf, type Bearer } from '../../gateway/src/authenticate.ts'
import { testNetwork, type TestNetwork } from '../support/gateway-network.ts'

type Answer = Awaited<ReturnType<FastifyInstance['inject']>>

/** The code in an answer, whichever of the two forms it has. */
function codeIn(answer: Answer): string {
  const body = answer.json<{ code?: string; issue?: [{ details: { coding: [{ code: string }] } }] }>()
  return body.code ?? body.issue?.[0].details.coding[0].code ?? ''
}

let network: TestNetwork
beforeEach(async () => {
  network = await testNetwork()
})

const id = randomId()
const writing = [
  ['POST', '/v1/patients', 'operator.north'],
  ['POST', '/v1/documents', 'records.north'],
  ['POST', '/fhir/Consent', 'maria'],
  ['PUT', `/fhir/Consent/${id}`, 'maria'],
] as const
const reading = [
  `/fhir/Bundle/north-${id}`,
  `/fhir/Bundle?_id=north-${id}`,
  `/fhir/DocumentReference?patient=${id}`,
  `/fhir/AuditEvent?patient=${id}`,
  `/fhir/Consent?patient=${id}`,
  `/v1/requests/access-north/${id}`,
]

describe('a route', () => {
  test.each(writing)('%s %s verifies the token before it looks at the body', async (method, url, user) => {
    for (const body of ['{"', '[]', '"'.repeat(9 * 1024 * 1024)]) {
      const nobody = await network.send(undefined, { method, url, body })
      expect([nobody.statusCode, codeIn(nobody)]).toEqual([401, 'NOT_AUTHENTICATED'])
      const headers = { authorization: 'Bearer x.y.z' }
      const stranger = await network.send(undefined, { method, url, body, headers })
      expect([stranger.statusCode, codeIn(stranger)]).toEqual([401, 'INVALID_TOKEN'])
      const other = await network.send('dr.okafor', { method, url, body })
      expect([other.statusCode, codeIn(other)]).toEqual([403, 'FORBIDDEN'])
    }
    const through = 'north'
    expect(codeIn(await network.send(user, { method, url, body: '{"', through }))).toBe('INVALID_REQUEST')
    expect(network.ledger.calls.filter(({ name }) => name !== 'ReadIssuerKey')).toEqual([])
  })

  test.each(reading)('%s is not for somebody without a token', async (url) => {
    const answer = await network.send(undefined, { url })
    expect([answer.statusCode, codeIn(answer)]).toEqual([401, 'NOT_AUTHENTICATED'])
    expect(network.ledger.calls).toEqual([])
  })

  test('refuses eight megabytes of a stranger’s without waiting for them', async () => {
    const { app } = network.gateways.north
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const headers = { 'content-type': 'application/json', 'content-length': 8 * 1024 * 1024 }
    const options = { host: '127.0.0.1', port, path: '/v1/documents', method: 'POST', headers }
    const status = await new Promise((resolve, reject) => {
      const asked = httpRequest(options, (response) => {
        resolve(response.statusCode)
        asked.destroy()
      })
      asked.on('error', reject)
      // Not a byte of the body is sent.
      asked.flushHeaders()
    })
    expect(status).toBe(401)
    await app.close()
  })
})

test('a request carries its own token, of several at once, and none on an open route', async () => {
  const app = Fastify()
  authenticateRoutes(
    app,
    async ({ headers }) => ({ token: headers.authorization, claims: {} }) as unknown as Bearer,
  )
  const both = Promise.withResolvers<void>()
  let waiting = 0
  app.get('/closed', { config: { roles: ['doctor'] } }, async (request) => {
    waiting += 1
    if (waiting === 2) both.resolve()
    await both.promise
    return bearerOf(request).token
  })
  app.get('/open', { config: { open: true } }, async (request) => bearerOf(request).token)
  const as = (authorization: string, url = '/closed'): Promise<Answer> =>
    app.inject({ url, headers: { authorization } })
  const [one, other] = await Promise.all([as('one'), as('other')])
  expect([one.body, other.body]).toEqual(['one', 'other'])
  expect((await as('one', '/open')).json()).toMatchObject({ code: 'NOT_AUTHENTICATED' })
})

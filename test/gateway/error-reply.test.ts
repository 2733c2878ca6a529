import type { FastifyInstance } from 'fastify'
import { beforeAll, describe, expect, test } from 'vitest'
import { MedledgerError } from 'medledger-chaincode/api'
import { createApp } from '../../gateway/src/app.ts'
import { GatewayError, statusOf, type GatewayErrorCode } from '../../gateway/src/error.ts'
import { OutcomeUnknown } from '../../gateway/src/ledger/port.ts'
import { Unsettled } from '../../gateway/src/ledger/client.ts'
import type { Services } from '../../gateway/src/services.ts'
import { DatabaseUnavailable } from '../../gateway/src/store/index.ts'
import { capturedLog } from '../support/gateway-network.ts'
import { demoConstitution } from '../support/ledger-world.ts'

const canary = 'Lindqvist'
const fhirUrl = `/fhir/Bundle/north-${'00'.repeat(16)}`
const plainUrl = `/v1/requests/access-north/${'00'.repeat(16)}`

const { log, lines } = capturedLog()
/** Stands for no failure: the token is accepted. */
const authenticated = Symbol('authenticated')
let failure: unknown
let app: FastifyInstance

beforeAll(async () => {
  const services = {
    constitution: demoConstitution,
    organisation: demoConstitution.organisations[0],
    transport: { height: () => ({ blocks: 0, connected: true }), waitForBlock: async () => {} },
    authenticate: async () => {
      if (failure === authenticated) return { token: 'token', claims: {} }
      throw failure
    },
    log,
  }
  app = await createApp(services as unknown as Services)
})

type Answer = Awaited<ReturnType<FastifyInstance['inject']>>

/** What a route answers whose first step fails with this error. */
function failWith(error: unknown, url: string): Promise<Answer> {
  failure = error
  return app.inject(url)
}

/** The code in an answer, whichever of the two forms it has. */
function codeIn(answer: Answer): string {
  const body = answer.json<{ code?: string; issue?: [{ details: { coding: [{ code: string }] } }] }>()
  return body.code ?? body.issue?.[0].details.coding[0].code ?? ''
}

const codes = Object.entries(statusOf) as [GatewayErrorCode, number][]

describe('an error', () => {
  test.each(codes)(
    '%s is answered with %i, as OperationOutcome under /fhir and as problem details elsewhere',
    async (code, status) => {
      const error = new GatewayError(code, 'What was wrong.')
      const fhir = await failWith(error, fhirUrl)
      expect(fhir.statusCode).toBe(status)
      expect(fhir.headers['content-type']).toMatch(/^application\/fhir\+json/)
      expect(fhir.json()).toMatchObject({
        resourceType: 'OperationOutcome',
        issue: [
          { details: { coding: [{ system: 'urn:medledger:error', code }] }, diagnostics: 'What was wrong.' },
        ],
      })
      const plain = await failWith(error, plainUrl)
      expect(plain.statusCode).toBe(status)
      expect(plain.headers['content-type']).toMatch(/^application\/problem\+json/)
      expect(plain.json()).toEqual({
        type: `urn:medledger:error:${code}`,
        title: 'What was wrong.',
        status,
        code,
        instance: plain.headers['x-request-id'],
      })
    },
  )

  test.each(codes)(
    '%s asks for a token with 401 only, and for patience with 503 and 202 only',
    async (code, status) => {
      const { headers } = await failWith(new GatewayError(code, 'No.'), fhirUrl)
      expect('www-authenticate' in headers).toBe(status === 401)
      expect('retry-after' in headers).toBe(status === 503 || status === 202)
      expect(headers['cache-control']).toBe('no-store')
      expect(headers['x-content-type-options']).toBe('nosniff')
    },
  )

  test('of the ledger is answered like one of the gateway', async () => {
    const answer = await failWith(new MedledgerError('FORBIDDEN', 'You may not.'), plainUrl)
    expect(answer.json()).toMatchObject({ status: 403, code: 'FORBIDDEN', title: 'You may not.' })
  })

  test('with an unknown outcome names the request and where to ask for it', async () => {
    const request = { request: 'ab'.repeat(16), salt: '', custodian: 'north' } as never
    const answer = await failWith(new Unsettled('RequestAccess', request, new OutcomeUnknown('tx')), fhirUrl)
    expect(answer.statusCode).toBe(202)
    expect(answer.headers).toMatchObject({
      location: `/v1/requests/access-north/${'ab'.repeat(16)}`,
      'x-medledger-entry': 'ab'.repeat(16),
    })
  })

  test.each([
    new Error(canary),
    new TypeError(`cannot read ${canary}`),
    Object.assign(new Error(canary), { statusCode: 500, code: 'SQLITE_ERROR' }),
    Object.assign(new Error(`${canary}\n    at ${canary}`), { cause: canary }),
    canary,
    { message: canary },
  ])('that nobody expected is INTERNAL, without its words in answer or log: %#', async (error) => {
    for (const url of [fhirUrl, plainUrl]) {
      const answer = await failWith(error, url)
      expect(answer.statusCode).toBe(500)
      expect(codeIn(answer)).toBe('INTERNAL')
      expect(answer.body).not.toContain(canary)
      expect(answer.body).not.toMatch(/\bat .*\.ts/)
    }
    expect(lines.join('')).not.toContain(canary)
    expect(lines.join('')).toContain('"event":"fault"')
  })

  test('of a database that does not answer asks for patience, and its code is in the log', async () => {
    const from = lines.length
    const cause = Object.assign(new Error(canary), { code: 'ECONNREFUSED' })
    const answer = await failWith(new Error(canary, { cause: new DatabaseUnavailable(cause) }), fhirUrl)
    expect([answer.statusCode, codeIn(answer)]).toEqual([503, 'NOT_READY'])
    expect(lines.slice(from).join('')).toContain('"code":"NOT_READY","database":"ECONNREFUSED"')
    expect(answer.body + lines.slice(from).join('')).not.toContain(canary)
    // Somebody else's broken connection is not a database's.
    expect(codeIn(await failWith(cause, fhirUrl))).toBe('INTERNAL')
  })

  test('is in the log by its code when it is ours, and not when it is the caller’s', async () => {
    const from = lines.length
    await failWith(new GatewayError('NOT_FOUND', canary), fhirUrl)
    expect(lines.slice(from).join('')).not.toContain('"refused"')
    await failWith(new GatewayError('NOT_READY', canary), fhirUrl)
    expect(lines.slice(from).join('')).toContain('"code":"NOT_READY"')
    expect(lines.join('')).not.toContain(canary)
  })
})

const json = { 'content-type': 'application/json' }

interface Unfit {
  readonly what: string
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly url: string
  readonly headers?: Record<string, string>
  readonly payload?: string | Buffer
  readonly code: GatewayErrorCode
}

const addresses: Unfit[] = [
  { what: 'an unknown address', url: `/${canary}`, code: 'ROUTE_NOT_FOUND' },
  { what: 'an unknown resource', url: `/fhir/${canary}`, code: 'ROUTE_NOT_FOUND' },
  { what: 'a wrong method', method: 'DELETE', url: fhirUrl, code: 'ROUTE_NOT_FOUND' },
  { what: 'an address that is no UTF-8', url: `/fhir/Bundle/${canary}%ff`, code: 'INVALID_REQUEST' },
  { what: 'a broken escape', url: `/v1/requests/${canary}%zz/1`, code: 'INVALID_REQUEST' },
  { what: 'an id without end', url: `/fhir/Bundle/${canary.repeat(50)}`, code: 'INVALID_REQUEST' },
  { what: 'a wrong parameter', url: `/fhir/AuditEvent?patient=${canary}`, code: 'INVALID_REQUEST' },
  { what: 'a repeated parameter', url: `/fhir/Bundle?_id=${canary}&_id=x`, code: 'INVALID_REQUEST' },
  { what: 'no parameter', url: '/fhir/Consent', code: 'INVALID_REQUEST' },
]
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const bodies: Unfit[] = [
  {
    what: 'text',
    url: '/fhir/Consent',
    headers: { 'content-type': 'text/plain' },
    payload: canary,
    code: 'UNSUPPORTED_MEDIA_TYPE',
  },
  { what: 'a form', url: '/v1/patients', headers: form, payload: 'a=1', code: 'UNSUPPORTED_MEDIA_TYPE' },
  { what: 'an empty body', url: '/v1/patients', headers: json, payload: '', code: 'INVALID_REQUEST' },
  { what: 'no body', url: '/v1/patients', code: 'INVALID_REQUEST' },
  { what: 'no JSON', url: '/v1/patients', headers: json, payload: `{"${canary}`, code: 'INVALID_REQUEST' },
  {
    what: 'a name twice',
    url: '/fhir/Consent',
    headers: json,
    payload: `{"${canary}":1,"${canary}":2}`,
    code: 'INVALID_REQUEST',
  },
  {
    what: 'no UTF-8',
    url: '/fhir/Consent',
    headers: json,
    payload: Buffer.from([0x22, 0xff, 0x22]),
    code: 'INVALID_REQUEST',
  },
  {
    what: 'a wrong member',
    url: '/v1/patients',
    headers: json,
    payload: `{"${canary}":1}`,
    code: 'INVALID_REQUEST',
  },
  {
    what: 'too much',
    url: '/fhir/Consent',
    headers: json,
    payload: `"${canary.repeat(40_000)}"`,
    code: 'PAYLOAD_TOO_LARGE',
  },
  {
    what: 'far too much',
    url: '/v1/documents',
    headers: json,
    payload: `"${canary.repeat(1_000_000)}"`,
    code: 'PAYLOAD_TOO_LARGE',
  },
]

describe('a request that fits no route', () => {
  test.each([...addresses, ...bodies.map((unfit) => ({ ...unfit, method: 'POST' as const }))])(
    'for $what is refused with a code and without its words',
    async ({ method = 'GET', url, headers = {}, payload, code }) => {
      failure = authenticated
      const answer = await app.inject({ method, url, headers, ...(payload !== undefined && { payload }) })
      expect(codeIn(answer)).toBe(code)
      expect(answer.statusCode).toBe(statusOf[code])
      expect(answer.body + JSON.stringify(answer.headers)).not.toContain(canary)
      expect(answer.headers['content-type']).toMatch(/^application\/(problem|fhir)\+json/)
      expect(lines.join('')).not.toContain(canary)
    },
  )

  test('is answered the same way under /fhir whether or not it can be read', async () => {
    const answer = await app.inject('/fhir/Bundle/%ff')
    expect(answer.json()).toMatchObject({ resourceType: 'OperationOutcome' })
  })
})

describe('without a token', () => {
  test.each(bodies)('a body with $what is not even read', async ({ url, headers = {}, payload }) => {
    failure = new GatewayError('NOT_AUTHENTICATED', 'No token.')
    const method = 'POST'
    const answer = await app.inject({ method, url, headers, ...(payload !== undefined && { payload }) })
    expect(codeIn(answer)).toBe('NOT_AUTHENTICATED')
  })

  test('there is no HEAD, which would commit an access', async () => {
    const answer = await app.inject({ method: 'HEAD', url: `/fhir/Bundle/north-${'0'.repeat(32)}` })
    expect(answer.statusCode).toBe(404)
  })
})

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { canonical, randomId, type SubmitName } from 'medledger-chaincode/api'
import { bearerOf } from './authenticate.ts'
import { GatewayError } from './error.ts'
import type { SubmitOptions } from './ledger/index.ts'
import type { IdempotencyKeys } from './store/index.ts'

interface Sources {
  /** A digest that only this organisation can compute. */
  readonly digest: (purpose: string, value: string) => string
  readonly keys: Pick<IdempotencyKeys, 'claim'>
  /** Milliseconds since 1970 (UTC). */
  readonly now: () => number
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly payload: unknown
}

/** A request that is being answered, and those that wait for the same answer. */
interface Flight {
  readonly fingerprint: string
  readonly answer: Promise<Answer>
  readonly land: (answer: Answer) => void
}

interface Keyed {
  readonly scope: string
  readonly flight: Flight
  readonly digest: Sources['digest']
}

const keyed = new WeakMap<FastifyRequest, Keyed>()

/** The header's value: an RFC 8941 string, or the same without its quotes. */
const keyForm = /^(?:"([\x20\x21\x23-\x5b\x5d-\x7e]{1,255})"|([A-Za-z0-9_.:~+/=-]{1,255}))$/

/** Errors: INVALID_REQUEST. */
export function parseKey(header: unknown): string {
  const [, quoted, bare] = typeof header === 'string' ? (keyForm.exec(header) ?? []) : []
  const key = quoted ?? bare
  if (key === undefined)
    throw new GatewayError('INVALID_REQUEST', 'The Idempotency-Key is a text of 1 to 255 ASCII characters.')
  return key
}

/**
 * The header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): what is sent with the same key again, by the
 * same person to the same route, is the same request on the ledger. Of those that come at the same time the first is
 * answered and all get its answer; a later one finds what was committed. A key cannot meet another person's, since
 * issuer and subject are part of what it is kept under.
 * Errors: INVALID_REQUEST, IDEMPOTENCY_KEY_REUSED for a key that was sent with something else.
 */
export function idempotentRoutes(app: FastifyInstance, { digest, keys, now }: Sources): void {
  const flights = new Map<string, Flight>()

  app.addHook('preHandler', async (request, reply) => {
    const header = request.headers['idempotency-key']
    if (header === undefined || request.routeOptions.config.roles === undefined) return undefined
    const scope = digest('idempotency key', scopeOf(request, parseKey(header)))
    const fingerprint = digest('idempotent request', contentOf(request))
    const ahead = flights.get(scope)
    if (ahead !== undefined) {
      if (ahead.fingerprint !== fingerprint) throw reused()
      return repeat(reply, await ahead.answer)
    }
    const { promise: answer, resolve: land } = Promise.withResolvers<Answer>()
    const flight = { fingerprint, answer, land }
    flights.set(scope, flight)
    keyed.set(request, { scope, flight, digest })
    if (!(await keys.claim(scope, fingerprint, now()))) throw reused()
    return undefined
  })

  app.addHook('onSend', async (request, reply, payload) => {
    const own = keyed.get(request)
    if (own !== undefined && flights.get(own.scope) === own.flight) {
      flights.delete(own.scope)
      own.flight.land({ status: reply.statusCode, headers: headersOf(reply), payload })
    }
    return payload
  })
}

const reused = (): GatewayError =>
  new GatewayError(
    'IDEMPOTENCY_KEY_REUSED',
    'This Idempotency-Key was sent with another request: draw a new one.',
  )

function scopeOf(request: FastifyRequest, key: string): string {
  const { issuer, subject } = bearerOf(request).claims
  return canonical([issuer, subject, request.method, request.routeOptions.url ?? '', key])
}

/** All that decides about the answer: what was asked, and with what rights. */
function contentOf(request: FastifyRequest): string {
  const { roles, purposes } = bearerOf(request).claims
  const purpose = request.headers['x-purpose-of-use'] ?? null
  return canonical([request.url, request.body ?? null, purpose, roles, purposes ?? null])
}

/** Those that are the answer's own, as opposed to the connection's or the one request's. */
const repeated = ['content-type', 'location', 'retry-after', 'x-medledger-entry', 'www-authenticate']

function headersOf(reply: FastifyReply): Record<string, string> {
  const found = repeated.flatMap((name) => {
    const value = reply.getHeader(name)
    return value === undefined ? [] : [[name, String(value)] as const]
  })
  return Object.fromEntries(found)
}

const repeat = (reply: FastifyReply, { status, headers, payload }: Answer): FastifyReply =>
  reply.status(status).headers(headers).send(payload)

/**
 * With which token and under which identity a route submits a request. `part` tells apart what one route submits
 * several times. Without a key every identity is new.
 */
export function submitOptionsOf(request: FastifyRequest, name: SubmitName, part: string): SubmitOptions {
  const { token, claims } = bearerOf(request)
  const id = idOf(request, 'ledger request', `${name} ${part}`)
  return { token, claims, retry: { request: id, salt: randomId() } }
}

/** An id of 128 bits that a repeated request finds again, if it has a key; a random one otherwise. */
export function idOf(request: FastifyRequest, purpose: string, part = ''): string {
  const own = keyed.get(request)
  if (own === undefined) return randomId()
  const { scope, flight, digest } = own
  return digest(purpose, canonical([scope, flight.fingerprint, part])).slice(0, 32)
}

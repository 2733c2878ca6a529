import rateLimit from '@fastify/rate-limit'
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Constitution } from 'medledger-chaincode/api'
import { getHeapStatistics } from 'node:v8'
import type { Authenticate, Bearer } from './authenticate.ts'
import type { Limits } from './config/index.ts'
import { GatewayError, isSpoken, statusOf, TooManyRequests } from './error.ts'
import type { Metrics } from './metrics.ts'

const windowMs = 60_000
/** How many people, and how many addresses, are counted at a time; the longest silent is forgotten first. */
const remembered = 20_000

interface Sources {
  readonly limits: Limits
  readonly constitution: Constitution
  readonly metrics: Pick<Metrics, 'limited' | 'token'>
}

/**
 * Authentication that counts. A person's requests are counted under her verified token's issuer and subject, so that
 * nobody can use up another's; refused tokens are counted by address, and only they are answered 429 for it: all of a
 * hospital may ask from one address, and must not be locked out by whoever sends rubbish from there.
 */
export async function limitRequests(
  app: FastifyInstance,
  authenticate: Authenticate,
  { limits, constitution, metrics }: Sources,
): Promise<Authenticate> {
  await app.register(rateLimit, { global: false, timeWindow: windowMs, cache: remembered })
  const callers = new WeakMap<FastifyRequest, Bearer>()
  const organisations = new Map(
    constitution.issuers.map(({ issuer, organisation }) => [issuer, organisation]),
  )
  const limit = (name: string, max: number, keyGenerator: (request: FastifyRequest) => string) => {
    const check = app.createRateLimit({ max, keyGenerator })
    return async (request: FastifyRequest): Promise<void> => {
      const result = await check(request)
      if (result.isAllowed || !result.isExceeded) return
      metrics.limited(name)
      throw new TooManyRequests(max, result.ttlInSeconds)
    }
  }
  const claimsOf = (request: FastifyRequest): { issuer: string; subject: string } => {
    const { issuer = '', subject = '' } = callers.get(request)?.claims ?? {}
    return { issuer, subject }
  }
  const limitPerson = limit('person', limits.personPerMinute, (request) => {
    const { issuer, subject } = claimsOf(request)
    return JSON.stringify([issuer, subject])
  })
  const limitOrganisation = limit(
    'organisation',
    limits.organisationPerMinute,
    (request) => organisations.get(claimsOf(request).issuer) ?? '',
  )
  const limitRefused = limit('refused tokens', limits.refusedPerMinute, ({ ip }) => ip)

  return async (request, roles) => {
    try {
      const bearer = await authenticate(request, roles)
      metrics.token('accepted')
      callers.set(request, bearer)
      await limitPerson(request)
      if (!changesConsent(request)) await limitOrganisation(request)
      return bearer
    } catch (error) {
      if (!isSpoken(error)) throw error
      if (error.code === 'INVALID_TOKEN') metrics.token('refused')
      if (statusOf[error.code] === 401 || statusOf[error.code] === 403) await limitRefused(request)
      throw error
    }
  }
}

/** All patients share an organisation, and nobody may keep another from denying or revoking. */
const changesConsent = ({ method, routeOptions: { url = '' } }: FastifyRequest): boolean =>
  method !== 'GET' && url.startsWith('/fhir/Consent')

const heapShare = 0.9

/** Answers 503 while the process cannot keep up; whether it lives can still be asked. */
export async function shedLoad(
  app: FastifyInstance,
  { eventLoopDelayMs }: Pick<Limits, 'eventLoopDelayMs'>,
  metrics: Pick<Metrics, 'limited'>,
): Promise<void> {
  if (eventLoopDelayMs === 0) return
  await app.register(underPressure, {
    maxEventLoopDelay: eventLoopDelayMs,
    maxHeapUsedBytes: Math.floor(getHeapStatistics().heap_size_limit * heapShare),
    // An error that is thrown here would not reach the error handler.
    pressureHandler: (
      request: FastifyRequest,
      _reply: FastifyReply,
      type: string,
    ): Promise<void> | undefined => {
      if (request.routeOptions.url === '/healthz') return undefined
      metrics.limited(type)
      return Promise.reject(
        new GatewayError('OVERLOADED', 'There is more to do than can be done: ask again in a moment.'),
      )
    },
  })
}

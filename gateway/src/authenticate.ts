import type { FastifyInstance, FastifyRequest } from 'fastify'
import { MedledgerError, type Constitution, type Organisation, type Role } from 'medledger-chaincode/api'
import { purposesOfUse, type PurposeOfUse } from 'medledger-chaincode/api'
import { addressOf, invalidToken, verifyToken, type TokenClaims } from 'medledger-chaincode/identity'
import { GatewayError } from './error.ts'
import type { KeyOf, TokenCache } from './identity/index.ts'

/** Somebody whose token has been verified. What she may do is for the ledger to say; roles here are the token's. */
export interface Bearer {
  readonly token: string
  readonly claims: TokenClaims
}

export type Authenticate = (request: FastifyRequest, roles: readonly Role[]) => Promise<Bearer>

interface Sources {
  readonly constitution: Constitution
  readonly organisation: Organisation
  readonly keyOf: KeyOf
  /** Without it every request's token is verified anew. */
  readonly cache?: TokenCache
  /** Milliseconds since 1970 (UTC). */
  readonly now: () => number
}

/**
 * Verifies a request's bearer token (RFC 6750, section 2.1): issued by the own organisation's provider for its staff,
 * or by the one that asserts patients and auditors, for this very gateway.
 * Errors: NOT_AUTHENTICATED without a token, INVALID_TOKEN, FORBIDDEN when the token asserts none of `roles`.
 */
export function createAuthenticate(sources: Sources): Authenticate {
  const { constitution, organisation, keyOf, cache, now } = sources
  const accepted = new Map(
    constitution.issuers
      .filter(({ organisation: owner, roles }) => owner === organisation.name || roles.includes('patient'))
      .map((issuer) => [issuer.issuer, issuer]),
  )
  const verified = async (token: string): Promise<TokenClaims> => {
    const { issuer: name, kid } = addressOf(token)
    const issuer = accepted.get(name)
    const key = issuer && (await keyOf(name, kid))
    if (issuer === undefined || key === undefined) throw invalidToken()
    return verifyToken(token, { issuer, key, audience: organisation.audience, at: now() })
  }
  return async (request, roles) => {
    const token = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(request.headers.authorization ?? '')?.[1]
    if (token === undefined)
      throw new GatewayError('NOT_AUTHENTICATED', 'Send an access token: Authorization: Bearer …')
    const claims = await (cache === undefined ? verified(token) : cache.through(token, () => verified(token)))
    if (!roles.some((role) => claims.roles.includes(role))) {
      throw new MedledgerError('FORBIDDEN', `This is for the roles ${roles.join(', ')}.`)
    }
    return { token, claims }
  }
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Roles whose people may use the route. */
    readonly roles?: readonly Role[]
    /** Set on a route that needs no token. */
    readonly open?: true
  }
}

const bearers = new WeakMap<FastifyRequest, Bearer>()

/**
 * Has every route's token verified before its body is read. A route says who may use it, by `config.roles` or
 * `config.open`; one that says neither is not accepted.
 */
export function authenticateRoutes(app: FastifyInstance, authenticate: Authenticate): void {
  app.addHook('onRoute', ({ url, config }) => {
    if (config?.roles === undefined && config?.open !== true) {
      throw new Error(`The route ${url} does not say who may use it.`)
    }
  })
  app.addHook('onRequest', async (request) => {
    const { roles } = request.routeOptions.config
    if (roles !== undefined) bearers.set(request, await authenticate(request, roles))
  })
}

/** Whose token a request carries, on a route with roles. */
export function bearerOf(request: FastifyRequest): Bearer {
  const bearer = bearers.get(request)
  if (bearer === undefined) throw new GatewayError('NOT_AUTHENTICATED', 'Send an access token.')
  return bearer
}

const isPurpose = (code: string): code is PurposeOfUse => purposesOfUse.includes(code)

/**
 * The purpose of use of a request: the header `X-Purpose-Of-Use` within what the token allows, else the token's only
 * one, else TREAT. Errors: INVALID_REQUEST, FORBIDDEN.
 */
export function purposeOf(request: FastifyRequest, { claims }: Bearer): PurposeOfUse {
  const header = request.headers['x-purpose-of-use']
  const only = claims.purposes?.length === 1 ? claims.purposes[0] : undefined
  const purpose = header ?? only ?? 'TREAT'
  if (typeof purpose !== 'string' || !isPurpose(purpose)) {
    throw new MedledgerError('INVALID_REQUEST', `The purpose of use is one of ${purposesOfUse.join(', ')}.`)
  }
  if (claims.purposes?.includes(purpose) === false) {
    throw new MedledgerError('FORBIDDEN', 'The token was not issued for this purpose of use.')
  }
  return purpose
}

import type { Issuer } from '../api/index.ts'
import { tokenLimits } from './limits.ts'
import { invalidToken } from './refusal.ts'
import type { JsonObject } from './strict-json.ts'

/** What a verified access token says; roles and purposes are claims, to be held against constitution and registry. */
export interface TokenClaims {
  readonly issuer: string
  readonly subject: string
  readonly audience: string
  readonly roles: readonly string[]
  /** Purposes of use that the token is limited to; undefined when it says nothing of them. */
  readonly purposes?: readonly string[]
  readonly kid: string
  /** Instants in seconds since 1970 (UTC). */
  readonly issuedAt: number
  readonly expiresAt: number
}

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as JsonObject)[name]
    : undefined

const claimAt = (payload: JsonObject, path: readonly string[]): unknown =>
  path.reduce<unknown>(memberOf, payload)

/** Text without control characters, which would only serve to deceive whoever reads it in a log. */
const plainText = /^\P{Cc}+$/u

export function textOf(value: unknown): string {
  if (typeof value !== 'string' || value.length > tokenLimits.claimCharacters || !plainText.test(value))
    throw invalidToken()
  return value
}

function textsOf(value: unknown, most: number): readonly string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > most) throw invalidToken()
  return value.map(textOf)
}

/** A text, or a list of exactly one: providers write a single value either way (RFC 7519, section 4.1.3). */
const singleOf = (value: unknown): string =>
  textOf(Array.isArray(value) && value.length === 1 ? value[0] : value)

/** Whole seconds since 1970; RFC 7519 would allow fractions, which no provider needs. */
function instantOf(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw invalidToken()
  return value
}

/**
 * Claims that only other kinds of token have: an OpenID Connect ID token (Core, section 3.3.2.11), a security event or logout
 * token (RFC 8417), or one that is bound to a key of the sender (RFC 7800), which a bearer cannot show.
 */
const foreignClaims = ['at_hash', 'c_hash', 's_hash', 'events', 'cnf']

/** An access token's payload, and not that of another kind of token by the same provider (RFC 8725, section 3.11). */
function requireAccessToken(payload: JsonObject): void {
  if (foreignClaims.some((name) => Object.hasOwn(payload, name))) throw invalidToken()
  // Keycloak says here what its `typ` of JWT leaves open: ID, Refresh, Offline, Logout, or Bearer.
  if (Object.hasOwn(payload, 'typ') && payload['typ'] !== 'Bearer') throw invalidToken()
}

/** At `at` milliseconds since 1970 the token has begun and not ended, give or take the skew, and its life is short. */
function lifeOf(payload: JsonObject, at: number): { issuedAt: number; expiresAt: number } {
  const [issuedAt, expiresAt] = [instantOf(payload['iat']), instantOf(payload['exp'])]
  const startsAt = payload['nbf'] === undefined ? 0 : instantOf(payload['nbf'])
  const lifetime = expiresAt - issuedAt
  // Each must hold, so that an instant that is no number refuses.
  const lives =
    lifetime > 0 &&
    lifetime <= tokenLimits.lifetimeSeconds &&
    issuedAt <= at / 1000 + tokenLimits.skewSeconds &&
    startsAt <= at / 1000 + tokenLimits.skewSeconds &&
    startsAt < expiresAt
  if (!lives || hasExpired(expiresAt, at)) throw invalidToken()
  return { issuedAt, expiresAt }
}

/** Whether a token's last second is over at `at` milliseconds since 1970, by more than clocks may differ. */
export const hasExpired = (expiresAt: number, at: number): boolean =>
  !(expiresAt > at / 1000 - tokenLimits.skewSeconds)

/**
 * The claims of an issuer's token (RFC 9068, section 2.2; IHE IUA's `purpose_of_use`), all of them required but the
 * last. Errors: INVALID_TOKEN.
 */
export function claimsOf(
  payload: JsonObject,
  { issuer: { issuer, token: profile = {} }, audience, at }: ClaimRules,
): Omit<TokenClaims, 'kid'> {
  requireAccessToken(payload)
  // One audience only: a token for several gateways could be replayed by one of them at another.
  if (textOf(payload['iss']) !== issuer || singleOf(payload['aud']) !== audience) throw invalidToken()
  textOf(payload['jti'])
  textOf(payload[profile.clientClaim ?? 'client_id'])
  const { organisationClaim } = profile
  if (organisationClaim !== undefined) {
    if (singleOf(claimAt(payload, organisationClaim.path)) !== organisationClaim.value) throw invalidToken()
  }
  const { purpose_of_use: purposes } = payload
  return {
    issuer,
    subject: textOf(payload['sub']),
    audience,
    roles: textsOf(claimAt(payload, profile.rolesClaim ?? ['roles']), tokenLimits.roles),
    ...lifeOf(payload, at),
    ...(purposes !== undefined && { purposes: textsOf([purposes].flat(), tokenLimits.purposes) }),
  }
}

export interface ClaimRules {
  /** The issuer that the constitution has, with the form of its tokens. */
  readonly issuer: Issuer
  /** The one audience that is accepted. */
  readonly audience: string
  /** The instant to verify at, in milliseconds since 1970 (UTC). */
  readonly at: number
}

import { decodeJwt, decodeProtectedHeader, importJWK, jwtVerify, type JWTPayload } from 'jose'
import { Type } from 'typebox'
import { check, MedledgerError, type PublicKey } from '../api/index.ts'

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

export interface VerifyOptions {
  /** Finds the key of an issuer that is accepted now; undefined for an unknown or revoked one. */
  readonly keyOf: (issuer: string, kid: string) => Promise<PublicKey | undefined>
  /** The instant to verify at, in milliseconds since 1970 (UTC). */
  readonly at: number
  /** The one audience that is accepted. */
  readonly audience: string
}

export const tokenLimits = { characters: 4096, lifetimeSeconds: 600, skewSeconds: 10 } as const

/**
 * The compact form (RFC 7515, section 7.1) with a signature of 64 bytes, whose last letter carries four unused bits.
 * A lenient decoder also takes other spellings of the same bytes, and not every endorser's decoder is equally lenient.
 */
const compactForm = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{85}[AQgw]$/

/** One answer for every fault, so that an attacker learns nothing from it. */
const refuse = (cause?: unknown): MedledgerError =>
  new MedledgerError('INVALID_TOKEN', 'The access token is not accepted: sign in again and retry.', { cause })

/**
 * Verifies a JWT access token (RFC 9068: `typ` at+jwt, ES256): the issuer before its key, and every required claim.
 * Errors: INVALID_TOKEN, always with the same message.
 */
export async function verifyToken(
  token: string,
  { keyOf, at, audience }: VerifyOptions,
): Promise<TokenClaims> {
  if (token.length > tokenLimits.characters || !compactForm.test(token)) throw refuse()
  try {
    const { kid } = decodeProtectedHeader(token)
    const { iss } = decodeJwt(token)
    if (typeof kid !== 'string' || typeof iss !== 'string') throw refuse()
    const key = await keyOf(iss, kid)
    if (key === undefined) throw refuse()
    const { payload } = await jwtVerify(token, await importJWK(key, 'ES256'), {
      algorithms: ['ES256'],
      typ: 'at+jwt',
      issuer: iss,
      audience,
      currentDate: new Date(at),
      clockTolerance: tokenLimits.skewSeconds,
    })
    return claimsOf(payload, kid, at)
  } catch (error) {
    // A fault of the key look-up is not the token's.
    if (error instanceof MedledgerError && !['INVALID_TOKEN', 'INVALID_REQUEST'].includes(error.code))
      throw error
    throw refuse(error)
  }
}

const Text = Type.String({ minLength: 1, maxLength: 200 })

/** The claims of RFC 9068, section 2.2, and of IHE IUA (`purpose_of_use`) that this product reads. */
const Claims = Type.Object({
  iss: Text,
  sub: Text,
  // One audience only: a token for several gateways could be replayed by one of them at another.
  aud: Text,
  iat: Type.Integer({ minimum: 0 }),
  exp: Type.Integer({ minimum: 0 }),
  jti: Text,
  client_id: Text,
  roles: Type.Array(Text, { minItems: 1, maxItems: 20 }),
  purpose_of_use: Type.Optional(Type.Union([Text, Type.Array(Text, { minItems: 1, maxItems: 20 })])),
})

function claimsOf(payload: JWTPayload, kid: string, at: number): TokenClaims {
  const { iss, sub, aud, iat, exp, roles, purpose_of_use: purposes } = check(Claims, payload, 'token')
  if (exp <= iat || exp - iat > tokenLimits.lifetimeSeconds) throw refuse()
  if (iat > at / 1000 + tokenLimits.skewSeconds) throw refuse()
  return {
    issuer: iss,
    subject: sub,
    audience: aud,
    roles,
    kid,
    issuedAt: iat,
    expiresAt: exp,
    ...(purposes !== undefined && { purposes: [purposes].flat() }),
  }
}

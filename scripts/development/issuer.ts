import { exportJWK, generateKeyPair, importJWK, SignJWT, type JWK } from 'jose'
import { check, randomId, type SigningKey } from 'medledger-chaincode/api'
import { withLowS } from 'medledger-chaincode/identity'
import { Type, type Static } from 'typebox'
import { parseFile, toText, writeOnce } from './files.ts'

const Coordinate = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' })

/** A development issuer: it signs tokens with a key that lies in a file, and is refused outside of development. */
const Issuer = Type.Object({
  issuer: Type.String({ minLength: 1 }),
  organisation: Type.String({ minLength: 1 }),
  kid: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
  key: Type.Object({
    kty: Type.Literal('EC'),
    crv: Type.Literal('P-256'),
    x: Coordinate,
    y: Coordinate,
    d: Coordinate,
  }),
})
export type DevelopmentIssuer = Static<typeof Issuer>

/** Whom a token speaks for and at which gateway it may be used. */
export interface TokenRequest {
  readonly subject: string
  readonly role: string
  /** The `aud` of the gateway that is to take it. */
  readonly audience: string
  /** Instant of issue, in milliseconds since 1970 (UTC). */
  readonly now: number
  /** Seconds from issue to expiry; at most five minutes. */
  readonly lifetimeSeconds?: number
  /** Unique id of the token. */
  readonly id?: string
}

/** The lifetime of a development token, in seconds; the ledger itself takes at most ten minutes. */
export const tokenLifetimeSeconds = 300

/** Reads an issuer from its file. Errors: one line that names a damaged file. */
export function readIssuer(file: string, text: string): DevelopmentIssuer {
  try {
    return check(Issuer, parseFile(file, text), 'development issuer')
  } catch {
    throw new Error(`${file} is damaged: it does not hold a development issuer.`)
  }
}

/** The issuer in a file, made when there is none. A key that is on the ledger is never replaced. */
export async function ensureIssuer(
  file: string,
  { issuer, organisation }: { readonly issuer: string; readonly organisation: string },
): Promise<DevelopmentIssuer> {
  const text = await writeOnce(file, async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const kid = `${organisation}-${randomId().slice(0, 16)}`
    return toText({ issuer, organisation, kid, key: privateMembers(await exportJWK(privateKey)) })
  })
  return readIssuer(file, text)
}

const privateMembers = ({ kty, crv, x, y, d }: JWK): JWK => ({ kty, crv, x, y, d }) as JWK

/** The part of the issuer's key that goes on the ledger. */
export const publicKeyOf = ({ key: { kty, crv, x, y } }: DevelopmentIssuer): SigningKey => ({
  kty,
  crv,
  x,
  y,
  alg: 'ES256',
})

/**
 * Signs a JWT access token (RFC 9068). It is a bearer token: whoever holds it can act with it until it expires, which
 * is why its life is short and entries made with it are marked `attested`.
 */
export async function signToken(
  { issuer, kid, key }: DevelopmentIssuer,
  { subject, role, audience, now, lifetimeSeconds = tokenLifetimeSeconds, id = randomId() }: TokenRequest,
): Promise<string> {
  const issuedAt = Math.floor(now / 1000)
  const token = await new SignJWT({ roles: [role], client_id: 'medledger-cli' })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
    .setIssuer(issuer)
    .setSubject(subject)
    .setAudience(audience)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + Math.min(lifetimeSeconds, tokenLifetimeSeconds))
    .setJti(id)
    .sign(await importJWK(key, 'ES256'))
  return withLowS(token)
}

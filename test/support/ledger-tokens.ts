import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose'
import type { SigningKey } from 'medledger-chaincode/api'
import { toLowS } from '../../scripts/network/ecdsa.ts'

export type PrivateKey = Parameters<SignJWT['sign']>[0]

/** An issuer of tokens with one ES256 key. */
export interface FakeIssuer {
  readonly issuer: string
  readonly kid: string
  readonly privateKey: PrivateKey
  readonly publicKey: SigningKey
}

export async function fakeIssuer(issuer: string, kid: string): Promise<FakeIssuer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const { x = '', y = '' } = await exportJWK(publicKey)
  return { issuer, kid, privateKey, publicKey: { kty: 'EC', crv: 'P-256', x, y, alg: 'ES256' } }
}

/** The claims of RFC 9068 for a person; `now` in milliseconds since 1970 (UTC). */
export function claimsFor(
  subject: string,
  { role, audience, now }: { readonly role: string; readonly audience: string; readonly now: number },
): JWTPayload {
  const iat = Math.floor(now / 1000)
  return {
    sub: subject,
    aud: audience,
    iat,
    exp: iat + 300,
    jti: `${subject}-${iat}`,
    client_id: 'test',
    roles: [role],
  }
}

/** An access token (RFC 9068) of these claims; a claim that is undefined is left out. */
export async function signClaims(
  { issuer, kid, privateKey }: FakeIssuer,
  claims: JWTPayload,
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const token = await new SignJWT({ iss: issuer, ...claims })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid, ...header })
    .sign(privateKey)
  const start = token.lastIndexOf('.') + 1
  return token.slice(0, start) + toLowS(Buffer.from(token.slice(start), 'base64url')).toString('base64url')
}

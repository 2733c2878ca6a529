import { createPrivateKey, sign } from 'node:crypto'
import { join } from 'node:path'
import { randomId } from 'medledger-chaincode/api'
import { readKeys, signingKey, tokenLifetimeSeconds } from '../../scripts/identity-provider/keys.ts'
import { toLowS } from '../../scripts/network/ecdsa.ts'

/** What a token says beside what every token does. */
export interface SignRequest {
  readonly subject: string
  readonly role: string
  readonly audience: string
  /** Instant of issue, in milliseconds since 1970 (UTC). */
  readonly now?: number
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/**
 * Signs an access token as the development provider of an instance would, with its own key: also for people whom the
 * provider does not know, at times that are not now.
 */
export async function signToken(
  data: string,
  organisation: string,
  { subject, role, audience, now = Date.now() }: SignRequest,
): Promise<string> {
  const keys = await readKeys(join(data, 'issuers', `${organisation}.json`))
  const signing = signingKey(keys, Date.now())
  if (signing === undefined) throw new RangeError(`no key of ${organisation} signs`)
  const issuedAt = Math.floor(now / 1000)
  const content = [
    { alg: 'ES256', typ: 'at+jwt', kid: signing.kid },
    {
      iss: keys.issuer,
      sub: subject,
      aud: audience,
      iat: issuedAt,
      exp: issuedAt + tokenLifetimeSeconds,
      jti: randomId(),
      client_id: 'medledger-cli',
      roles: [role],
    },
  ]
    .map(encode)
    .join('.')
  const key = createPrivateKey({ key: signing.key, format: 'jwk' })
  const signature = toLowS(sign('sha256', Buffer.from(content), { key, dsaEncoding: 'ieee-p1363' }))
  return `${content}.${signature.toString('base64url')}`
}

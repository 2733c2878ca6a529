import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { randomId, type PublicKey, type SigningKey } from 'medledger-chaincode/api'

/** A signing key of the bench's own, which the operators put on the ledger: no identity provider is measured. */
export interface BenchKey {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicKey: SigningKey
}

export function createSigningKey(): BenchKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { kid: `bench-${randomId()}`, privateKey, publicKey: { ...jwkOf(publicKey), alg: 'ES256' } }
}

/** A key to encrypt to; nothing is opened with it. */
export const createRecipientKey = (): PublicKey =>
  jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)

function jwkOf(publicKey: KeyObject): PublicKey {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  return { kty: 'EC', crv: 'P-256', x, y }
}

/** Half of P-256's order, by its first bytes: enough to tell a high `s` from a low one. */
const halfOrder = Buffer.from('7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8', 'hex')

/** An ES256 signature with a low `s`: every second one is, so another is made until one is. */
function signLow(content: string, key: KeyObject): Buffer {
  for (;;) {
    const signature = sign('sha256', Buffer.from(content), { key, dsaEncoding: 'ieee-p1363' })
    if (signature.subarray(32).compare(halfOrder) <= 0) return signature
  }
}

export interface Claims {
  readonly issuer: string
  readonly subject: string
  readonly role: string
  readonly audience: string
}

const lifetimeSeconds = 300

/** An access token (RFC 9068) that begins now. */
export function signToken(
  { kid, privateKey }: BenchKey,
  { issuer, subject, role, audience }: Claims,
): string {
  const iat = Math.floor(Date.now() / 1000)
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
  const header = encode({ alg: 'ES256', typ: 'at+jwt', kid })
  const claims = encode({
    iss: issuer,
    sub: subject,
    aud: audience,
    iat,
    exp: iat + lifetimeSeconds,
    jti: randomId(),
    client_id: 'bench',
    roles: [role],
  })
  return `${header}.${claims}.${signLow(`${header}.${claims}`, privateKey).toString('base64url')}`
}

import { createPublicKey, type KeyObject } from 'node:crypto'
import { canonical, check, MedledgerError, SigningKey, type PublicKey } from '../api/index.ts'
import { isSoundPoint } from './ed25519.ts'

const refuse = (message: string): MedledgerError => new MedledgerError('INVALID_REQUEST', message)

/** Sizes that are accepted of an RSA modulus, in bits: less is weak (NIST SP 800-131A), more is slow to verify. */
const modulusBits = { least: 2048, most: 4096 } as const

/** Keys as they were found to be sound; there are few, and none can be added without an organisation's operator. */
const imported = new Map<string, KeyObject>()
const mostImported = 100

/**
 * The key as the verifier uses it. Errors: INVALID_REQUEST, saying what is wrong, for a key that is weak or none at all.
 */
export function importSigningKey(key: SigningKey): KeyObject {
  const name = canonical(key)
  const known = imported.get(name)
  if (known !== undefined) return known
  const object = importSound(key)
  if (imported.size >= mostImported) imported.clear()
  imported.set(name, object)
  return object
}

function importSound(key: SigningKey): KeyObject {
  if (key.kty === 'OKP' && !isSoundPoint(canonicalBytes(key.x)))
    throw refuse('The Ed25519 key is not a point of the curve, or one of small order: make a new key.')
  const object = importJwk(key)
  if (key.kty === 'RSA') requireStrongRsa(key, object)
  return object
}

/** The key to which a release is to be encrypted. Errors: INVALID_REQUEST for one to which nothing can be. */
export const requireRecipientKey = (key: PublicKey): void => void importJwk(key)

function importJwk(key: SigningKey | PublicKey): KeyObject {
  const { alg: _alg, ...jwk } = { alg: undefined, ...key }
  for (const member of ['x', 'y', 'n', 'e'] as const) {
    if (member in jwk) canonicalBytes((jwk as Record<string, string>)[member] ?? '')
  }
  try {
    // Node refuses a P-256 key that is no point of the curve.
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    throw refuse('The key is not a public key of its kind: its numbers do not belong to the curve or size.')
  }
}

/** The bytes of a member of a key, which has one spelling only (RFC 7518, section 2). */
function canonicalBytes(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.toString('base64url') !== text)
    throw refuse('The key is not written in canonical base64url: write its numbers anew.')
  return bytes
}

function requireStrongRsa({ n, e }: Extract<SigningKey, { kty: 'RSA' }>, object: KeyObject): void {
  const { modulusLength = 0 } = object.asymmetricKeyDetails ?? {}
  if (modulusLength < modulusBits.least || modulusLength > modulusBits.most)
    throw refuse(
      `An RSA key has ${modulusBits.least} to ${modulusBits.most} bits; this one ${modulusLength}.`,
    )
  const modulus = canonicalBytes(n)
  if (modulus[0] === 0 || !isOdd(modulus))
    throw refuse('The RSA modulus is even or begins with a zero byte: make a new key.')
  requireExponent(canonicalBytes(e))
}

/** Odd and above 2^16 (FIPS 186-5, section 5.4). Four bytes suffice, and longer ones only cost time. */
function requireExponent(exponent: Buffer): void {
  const value = exponent.length <= 4 ? exponent.readUIntBE(0, exponent.length) : 0
  if (value <= 0x1_0000 || exponent[0] === 0 || !isOdd(exponent))
    throw refuse('The exponent of an RSA key is odd, 65537 or more and at most four bytes long.')
}

const isOdd = (bytes: Buffer): boolean => ((bytes.at(-1) ?? 0) & 1) === 1

/** What makes a key of each kind: `kty`, `crv` and `alg`, and the members that the ledger keeps. */
const membersOf: Readonly<Record<string, readonly string[]>> = {
  'EC P-256 ES256': ['kty', 'crv', 'x', 'y'],
  'OKP Ed25519 EdDSA': ['kty', 'crv', 'x'],
  'RSA undefined PS256': ['kty', 'n', 'e'],
  'RSA undefined RS256': ['kty', 'n', 'e'],
}

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/**
 * What a provider publishes as JWK (RFC 7517), as a key for the ledger: its numbers and its one algorithm, nothing else. `alg`
 * is needed where the JWK does not name one. Errors: INVALID_REQUEST, saying what is wrong, never the key itself.
 */
export function signingKeyOf(jwk: Readonly<Record<string, unknown>>, alg: unknown = jwk['alg']): SigningKey {
  if (privateMembers.some((member) => Object.hasOwn(jwk, member)))
    throw refuse(
      'This is a private or secret key: give the public one, and make a new key if this one was sent.',
    )
  if (jwk['alg'] !== undefined && jwk['alg'] !== alg)
    throw refuse('The key names another algorithm than the one that it is to be registered for.')
  if (jwk['use'] !== undefined && jwk['use'] !== 'sig')
    throw refuse('The key is not meant for signatures (`use`).')
  const members = membersOf[`${String(jwk['kty'])} ${String(jwk['crv'])} ${String(alg)}`]
  if (members === undefined)
    throw refuse('A signing key is P-256 for ES256, Ed25519 for EdDSA, or RSA for PS256 or RS256; say which.')
  const key = Object.fromEntries(members.map((member) => [member, jwk[member]]))
  const checked = check(SigningKey, { ...key, alg }, 'signing key')
  importSigningKey(checked)
  return checked
}

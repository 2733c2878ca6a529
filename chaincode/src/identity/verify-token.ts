import type { SigningKey } from '../api/index.ts'
import { isSignedBy } from './algorithms.ts'
import { claimsOf, textOf, type ClaimRules, type TokenClaims } from './claims.ts'
import { parseCompact, type CompactParts } from './compact.ts'
import { invalidToken } from './refusal.ts'
import { importSigningKey } from './signing-key.ts'
import { parseStrictJson, type JsonObject } from './strict-json.ts'

/** Under which name the key of a token is to be looked up. Nothing of it is verified yet. */
export interface TokenAddress {
  readonly issuer: string
  readonly kid: string
}

export interface VerifyOptions extends ClaimRules {
  /** The key that the ledger has under the token's address, not revoked. */
  readonly key: SigningKey
}

interface Header {
  readonly alg: unknown
  readonly kid: string
  readonly typ: unknown
}

interface Parsed {
  readonly parts: CompactParts
  readonly header: Header
  readonly payload: JsonObject
}

/** All that a header has; each of them, and no other member, so that nothing in a token names keys or extensions. */
const headerMembers = ['alg', 'kid', 'typ']

/** As the ledger names keys. */
const keyId = /^[A-Za-z0-9_-]{1,64}$/

function parseHeader(bytes: Uint8Array): Header {
  const header = parseStrictJson(bytes)
  const names = Object.keys(header)
  if (names.length !== headerMembers.length || !headerMembers.every((name) => names.includes(name)))
    throw invalidToken()
  const { alg, kid, typ } = header
  if (typeof kid !== 'string' || !keyId.test(kid)) throw invalidToken()
  return { alg, kid, typ }
}

function parseToken(token: string): Parsed {
  const parts = parseCompact(token)
  return { parts, header: parseHeader(parts.header), payload: parseStrictJson(parts.payload) }
}

/**
 * Whom a token says that it is from, so that the caller can see whether that issuer is accepted before it looks up the
 * key. The token is well formed by then and not verified. Errors: INVALID_TOKEN.
 */
export function addressOf(token: string): TokenAddress {
  const { header, payload } = parseToken(token)
  return { issuer: textOf(payload['iss']), kid: header.kid }
}

/**
 * Verifies a JWT access token (RFC 9068, hardened as RFC 8725 advises) of an issuer that is accepted with the key that its
 * {@link addressOf} names. Pure and synchronous: the same verdict in every gateway and every endorser. The algorithm is the
 * key's; the token must only say the same. Errors: INVALID_TOKEN, always with the same message.
 */
export function verifyToken(token: string, { key, ...rules }: VerifyOptions): TokenClaims {
  try {
    const { parts, header, payload } = parseToken(token)
    if (header.alg !== key.alg || header.typ !== (rules.issuer.token?.type ?? 'at+jwt')) throw invalidToken()
    if (!isSignedBy(parts, key.alg, importSigningKey(key))) throw invalidToken()
    return { ...claimsOf(payload, rules), kid: header.kid }
  } catch {
    // Also what a library throws at a key or signature: which fault it was is nobody's to learn.
    throw invalidToken()
  }
}

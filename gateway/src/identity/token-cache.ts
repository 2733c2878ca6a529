import { createHash } from 'node:crypto'
import { hasExpired, type TokenClaims } from 'medledger-chaincode/identity'
import type { KeyChanges } from './key-changes.ts'

/** What was verified lately need not be verified again. */
export interface TokenCache {
  /** The claims of a token that is known to be good, or what `verify` says. A refusal is never remembered. */
  through(token: string, verify: () => Promise<TokenClaims>): Promise<TokenClaims>
}

export interface TokenCacheOptions {
  readonly changes: Pick<KeyChanges, 'count' | 'isLive'>
  /** Milliseconds since 1970 (UTC). */
  readonly now: () => number
  /** How long a verification counts at the most. */
  readonly maxAgeMs?: number
  /** How many tokens are remembered; the oldest makes room. */
  readonly limit?: number
}

interface Verified {
  readonly claims: TokenClaims
  readonly at: number
  readonly count: number
}

const defaults = { maxAgeMs: 60_000, limit: 2000 } as const

/** No token is kept, only its digest. */
const digestOf = (token: string): string => createHash('sha256').update(token).digest('base64url')

/**
 * Remembers verified tokens until they expire, an issuer's keys change, or a minute has passed. While changes of keys are
 * not heard of, it neither gives nor keeps anything.
 */
export function createTokenCache(options: TokenCacheOptions): TokenCache {
  const { changes, now, maxAgeMs, limit } = { ...defaults, ...options }
  const verified = new Map<string, Verified>()
  const isGood = ({ claims, at, count }: Verified): boolean =>
    count === changes.count() && now() - at < maxAgeMs && now() >= at && !hasExpired(claims.expiresAt, now())
  return {
    async through(token, verify) {
      if (!changes.isLive()) return verify()
      const digest = digestOf(token)
      const known = verified.get(digest)
      if (known !== undefined && isGood(known)) return known.claims
      verified.delete(digest)
      // Counted before: a change during the verification makes it worthless.
      const [count, at] = [changes.count(), now()]
      const claims = await verify()
      const [oldest] = verified.keys()
      if (verified.size >= limit && oldest !== undefined) verified.delete(oldest)
      verified.set(digest, { claims, at, count })
      return claims
    },
  }
}

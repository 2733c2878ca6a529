import { setTimeout as sleep } from 'node:timers/promises'
import { canonical, type SigningKey } from 'medledger-chaincode/api'
import { signingKeyOf } from 'medledger-chaincode/identity'
import { GatewayError } from '../error.ts'
import type { Jwk } from './fetch-keys.ts'
import type { KeyOf } from './ledger-keys.ts'

/** The keys that one identity provider publishes now. */
export interface ProviderKeys {
  /**
   * Whether the provider publishes this key under this id, with the same numbers.
   * Errors: ISSUER_UNAVAILABLE when that has not been learnt for an hour.
   */
  publishes(kid: string, key: SigningKey): Promise<boolean>
  /**
   * Whether the provider answered when it was last asked. It is asked when that is due, or when it did not: more often would
   * leave a key that is new meanwhile to wait. Never rejects.
   */
  answers(): Promise<boolean>
}

export interface ProviderKeysOptions {
  /** Fetches what the provider publishes. Errors: any. */
  readonly fetch: () => Promise<readonly Jwk[]>
  /** Milliseconds since 1970 (UTC). */
  readonly now: () => number
  /** What the provider publishes has changed. */
  readonly onChange: () => void
  /** A fetch failed, for the log: an error's name, never its words. */
  readonly onFailure: (kind: string) => void
}

export const providerKeyLimits = {
  /** What was fetched is fetched anew after this long; the old answer serves on while there is none. */
  freshMs: 5 * 60_000,
  /** Never more often than this, whoever invents whatever. */
  betweenFetchesMs: 30_000,
  /** After this long without an answer nothing is believed any more. */
  staleMs: 60 * 60_000,
  /** What has a key that is due to be fetched anew serves on after this long, while the fetch goes on. */
  patienceMs: 1000,
} as const

interface Fetched {
  readonly keys: readonly Jwk[]
  readonly text: string
  readonly at: number
}

/** Keeps what a provider publishes, fetching it as rarely as the limits say. */
export function createProviderKeys({ fetch, now, onChange, onFailure }: ProviderKeysOptions): ProviderKeys {
  let fetched: Fetched | undefined
  let triedAt = Number.NEGATIVE_INFINITY
  let trying: Promise<void> | undefined
  let hasAnswered = false
  /** Resolves with the last attempt, or when it has taken too long to be waited for by all. */
  let briefly: Promise<void> = Promise.resolve()

  const attempt = async (): Promise<void> => {
    const at = now()
    try {
      const keys = await fetch()
      const text = canonical(keys)
      if (fetched !== undefined && fetched.text !== text) onChange()
      fetched = { keys, text, at }
      hasAnswered = true
    } catch (error) {
      hasAnswered = false
      onFailure(error instanceof Error ? error.name : typeof error)
    }
    trying = undefined
  }
  /** Resolves when there is nothing newer to be had for now. */
  const refresh = (): Promise<void> => {
    if (trying !== undefined) return trying
    const mayTry = Math.abs(now() - triedAt) >= providerKeyLimits.betweenFetchesMs
    if (!mayTry) return Promise.resolve()
    triedAt = now()
    trying = attempt()
    briefly = atMost(providerKeyLimits.patienceMs, trying)
    return trying
  }
  const usable = (): Fetched | undefined =>
    fetched !== undefined && now() - fetched.at < providerKeyLimits.staleMs ? fetched : undefined

  return {
    async publishes(kid, key) {
      const age = fetched === undefined ? Number.POSITIVE_INFINITY : now() - fetched.at
      if (!has(usable(), kid, key)) await refresh()
      else if (age >= providerKeyLimits.freshMs) {
        void refresh()
        // An old set serves only while the provider does not answer, and one that hangs holds nobody up.
        await briefly
      }
      const newest = usable()
      if (newest === undefined)
        throw new GatewayError(
          'ISSUER_UNAVAILABLE',
          'The keys of the identity provider cannot be had: try again in half a minute.',
        )
      return has(newest, kid, key)
    },
    async answers() {
      const isDue = fetched === undefined || now() - fetched.at >= providerKeyLimits.freshMs
      if (isDue || !hasAnswered) await refresh()
      return hasAnswered
    },
  }
}

/** Resolves when `work` does, or after so long. */
async function atMost(ms: number, work: Promise<void>): Promise<void> {
  const ended = new AbortController()
  const waited = sleep(ms, undefined, { signal: ended.signal, ref: false }).catch(() => {})
  await Promise.race([work, waited])
  ended.abort()
}

/** A key id that is published twice names no key. */
function has(fetched: Fetched | undefined, kid: string, key: SigningKey): boolean {
  const [found, second] = fetched?.keys.filter((candidate) => candidate.kid === kid) ?? []
  if (found === undefined || second !== undefined) return false
  try {
    return canonical(signingKeyOf(found, key.alg)) === canonical(key)
  } catch {
    return false
  }
}

/**
 * Keys that are on the ledger and, where the issuer's provider is configured, among those that it publishes, with the
 * same numbers. A provider can only take away: no key counts because it publishes it.
 */
export const alsoPublished =
  (ledger: KeyOf, providers: ReadonlyMap<string, ProviderKeys>): KeyOf =>
  async (issuer, kid) => {
    const key = await ledger(issuer, kid)
    const provider = providers.get(issuer)
    if (key === undefined || provider === undefined) return key
    return (await provider.publishes(kid, key)) ? key : undefined
  }

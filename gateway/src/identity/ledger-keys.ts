import { canonical, MedledgerError, type SigningKey } from 'medledger-chaincode/api'
import type { LedgerClient } from '../ledger/index.ts'
import type { KeyChanges } from './key-changes.ts'

/** Finds the key under which an issuer's tokens are verified now; undefined for an unknown or revoked one. */
export type KeyOf = (issuer: string, kid: string) => Promise<SigningKey | undefined>

const limits = {
  keys: 1000,
  /** How long an answer serves while changes are heard of at once, and while they are not. */
  liveMs: 60_000,
  freshMs: 5000,
  staleMs: 60_000,
  unknownPerSecond: 20,
} as const

interface KnownKey {
  readonly key: SigningKey | undefined
  readonly at: number
  /** See {@link KeyChanges.count}. */
  readonly count: number
}

export interface LedgerKeysOptions {
  readonly client: Pick<LedgerClient, 'evaluate'>
  /** Name of the own organisation, and of the others. */
  readonly own: string
  readonly others: readonly string[]
  readonly changes: Pick<KeyChanges, 'count' | 'isLive' | 'block'>
  /** Milliseconds since 1970 (UTC). */
  readonly now: () => number
}

/**
 * Issuers' keys as the ledger has them now. An answer, "no such key" included, serves until a block changes keys, for a
 * minute at most; while the own peer's blocks do not arrive, for 5 s. When the ledger does not answer, a key that was
 * good up to a minute ago still serves, unless a change was heard of since: the chaincode checks it again. Key ids are a
 * stranger's to invent: unknown ones push no known one out, and at most 20 a second are looked up.
 */
export function createLedgerKeys(sources: LedgerKeysOptions): KeyOf {
  const { changes, now } = sources
  const good = new Map<string, KnownKey>()
  const bad = new Map<string, KnownKey>()
  const mayLookUp = allowPerSecond(limits.unknownPerSecond, now)
  const ifServing = (known: KnownKey | undefined, ms: number): KnownKey | undefined =>
    known?.count === changes.count() && now() - known.at < ms ? known : undefined
  return async (issuer, kid) => {
    const name = JSON.stringify([issuer, kid])
    const cached = good.get(name) ?? bad.get(name)
    const fresh = ifServing(cached, changes.isLive() ? limits.liveMs : limits.freshMs)
    if (fresh !== undefined) return fresh.key
    if (!good.has(name) && !mayLookUp()) throw tooMany()
    // Counted before the question: a change that comes with the answer is newer than the answer.
    const count = changes.count()
    try {
      const key = await readTrustedKey(sources, issuer, kid)
      good.delete(name)
      bad.delete(name)
      remember(key === undefined ? bad : good, name, { key, at: now(), count })
      return key
    } catch (error) {
      const stale = ifServing(cached, limits.staleMs)
      if (stale !== undefined) return stale.key
      throw error
    }
  }
}

/** Not the token's fault: a good key that is not known yet must not be answered like a bad one. */
const tooMany = (): MedledgerError =>
  new MedledgerError(
    'LEDGER_UNAVAILABLE',
    'Too many unknown signing keys are being tried: try again in a second.',
  )

function remember(keys: Map<string, KnownKey>, name: string, known: KnownKey): void {
  const [oldest] = keys.keys()
  if (keys.size >= limits.keys && oldest !== undefined) keys.delete(oldest)
  keys.set(name, known)
}

function allowPerSecond(count: number, now: () => number): () => boolean {
  let second = 0
  let used = 0
  return () => {
    const current = Math.floor(now() / 1000)
    if (current !== second) {
      second = current
      used = 0
    }
    used += 1
    return used <= count
  }
}

/** The own peer's answer; while it has none, that of all others if it is the same: no single foreign one is believed. */
async function readTrustedKey(
  { client, own, others, changes }: LedgerKeysOptions,
  issuer: string,
  kid: string,
): Promise<SigningKey | undefined> {
  const block = changes.block()
  const ask = (organisation: string): Promise<SigningKey | undefined> =>
    readKey(
      client,
      { issuer, kid },
      { organisations: [organisation], ...(block !== undefined && { minimumBlock: block }) },
    )
  try {
    return await ask(own)
  } catch (error) {
    if (!(error instanceof MedledgerError && error.code === 'LEDGER_UNAVAILABLE') || others.length < 2)
      throw error
    const [first, ...rest] = await Promise.all(others.map(ask))
    if (rest.every((key) => canonical(key ?? null) === canonical(first ?? null))) return first
    throw error
  }
}

async function readKey(
  client: Pick<LedgerClient, 'evaluate'>,
  fields: { readonly issuer: string; readonly kid: string },
  options: { readonly organisations: readonly string[]; readonly minimumBlock?: number },
): Promise<SigningKey | undefined> {
  try {
    const { key, revoked } = await client.evaluate('ReadIssuerKey', fields, options)
    return revoked ? undefined : key
  } catch (error) {
    // The token's words are not well formed, or name no key: the token's fault, not the ledger's.
    if (error instanceof MedledgerError && ['NOT_FOUND', 'INVALID_REQUEST'].includes(error.code))
      return undefined
    throw error
  }
}

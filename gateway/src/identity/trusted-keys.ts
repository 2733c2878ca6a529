import type { KeysLocation } from '../config/index.ts'
import type { LedgerClient } from '../ledger/index.ts'
import type { Log } from '../log.ts'
import { createKeysFetcher } from './fetch-keys.ts'
import type { KeyChanges } from './key-changes.ts'
import { createLedgerKeys, type KeyOf } from './ledger-keys.ts'
import { alsoPublished, createProviderKeys } from './provider-keys.ts'

/** Where the keys of tokens come from. */
export interface TrustedKeys {
  readonly keyOf: KeyOf
  /** Whether every provider answers. Never rejects. */
  providersAnswer(): Promise<boolean>
  close(): Promise<void>
}

export interface TrustedKeysOptions {
  readonly client: Pick<LedgerClient, 'evaluate'>
  /** Name of the own organisation, and of the others. */
  readonly own: string
  readonly others: readonly string[]
  readonly changes: KeyChanges
  readonly log: Pick<Log, 'event'>
  readonly now: () => number
}

/** Keys from the ledger, held against those that the providers at these locations publish. */
export function openTrustedKeys(
  locations: readonly KeysLocation[],
  { client, own, others, changes, log, now }: TrustedKeysOptions,
): TrustedKeys {
  const fetchers = locations.map((location) => ({ location, fetcher: createKeysFetcher(location) }))
  const providers = fetchers.map(({ location: { issuer }, fetcher }) => {
    const keys = createProviderKeys({
      fetch: () => fetcher.fetch(),
      now,
      onChange: () => changes.touch(),
      onFailure: (kind) => log.event('identity-provider.failed', { issuer, kind }),
    })
    return [issuer, keys] as const
  })
  return {
    keyOf: alsoPublished(createLedgerKeys({ client, own, others, changes, now }), new Map(providers)),
    async providersAnswer() {
      const answers = await Promise.all(providers.map(([, keys]) => keys.answers()))
      return answers.every(Boolean)
    },
    async close() {
      await Promise.all(fetchers.map(({ fetcher }) => fetcher.close()))
    },
  }
}

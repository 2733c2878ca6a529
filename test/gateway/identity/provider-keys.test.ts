import { beforeEach, describe, expect, test } from 'vitest'
import type { SigningKey } from 'medledger-chaincode/api'
import type { Jwk } from '../../../gateway/src/identity/fetch-keys.ts'
import {
  alsoPublished,
  createProviderKeys,
  providerKeyLimits,
  type ProviderKeys,
} from '../../../gateway/src/identity/provider-keys.ts'
import { fakeIssuer } from '../../support/ledger-tokens.ts'

const { freshMs, betweenFetchesMs, staleMs, patienceMs } = providerKeyLimits
const key = (await fakeIssuer('i', 'k')).publicKey
const otherKey = (await fakeIssuer('i', 'k')).publicKey
const unavailable = expect.objectContaining({ code: 'ISSUER_UNAVAILABLE' }) as Error

let time: number
let fetches: number
let changed: number
let answer: () => Promise<readonly Jwk[]>
let provider: ProviderKeys

const jwk = (kid: string, { alg: _alg, ...members }: SigningKey, more: object = {}): Jwk => ({
  kid,
  use: 'sig',
  ...members,
  ...more,
})
const fails = (): Promise<never> => Promise.reject(new Error('away'))

beforeEach(() => {
  time = Date.parse('2026-05-06T07:08:09Z')
  fetches = 0
  changed = 0
  answer = async () => [jwk('k', key)]
  provider = createProviderKeys({
    fetch: () => {
      fetches += 1
      return answer()
    },
    now: () => time,
    onChange: () => {
      changed += 1
    },
    onFailure: () => {},
  })
})

describe('the keys that a provider publishes', () => {
  test('are fetched once for all who ask at the same time', async () => {
    const asked = Array.from({ length: 20 }, () => provider.publishes('k', key))
    expect(new Set(await Promise.all(asked))).toEqual(new Set([true]))
    expect(fetches).toBe(1)
  })

  test('serve on while a provider hangs, to those who ask for a known key; a new one is waited for', async () => {
    expect(await provider.publishes('k', key)).toBe(true)
    const late = Promise.withResolvers<readonly Jwk[]>()
    answer = () => late.promise
    time += freshMs
    const began = performance.now()
    expect(await Promise.all([provider.publishes('k', key), provider.publishes('k', key)])).toEqual([
      true,
      true,
    ])
    const waitedMs = performance.now() - began
    expect(waitedMs).toBeGreaterThan(patienceMs / 2)
    expect(waitedMs).toBeLessThan(patienceMs * 3)
    // It is known by now that it hangs.
    expect(await provider.publishes('k', key)).toBe(true)
    expect(performance.now() - began - waitedMs).toBeLessThan(patienceMs / 2)
    const next = provider.publishes('next', otherKey)
    late.resolve([jwk('next', otherKey)])
    expect(await next).toBe(true)
    expect(await provider.publishes('k', key)).toBe(false)
    expect([fetches, changed]).toEqual([2, 1])
  })

  test.each<[string, readonly Jwk[]]>([
    ['under another id', [jwk('other', key)]],
    ['with other numbers', [jwk('k', otherKey)]],
    ['twice under one id', [jwk('k', key), jwk('k', key)]],
    ['for another algorithm', [jwk('k', key, { alg: 'ES384' })]],
    ['for encryption', [jwk('k', key, { use: 'enc' })]],
    ['with a private part', [jwk('k', key, { d: 'A'.repeat(43) })]],
    ['without an id', [{ ...key }]],
    ['not at all', []],
  ])('do not hold a key that is published %s', async (_what, keys) => {
    answer = async () => keys
    expect(await provider.publishes('k', key)).toBe(false)
  })

  test('are fetched again for an unknown key, and at most once in 30 s however many are tried', async () => {
    expect(await provider.publishes('k', key)).toBe(true)
    time += betweenFetchesMs - 1
    answer = async () => [jwk('k', key), jwk('next', otherKey)]
    for (let index = 0; index < 50; index += 1) expect(await provider.publishes(`x${index}`, key)).toBe(false)
    expect(await provider.publishes('next', otherKey)).toBe(false)
    expect(fetches).toBe(1)
    time += 1
    expect(await provider.publishes('next', otherKey)).toBe(true)
    expect([fetches, changed]).toEqual([2, 1])
  })

  test('are renewed after five minutes, before anybody is answered by the old ones', async () => {
    await provider.publishes('k', key)
    time += freshMs
    answer = async () => []
    expect(await provider.publishes('k', key)).toBe(false)
    expect(fetches).toBe(2)
    expect(await provider.publishes('k', key)).toBe(false)
    expect(changed).toBe(1)
  })

  test('serve for an hour while the provider is away; then nobody is believed, and nobody is called a liar', async () => {
    await provider.publishes('k', key)
    answer = fails
    time += staleMs - 1
    expect(await provider.publishes('k', key)).toBe(true)
    time += 1
    await expect(provider.publishes('k', key)).rejects.toEqual(unavailable)
    await expect(provider.publishes('other', key)).rejects.toEqual(unavailable)
    answer = async () => [jwk('k', key)]
    time += betweenFetchesMs
    expect(await provider.publishes('k', key)).toBe(true)
  })

  test('tell whether the provider answers, asking when that is due, and leave a new key its fetch', async () => {
    expect(await provider.answers()).toBe(true)
    time += betweenFetchesMs
    expect(await provider.answers()).toBe(true)
    expect(fetches).toBe(1)
    answer = async () => [jwk('k', key), jwk('new', otherKey)]
    expect(await provider.publishes('new', otherKey)).toBe(true)
    answer = fails
    time += freshMs
    expect(await provider.answers()).toBe(false)
    expect(await provider.answers()).toBe(false)
    expect(fetches).toBe(3)
    answer = async () => [jwk('k', key)]
    time += betweenFetchesMs
    expect(await provider.answers()).toBe(true)
  })

  test('that were never learnt are asked for every 30 s, also when the provider fails', async () => {
    answer = fails
    for (let index = 0; index < 60; index += 1) {
      await expect(provider.publishes('k', key)).rejects.toEqual(unavailable)
      time += 1000
    }
    expect(fetches).toBe(2)
  })
})

describe('a key counts', () => {
  const keyOf = (ledger: SigningKey | undefined): Promise<SigningKey | undefined> =>
    alsoPublished(async () => ledger, new Map([['i', provider]]))('i', 'k')

  test('when the ledger and the provider both have it', async () => {
    expect(await keyOf(key)).toEqual(key)
  })

  test('never because the provider alone has it, which is not even asked', async () => {
    expect(await keyOf(undefined)).toBeUndefined()
    expect(fetches).toBe(0)
  })

  test('not when the provider has another one under its id', async () => {
    expect(await keyOf(otherKey)).toBeUndefined()
  })

  test('by the ledger alone where no provider is configured for its issuer', async () => {
    expect(await alsoPublished(async () => key, new Map([['i', provider]]))('j', 'k')).toEqual(key)
    expect(fetches).toBe(0)
  })
})

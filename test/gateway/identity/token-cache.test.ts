import { beforeEach, describe, expect, test } from 'vitest'
import type { TokenClaims } from 'medledger-chaincode/identity'
import { createTokenCache, type TokenCache } from '../../../gateway/src/identity/index.ts'

const start = Date.parse('2026-05-06T07:08:09Z')
let time: number
let changes: { count: number; live: boolean }
let verified: string[]
let cache: TokenCache

const claimsOf = (subject: string, expiresAt = start / 1000 + 300): TokenClaims => ({
  issuer: 'i',
  subject,
  audience: 'a',
  roles: ['doctor'],
  kid: 'k',
  issuedAt: start / 1000,
  expiresAt,
})

const ask = (token: string, claims = claimsOf(token)): Promise<TokenClaims> =>
  cache.through(token, async () => {
    verified.push(token)
    return claims
  })

beforeEach(() => {
  time = start
  changes = { count: 0, live: true }
  verified = []
  cache = createTokenCache({
    changes: { count: () => changes.count, isLive: () => changes.live },
    now: () => time,
    limit: 3,
  })
})

describe('a verified token', () => {
  test('is verified once, and its claims are its own', async () => {
    for (const token of ['a', 'b', 'a', 'b']) expect((await ask(token)).subject).toBe(token)
    expect(verified).toEqual(['a', 'b'])
  })

  test('is verified anew after a minute, and when the clock went back', async () => {
    await ask('a')
    time += 59_999
    await ask('a')
    expect(verified).toHaveLength(1)
    time += 1
    await ask('a')
    expect(verified).toHaveLength(2)
    time -= 1
    await ask('a')
    expect(verified).toHaveLength(3)
  })

  test('is verified anew when it has expired', async () => {
    const claims = claimsOf('a', start / 1000 + 5)
    await ask('a', claims)
    time += 14_999
    await ask('a', claims)
    expect(verified).toHaveLength(1)
    time += 1
    await ask('a', claims)
    expect(verified).toHaveLength(2)
  })

  test('is verified anew after any change of keys, also one that came while it was verified', async () => {
    await ask('a')
    changes.count += 1
    await cache.through('a', async () => {
      changes.count += 1
      verified.push('a')
      return claimsOf('a')
    })
    await ask('a')
    expect(verified).toHaveLength(3)
    await ask('a')
    expect(verified).toHaveLength(3)
  })

  test('is verified each time while changes of keys are not heard of', async () => {
    await ask('a')
    changes.live = false
    await ask('a')
    await ask('a')
    expect(verified).toHaveLength(3)
  })

  test('makes room for newer ones', async () => {
    for (const token of ['a', 'b', 'c', 'd', 'a']) await ask(token)
    expect(verified).toEqual(['a', 'b', 'c', 'd', 'a'])
  })
})

test('a refusal is never remembered, nor taken for a success', async () => {
  const refuse = (): Promise<never> => Promise.reject(new Error('refused'))
  await expect(cache.through('a', refuse)).rejects.toThrow('refused')
  await ask('a')
  expect(verified).toEqual(['a'])
  time += 60_000
  await expect(cache.through('a', refuse)).rejects.toThrow('refused')
  await expect(cache.through('a', refuse)).rejects.toThrow('refused')
})

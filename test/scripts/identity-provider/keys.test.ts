import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  ensureKeys,
  newKey,
  overlapMs,
  publicKeyOf,
  readKeys,
  signingKey,
  stateOf,
  tokenLifetimeSeconds,
  type ProviderKey,
  type ProviderKeys,
} from '../../../scripts/identity-provider/index.ts'

const now = Date.parse('2026-05-06T07:08:09Z')
const north = { issuer: 'http://127.0.0.1:7722', organisation: 'north' }
let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'medledger-keys-'))
  file = join(folder, 'issuers', 'north.json')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('the keys of a development provider', () => {
  test('lie where only their owner can read them, and are never replaced', async () => {
    const first = await ensureKeys(file, north, () => now)
    expect(((await stat(file)).mode & 0o777).toString(8)).toBe('600')
    expect(await ensureKeys(file, north, () => now + 1000)).toEqual(first)
    expect(signingKey(first, now)).toEqual(first.keys[0])
  })

  test('have a public half with nothing secret in it', async () => {
    const { keys } = await ensureKeys(file, north)
    expect(Object.keys(publicKeyOf(keys[0] as ProviderKey)).toSorted()).toEqual([
      'alg',
      'crv',
      'kty',
      'x',
      'y',
    ])
  })

  test('that are missing or damaged are named by their file, without its content', async () => {
    await expect(readKeys(file)).rejects.toThrow(`${file} is missing`)
    await ensureKeys(file, north)
    const text = await readFile(file, 'utf8')
    for (const damaged of [text.slice(0, -20), text.replace('"kid"', '"kod"'), '{}', '']) {
      await writeFile(file, damaged)
      const message = await readKeys(file).catch((error: Error) => error.message)
      expect(message).toContain(file)
      expect(message).not.toContain('"d"')
    }
  })
})

describe('of several keys', () => {
  const at = (ms: number): string => new Date(ms).toISOString()
  const old = { ...newKey('north'), signsFrom: at(now) }
  const next = { ...newKey('north'), signsFrom: at(now + 1000) }
  const fresh = newKey('north')
  const { d: _gone, ...publicPart } = newKey('north').key
  const revoked = { ...newKey('north'), key: publicPart, signsFrom: at(now + 500) }
  const keys: ProviderKeys = { ...north, keys: [next, revoked, fresh, old] }
  const states = (ms: number): string[] => [old, next, fresh, revoked].map((key) => stateOf(keys, key, ms))

  test('the newest one signs whose time has come, and a revoked one never', () => {
    expect(signingKey(keys, now - 1)).toBeUndefined()
    expect(signingKey(keys, now + 999)?.kid).toBe(old.kid)
    expect(signingKey(keys, now + 1000)?.kid).toBe(next.kid)
    expect(signingKey(keys, now + 10 ** 9)?.kid).toBe(next.kid)
  })

  test('each is in one state after the other', () => {
    expect(states(now)).toEqual(['signing', 'next', 'new', 'revoked'])
    expect(states(now + 1000)).toEqual(['overlapping', 'signing', 'new', 'revoked'])
    expect(states(now + 999 + overlapMs)).toEqual(['overlapping', 'signing', 'new', 'revoked'])
    expect(states(now + 1000 + overlapMs)).toEqual(['retired', 'signing', 'new', 'revoked'])
  })

  test('one is only retired when none of its tokens can be valid any more', () => {
    expect(overlapMs).toBeGreaterThan((tokenLifetimeSeconds + 70) * 1000)
  })
})

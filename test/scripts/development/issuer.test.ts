import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { addressOf, verifyToken } from 'medledger-chaincode/identity'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ensureIssuer, publicKeyOf, readIssuer, signToken } from '../../../scripts/development/index.ts'

const now = Date.parse('2026-05-06T07:08:09Z')
const north = { issuer: 'urn:example:north', organisation: 'north' }
let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'medledger-issuer-'))
  file = join(folder, 'issuers', 'north.json')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('a development issuer', () => {
  test('keeps its key where only its owner can read it, and never makes another', async () => {
    const first = await ensureIssuer(file, north)
    expect(((await stat(file)).mode & 0o777).toString(8)).toBe('600')
    expect(await ensureIssuer(file, north)).toEqual(first)
  })

  test('gives out nothing secret as its public key', async () => {
    const issuer = await ensureIssuer(file, north)
    expect(Object.keys(publicKeyOf(issuer)).toSorted()).toEqual(['alg', 'crv', 'kty', 'x', 'y'])
  })

  test('that is damaged is named by its file, and is not replaced', async () => {
    await ensureIssuer(file, north)
    await writeFile(file, '{"key":{"d":"canary"}}')
    await expect(ensureIssuer(file, north)).rejects.toThrow(/north\.json is damaged/)
    expect(await readFile(file, 'utf8')).toContain('canary')
    expect(() => readIssuer(file, 'canary')).not.toThrow(/canary/)
  })
})

describe('a token', () => {
  const request = { subject: 'dr.okafor', role: 'doctor', audience: 'urn:example:gateway', now }

  test('is one that the ledger accepts', async () => {
    const issuer = await ensureIssuer(file, north)
    const token = await signToken(issuer, request)
    expect(addressOf(token)).toEqual({ issuer: north.issuer, kid: issuer.kid })
    const claims = verifyToken(token, {
      at: now,
      audience: request.audience,
      issuer: { ...north, roles: ['doctor'] },
      key: publicKeyOf(issuer),
    })
    expect(claims).toMatchObject({ issuer: north.issuer, subject: 'dr.okafor', roles: ['doctor'] })
  })

  test('is a JWT access token of five minutes at most, of which no two are the same', async () => {
    const issuer = await ensureIssuer(file, north)
    const token = await signToken(issuer, { ...request, lifetimeSeconds: 86_400 })
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: issuer.kid })
    const { iat = 0, exp = 0, client_id: client, jti } = decodeJwt(token)
    expect([iat, exp - iat, client]).toEqual([now / 1000, 300, 'medledger-cli'])
    expect(decodeJwt(await signToken(issuer, request)).jti).not.toBe(jti)
  })
})

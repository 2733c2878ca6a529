import { generateKeyPair, SignJWT, type JWTPayload } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import type { SigningKey } from 'medledger-chaincode/api'
import {
  addressOf,
  hasExpired,
  invalidToken,
  tokenLimits,
  verifyToken,
  type TokenClaims,
  type VerifyOptions,
} from 'medledger-chaincode/identity'
import { signingKey } from '../../support/ledger-samples.ts'
import { claimsFor, fakeIssuer, signClaims, type FakeIssuer } from '../../support/ledger-tokens.ts'

const audience = 'urn:medledger:gateway:south'
const at = Date.UTC(2026, 0, 15, 12)
const seconds = at / 1000
const claims = claimsFor('dr.chen', { role: 'doctor', audience, now: at })

let south: FakeIssuer
let north: FakeIssuer
beforeAll(async () => {
  south = await fakeIssuer('urn:test:south', 'south-1')
  north = await fakeIssuer('urn:test:north', 'north-1')
})

/** Verifies as gateway and chaincode do: the issuer first, then its key, then the token. */
function verify(token: string, more: Partial<VerifyOptions> = {}): TokenClaims {
  const { issuer, kid } = addressOf(token)
  const signer = [south, north].find((known) => known.issuer === issuer && known.kid === kid)
  if (signer === undefined) throw invalidToken()
  const profile = { issuer, organisation: 'south', roles: ['doctor' as const] }
  return verifyToken(token, { issuer: profile, key: signer.publicKey, at, audience, ...more })
}

const refused = expect.objectContaining({
  code: 'INVALID_TOKEN',
  message: 'The access token is not accepted: sign in again and retry.',
}) as Error

/** A token of any header and payload, with a signature of its author's choice. */
function forge(header: Record<string, unknown>, payload: JWTPayload, signature: string): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part(header)}.${part(payload)}.${signature}`
}

describe('a token is accepted', () => {
  test('and says what it says', async () => {
    expect(verify(await signClaims(south, claims))).toEqual({
      issuer: 'urn:test:south',
      subject: 'dr.chen',
      audience,
      roles: ['doctor'],
      kid: 'south-1',
      issuedAt: seconds,
      expiresAt: seconds + 300,
    })
  })

  test.each([
    ['one purpose', 'TREAT', ['TREAT']],
    ['several', ['TREAT', 'BTG'], ['TREAT', 'BTG']],
  ])('with %s of use', async (_what, purposes, expected) => {
    const token = await signClaims(south, { ...claims, purpose_of_use: purposes })
    expect(verify(token)).toMatchObject({ purposes: expected })
  })

  test.each([
    ['of the longest life', { exp: seconds + tokenLimits.lifetimeSeconds }],
    ['a little before its issue', { iat: seconds + tokenLimits.skewSeconds, exp: seconds + 300 }],
    ['a little after its end', { iat: seconds - 300, exp: seconds - tokenLimits.skewSeconds + 1 }],
    ['for a list of one gateway', { aud: [audience] }],
    ['with claims that are not read', { name: 'Wei Chen', scope: 'openid' }],
  ])('%s', async (_what, more) => {
    expect(verify(await signClaims(south, { ...claims, ...more }))).toBeDefined()
  })
})

describe('a token is refused, always in the same words', () => {
  test.each([
    ['without an issuer', { iss: undefined }],
    ['without a subject', { sub: undefined }],
    ['without an audience', { aud: undefined }],
    ['without an instant of issue', { iat: undefined }],
    ['without an end', { exp: undefined }],
    ['without an id', { jti: undefined }],
    ['without a client', { client_id: undefined }],
    ['without roles', { roles: undefined }],
    ['with an empty list of roles', { roles: [] }],
    ['with roles that are no list', { roles: 'doctor' }],
    ['with an empty subject', { sub: '' }],
    ['with a subject that is no text', { sub: 7 as unknown as string }],
    ['with an empty list of purposes', { purpose_of_use: [] }],
    ['for another gateway', { aud: 'urn:medledger:gateway:north' }],
    ['for several gateways', { aud: [audience, 'urn:medledger:gateway:north'] }],
    ['that lives too long', { exp: seconds + tokenLimits.lifetimeSeconds + 1 }],
    ['that ends before it begins', { iat: seconds + 5, exp: seconds + 5 }],
    ['from the future', { iat: seconds + tokenLimits.skewSeconds + 1, exp: seconds + 300 }],
    ['that is not yet valid', { nbf: seconds + 60 }],
    ['that has ended', { iat: seconds - 300, exp: seconds - tokenLimits.skewSeconds }],
    ['with half a second in its end', { exp: seconds + 300.5 }],
    ['of an issuer nobody knows', { iss: 'urn:test:west' }],
    ['of an issuer whose key it was not signed with', { iss: 'urn:test:north' }],
  ] as readonly [string, JWTPayload][])('%s', async (_what, more) => {
    const token = await signClaims(south, { ...claims, ...more })
    expect(() => verify(token)).toThrow(refused)
  })

  test.each([
    ['of another type', { typ: 'JWT' }],
    ['of no type', { typ: undefined }],
    ['without a key id', { kid: undefined }],
    ['with an unknown key id', { kid: 'south-2' }],
    ['with a key id that is no text', { kid: 1 }],
    ['with the key id of another issuer', { kid: 'north-1' }],
    ['with its own key inside', { jwk: { kty: 'EC' }, kid: 'south-9' }],
  ])('%s', async (_what, header) => {
    const token = await signClaims(south, claims, header)
    expect(() => verify(token)).toThrow(refused)
  })

  test('with an extension that must be understood', async () => {
    const critical = { alg: 'ES256', typ: 'at+jwt', kid: 'south-1', crit: ['x'], x: 1 }
    const unsigned = forge(critical, { iss: 'urn:test:south', ...claims }, 'A'.repeat(86))
    expect(() => verify(unsigned)).toThrow(refused)
  })

  test.each(['none', 'NONE', 'None'])('with the algorithm %s', async (alg) => {
    const header = { alg, typ: 'at+jwt', kid: 'south-1' }
    const payload = { iss: 'urn:test:south', ...claims }
    for (const signature of ['', 'A'.repeat(86)]) {
      expect(() => verify(forge(header, payload, signature))).toThrow(refused)
    }
  })

  test('with HS256 and the public key as its secret', async () => {
    const token = await new SignJWT({ iss: 'urn:test:south', ...claims })
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'south-1' })
      .sign(Buffer.from(JSON.stringify(south.publicKey)))
    expect(() => verify(token)).toThrow(refused)
  })

  test('with a curve that was not agreed', async () => {
    const { privateKey } = await generateKeyPair('ES384')
    const token = await new SignJWT({ iss: 'urn:test:south', ...claims })
      .setProtectedHeader({ alg: 'ES384', typ: 'at+jwt', kid: 'south-1' })
      .sign(privateKey)
    expect(() => verify(token)).toThrow(refused)
  })

  test('with the key of somebody else', async () => {
    const forged = { ...north, issuer: south.issuer, kid: south.kid }
    const token = await signClaims(forged, claims)
    expect(() => verify(token)).toThrow(refused)
  })

  test('whose key is no point of the curve', async () => {
    const token = await signClaims(south, claims)
    const broken: SigningKey = { ...signingKey, x: 'A'.repeat(43), y: 'A'.repeat(43) }
    expect(() => verify(token, { key: broken })).toThrow(refused)
  })

  test('that is too long', async () => {
    const token = await signClaims(south, { ...claims, note: 'x'.repeat(tokenLimits.characters) })
    expect(() => addressOf(token)).toThrow(refused)
  })

  test('at an instant that is no number', async () => {
    const token = await signClaims(south, claims)
    for (const at of [Number.NaN, Infinity, -Infinity]) expect(() => verify(token, { at })).toThrow(refused)
    expect(hasExpired(seconds, Number.NaN)).toBe(true)
  })
})

describe('a token has one form only', () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  /** The same bits with the unused last ones set: lenient decoders take both. */
  const otherSpelling = (token: string): string => {
    const last = alphabet.indexOf(token.slice(-1))
    return token.slice(0, -1) + String(alphabet[last + 1])
  }

  test.each([
    ['unused bits that are set', otherSpelling],
    ['padding', (token: string) => `${token}==`],
    ['a line break at the end', (token: string) => `${token}\n`],
    ['a space in front', (token: string) => ` ${token}`],
    ['a space inside', (token: string) => token.replace('.', ' .')],
    ['a space in the signature', (token: string) => `${token.slice(0, -4)} ${token.slice(-4)}`],
    ['a fourth part', (token: string) => `${token}.AAAA`],
    ['a dot at the end', (token: string) => `${token}.`],
    ['letters at the end', (token: string) => `${token}AAAA`],
    ['a signature cut short', (token: string) => token.slice(0, -4)],
    ['no signature', (token: string) => token.slice(0, token.lastIndexOf('.') + 1)],
    ['the alphabet of plain base64', (token: string) => token.replaceAll('-', '+').replaceAll('_', '/')],
    ['a word in front', (token: string) => `Bearer ${token}`],
    ['nothing', () => ''],
  ])('%s is refused', async (_what, spoil) => {
    // A signature of 64 bytes has letters of both alphabets in nearly every token; draw until this one has.
    let token = ''
    while (!/[-_]/.test(token.slice(-86))) token = await signClaims(south, claims)
    expect(verify(token)).toBeDefined()
    expect(() => verify(spoil(token))).toThrow(refused)
  })

  test('no bit of it can be turned', async () => {
    const token = await signClaims(south, claims)
    const places = Array.from({ length: 60 }, (_, index) => Math.floor((index * token.length) / 60))
    for (const place of places) {
      const letter = token[place] === 'A' ? 'B' : 'A'
      const turned = token.slice(0, place) + letter + token.slice(place + 1)
      expect(() => verify(turned)).toThrow(refused)
    }
  })
})

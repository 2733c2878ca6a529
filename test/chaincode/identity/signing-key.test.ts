import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { MedledgerError, type SigningKey } from 'medledger-chaincode/api'
import { importSigningKey, signingKeyOf } from 'medledger-chaincode/identity'
import { signingKey } from '../../support/ledger-samples.ts'

type Jwk = Record<string, unknown>
const publicJwk = ({ publicKey }: { readonly publicKey: KeyObject }): Jwk =>
  publicKey.export({ format: 'jwk' })
const rsa = (modulusLength: number, publicExponent = 65_537): Jwk =>
  publicJwk(generateKeyPairSync('rsa', { modulusLength, publicExponent }))

const ec = publicJwk(generateKeyPairSync('ec', { namedCurve: 'P-256' }))
const ed = publicJwk(generateKeyPairSync('ed25519'))
const rsa2048 = rsa(2048)

const refused = (message: RegExp): Error =>
  expect.objectContaining({
    code: 'INVALID_REQUEST',
    message: expect.stringMatching(message) as string,
  }) as Error

describe('a provider’s key becomes one for the ledger', () => {
  test.each([
    ['ES256', ec, ['alg', 'crv', 'kty', 'x', 'y']],
    ['EdDSA', ed, ['alg', 'crv', 'kty', 'x']],
    ['PS256', rsa2048, ['alg', 'e', 'kty', 'n']],
    ['RS256', rsa2048, ['alg', 'e', 'kty', 'n']],
  ])('for %s, with nothing in it but its numbers', (alg, jwk, members) => {
    const published = { ...jwk, alg, use: 'sig', kid: 'x', x5c: ['…'], x5t: '…' }
    const key = signingKeyOf(published)
    expect(Object.keys(key).toSorted()).toEqual(members)
    expect(signingKeyOf(jwk, alg)).toEqual(key)
    expect(importSigningKey(key).type).toBe('public')
  })

  test.each<[string, Jwk, string | undefined, RegExp]>([
    [
      'a private key',
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
      'ES256',
      /private/,
    ],
    ['a secret key', { kty: 'oct', k: 'c2VjcmV0' }, 'HS256', /secret/],
    ['no algorithm', ec, undefined, /say which/],
    ['no algorithm at all', ec, 'none', /say which/],
    ['an algorithm of another kind of key', ec, 'EdDSA', /say which/],
    ['two algorithms', { ...rsa2048, alg: 'RS256' }, 'PS256', /another algorithm/],
    ['another curve', publicJwk(generateKeyPairSync('ec', { namedCurve: 'P-384' })), 'ES384', /say which/],
    ['a key for encryption', { ...rsa2048, use: 'enc' }, 'RS256', /`use`/],
    ['coordinates that are no text', { ...ec, x: 1 }, 'ES256', /not well formed/],
    ['a coordinate cut short', { ...ec, x: 'AAAA' }, 'ES256', /not well formed/],
    ['a name of every object', { kty: 'constructor' }, 'ES256', /say which/],
  ])('%s is refused', (_what, jwk, alg, message) => {
    expect(() => signingKeyOf(jwk, alg)).toThrow(refused(message))
  })
})

describe('a key that is weak or none is refused', () => {
  const keyOf = (jwk: Jwk, alg: string): SigningKey => ({ ...jwk, alg }) as unknown as SigningKey
  const order8 = Buffer.from('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', 'hex')
  const otherOrder8 = Buffer.from('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', 'hex')
  const littleEndian = (value: bigint, sign = false): Buffer => {
    const bytes = Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse()
    bytes[31] = (bytes[31] ?? 0) | (sign ? 0x80 : 0)
    return bytes
  }
  const prime = 2n ** 255n - 19n

  test('a point that is not on P-256', () => {
    const off = { ...signingKey, y: `${'A'.repeat(42)}E` } as SigningKey
    expect(() => importSigningKey(off)).toThrow(refused(/curve/))
    expect(() =>
      importSigningKey(keyOf({ kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) }, 'ES256')),
    ).toThrow(refused(/curve/))
  })

  test.each([
    ['of order one', littleEndian(1n)],
    ['of order two', littleEndian(prime - 1n)],
    ['of order four', littleEndian(0n)],
    ['of order four, with the other sign', littleEndian(0n, true)],
    ['of order eight', order8],
    ['of order eight, with the other sign', Buffer.concat([order8.subarray(0, 31), Buffer.from([0x85])])],
    ['of order eight, the others', otherOrder8],
    ['beyond the field', littleEndian(prime + 3n)],
    ['one that is another spelling', littleEndian(prime + 1n)],
    ['that is no point', littleEndian(2n)],
  ])('an Ed25519 point %s', (_what, point) => {
    const key = keyOf({ kty: 'OKP', crv: 'Ed25519', x: point.toString('base64url') }, 'EdDSA')
    expect(() => importSigningKey(key)).toThrow(refused(/Ed25519/))
  })

  test('but every Ed25519 key that is made is sound', () => {
    for (let index = 0; index < 20; index += 1) {
      const key = keyOf(publicJwk(generateKeyPairSync('ed25519')), 'EdDSA')
      expect(importSigningKey(key).asymmetricKeyType).toBe('ed25519')
    }
  })

  test.each([
    ['too short', rsa(1024), /2048 to 4096 bits/],
    ['too long', { ...rsa2048, n: Buffer.alloc(513, 0xff).toString('base64url') }, /2048 to 4096 bits/],
    ['with a small exponent', rsa(2048, 3), /exponent/],
    ['with an even exponent', { ...rsa2048, e: 'AQAA' }, /exponent/],
    ['with a long exponent', { ...rsa2048, e: 'AQAAAAE' }, /exponent/],
    ['with an exponent written long', { ...rsa2048, e: 'AAEAAQ' }, /exponent/],
    [
      'with a leading zero',
      { ...rsa2048, n: `AA${String(rsa2048['n'])}`.slice(0, 344) },
      /modulus|base64url/,
    ],
    ['with an even modulus', { ...rsa2048, n: Buffer.alloc(256, 0xfe).toString('base64url') }, /even/],
    ['in another spelling', { ...rsa2048, e: 'AQABAB' }, /base64url/],
  ])('an RSA key %s', (_what, jwk, message) => {
    for (const alg of ['PS256', 'RS256']) {
      expect(() => importSigningKey(keyOf(jwk, alg))).toThrow(refused(message))
    }
  })

  test('in a message that does not show it', () => {
    const { n } = rsa(1024)
    try {
      importSigningKey(keyOf({ ...rsa2048, n }, 'RS256'))
    } catch (error) {
      expect((error as MedledgerError).message).not.toContain(String(n))
    }
    expect.assertions(1)
  })
})

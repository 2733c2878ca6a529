import * as fc from 'fast-check'
import { generateKeyPairSync, verify } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { signingKey, signLowS, toLowSDer } from '../../../../gateway/src/ledger/fabric/sign.ts'

const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** Reads a DER ECDSA signature strictly (X.690): definite, shortest lengths, positive and shortest integers. */
function readDer(der: Buffer): { r: bigint; s: bigint } {
  expect(der[0]).toBe(0x30)
  expect(der[1]).toBe(der.length - 2)
  let at = 2
  const integer = (): bigint => {
    expect(der[at]).toBe(2)
    const length = der[at + 1] ?? 0
    const digits = der.subarray(at + 2, at + 2 + length)
    at += 2 + length
    expect(digits.length).toBe(length)
    expect((digits[0] ?? 0) < 0x80).toBe(true)
    if (digits.length > 1 && digits[0] === 0) expect((digits[1] ?? 0) >= 0x80).toBe(true)
    return BigInt(`0x${digits.toString('hex')}`)
  }
  const r = integer()
  const s = integer()
  expect(at).toBe(der.length)
  return { r, s }
}

const raw = (r: bigint, s: bigint): Buffer =>
  Buffer.from(r.toString(16).padStart(64, '0') + s.toString(16).padStart(64, '0'), 'hex')

describe('signing for Fabric', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

  test('every signature verifies, is DER and has a low s', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (message) => {
        const signature = signLowS(message, privateKey)
        expect(verify('sha256', message, publicKey, signature)).toBe(true)
        expect(readDer(signature).s <= order / 2n).toBe(true)
      }),
    )
  })

  test('r and s survive, except that a high s becomes its complement', () => {
    const scalar = fc.oneof(
      fc.bigInt({ min: 1n, max: order - 1n }),
      fc.bigInt({ min: 1n, max: 0xffffn }),
      fc.bigInt({ min: order / 2n - 2n, max: order / 2n + 2n }),
    )
    fc.assert(
      fc.property(scalar, scalar, (r, s) => {
        expect(readDer(toLowSDer(raw(r, s)))).toEqual({ r, s: s > order / 2n ? order - s : s })
      }),
    )
  })

  test('a key of another kind is refused when it is read', () => {
    const pem = (curve: string): string =>
      generateKeyPairSync('ec', { namedCurve: curve })
        .privateKey.export({ type: 'pkcs8', format: 'pem' })
        .toString()
    expect(() => signingKey(pem('P-384'))).toThrow(RangeError)
    expect(signingKey(pem('P-256')).type).toBe('private')
  })
})

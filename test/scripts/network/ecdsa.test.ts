import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  der,
  derInteger,
  derSequence,
  isLowS,
  readSignature,
  signLowS,
  toFabricSignature,
} from '../../../scripts/network/ecdsa.ts'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const publicKey = createPublicKey(privateKey)

describe('signatures', () => {
  test('hold, and are low-S', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (content) => {
        const signature = signLowS(privateKey, content)
        expect(isLowS(signature)).toBe(true)
        expect(verify('sha256', content, publicKey, signature)).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  test('with the other value of s are told apart, though they verify', () => {
    const content = Buffer.from('content')
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
    const { r, s } = readSignature(signLowS(privateKey, content))
    const high = derSequence(derInteger(r), derInteger(order - s))
    expect(verify('sha256', content, publicKey, high)).toBe(true)
    expect(isLowS(high)).toBe(false)
  })

  test('that are not DER are not low-S', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (content) => {
        fc.pre(content[0] !== 0x30)
        expect(isLowS(content)).toBe(false)
      }),
    )
    const signature = sign('sha256', Buffer.from('x'), privateKey)
    expect(isLowS(Buffer.concat([signature, Buffer.from([0])]))).toBe(false)
    expect(isLowS(signature.subarray(0, 20))).toBe(false)
  })
})

describe('signatures as Fabric reads them', () => {
  const signature = signLowS(privateKey, Buffer.from('content'))
  const { r, s } = readSignature(signature)
  const zero = Buffer.from([0])

  test('may be followed by anything, inside the sequence and after it', () => {
    expect(toFabricSignature(signature)).toEqual(signature)
    expect(toFabricSignature(Buffer.concat([signature, zero]))).toEqual(signature)
    expect(toFabricSignature(derSequence(derInteger(r), derInteger(s), derInteger(1n)))).toEqual(signature)
  })

  test('are none when an integer is not in its shortest form, negative, zero or high', () => {
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
    const padded = der(2, Buffer.concat([zero, derInteger(5n).subarray(2)]))
    for (const first of [padded, der(2, Buffer.from([0x80])), der(2, Buffer.alloc(0)), derInteger(0n)])
      expect(toFabricSignature(derSequence(first, derInteger(s)))).toBeUndefined()
    for (const second of [0n, order - s, 2n ** 256n])
      expect(toFabricSignature(derSequence(derInteger(r), derInteger(second)))).toBeUndefined()
    expect(toFabricSignature(signature.subarray(0, 30))).toBeUndefined()
  })
})

describe('DER', () => {
  test.each([
    [0n, '020100'],
    [127n, '02017f'],
    [128n, '02020080'],
    [256n, '02020100'],
    [0xffffn, '020300ffff'],
  ])('writes the integer %s in its shortest form', (value, hex) => {
    expect(derInteger(value).toString('hex')).toBe(hex)
  })

  test('refuses what it cannot write', () => {
    expect(() => derInteger(-1n)).toThrow(RangeError)
    expect(() => der(4, Buffer.alloc(0x1_00_00))).toThrow(RangeError)
  })

  test.each([
    [0x7f, '047f'],
    [0x80, '048180'],
    [0xff, '0481ff'],
    [0x100, '04820100'],
  ])('writes a length of %i bytes', (length, hex) => {
    expect(
      der(4, Buffer.alloc(length))
        .subarray(0, hex.length / 2)
        .toString('hex'),
    ).toBe(hex)
  })

  test('gives integers back', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
        fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
        (r, s) => {
          expect(readSignature(derSequence(derInteger(r), derInteger(s)))).toEqual({ r, s })
        },
      ),
    )
  })
})

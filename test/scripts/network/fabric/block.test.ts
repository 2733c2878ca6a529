import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  blockHash,
  createBlock,
  decodeBlock,
  encodeBlock,
  headerBytes,
  slot,
  validationCodesOf,
  withMetadata,
} from '../../../../scripts/network/fabric/block.ts'
import { transactionId } from '../../../../scripts/network/fabric/digest.ts'

describe('blocks', () => {
  test('have the header of Fabric in ASN.1', () => {
    const header = {
      number: 300,
      previousHash: Buffer.from('aa', 'hex'),
      dataHash: Buffer.from('bbcc', 'hex'),
    }
    // SEQUENCE { INTEGER 300, OCTET STRING aa, OCTET STRING bbcc }
    expect(headerBytes(header).toString('hex')).toBe('300b0202012c0401aa0402bbcc')
    expect(blockHash(header).toString('hex')).toHaveLength(64)
  })

  test('hash their data as one string of bytes', () => {
    const block = createBlock(0, Buffer.alloc(0), [Buffer.from('abc')])
    expect(block.dataHash.toString('hex')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
  })

  test('come back from their bytes', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((content) => Buffer.from(content))
    fc.assert(
      fc.property(fc.nat(), bytes, fc.array(bytes, { minLength: 1 }), (number, previousHash, envelopes) => {
        const block = withMetadata(
          createBlock(number, previousHash, envelopes),
          slot.validationCodes,
          Buffer.from([0, 11]),
        )
        expect(decodeBlock(encodeBlock(block))).toEqual(block)
        expect(validationCodesOf(block)).toEqual([0, 11])
      }),
    )
  })

  test('transaction ids are the digest of nonce and creator', () => {
    expect(transactionId(Buffer.from('a'), Buffer.from('bc'))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
  })
})

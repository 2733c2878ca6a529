import { common, peer } from '@hyperledger/fabric-protos'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bytesAt,
  int32At,
  messageAt,
  numberAt,
  readFields,
  readRepeated,
} from '../../../../gateway/src/ledger/fabric/protobuf.ts'

const varint = (value: bigint): Buffer => {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7fn; rest /= 128n) bytes.push(Number(rest % 128n) + 0x80)
  return Buffer.from([...bytes, Number(rest)])
}
const field = (number: number, wireType: number, ...content: readonly Uint8Array[]): Buffer =>
  Buffer.concat([varint(BigInt(number * 8 + wireType)), ...content])
const contents = (number: number, content: Uint8Array): Buffer =>
  field(number, 2, varint(BigInt(content.length)), content)

const unknown: fc.Arbitrary<Buffer> = fc.letrec<{ one: Buffer }>((tie) => ({
  one: fc.oneof(
    { depthSize: 'small' },
    fc.bigInt(0n, 2n ** 64n - 1n).map((value) => field(15, 0, varint(value))),
    fc.uint8Array({ minLength: 8, maxLength: 8 }).map((value) => field(15, 1, value)),
    fc.uint8Array().map((value) => contents(15, value)),
    fc.uint8Array({ minLength: 4, maxLength: 4 }).map((value) => field(15, 5, value)),
    fc.array(tie('one'), { maxLength: 3 }).map((inner) => field(15, 3, ...inner, field(15, 4))),
  ),
})).one

describe('reading without definitions', () => {
  test('passes over unknown fields, groups and fields of another wire type', () => {
    const other = fc.oneof(
      unknown,
      fc.uint8Array().map((value) => contents(1, value)),
      fc.bigInt(0n, 2n ** 32n).map((value) => field(5, 0, varint(value))),
      fc.uint8Array({ minLength: 8, maxLength: 8 }).map((value) => field(1, 1, value)),
    )
    fc.assert(
      fc.property(fc.array(other), fc.array(other), fc.nat(), fc.string(), (before, after, type, id) => {
        const header = new common.ChannelHeader()
        header.setType(type)
        header.setTxId(id)
        const fields = readFields(Buffer.concat([...before, header.serializeBinary(), ...after]))
        expect(int32At(fields, 1)).toBe(type)
        expect(Buffer.from(bytesAt(fields, 5)).toString()).toBe(Buffer.from(id).toString())
      }),
    )
  })

  test('gives numbers the bits that they have', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n - 1n), (value) => {
        const fields = readFields(field(1, 0, varint(value)))
        expect(int32At(fields, 1)).toBe(Number(BigInt.asIntN(32, value)))
        expect(numberAt(fields, 1)).toBe(Number(value))
      }),
    )
    expect(int32At(readFields(field(1, 0, varint(2n ** 32n + 3n))), 1)).toBe(3)
  })

  test('merges an embedded message that is there several times, and takes the last of other values', () => {
    const [first, second] = [new peer.Response(), new peer.Response()]
    first.setPayload(Buffer.from('payload'))
    first.setMessage('one')
    second.setMessage('two')
    const twice = Buffer.concat([first, second].map((one) => contents(3, one.serializeBinary())))
    const response = readFields(messageAt(readFields(twice), 3))
    expect(Buffer.from(bytesAt(response, 3)).toString()).toBe('payload')
    expect(Buffer.from(bytesAt(response, 2)).toString()).toBe('two')
    expect(readRepeated(twice, 3)).toHaveLength(2)
    expect(numberAt(readFields(Buffer.concat([field(1, 0, varint(4n)), field(1, 0, varint(5n))])), 1)).toBe(5)
  })

  test('has an error for bytes that are no message, and never an endless loop', () => {
    const broken = [
      Buffer.from([0x08]),
      Buffer.from([0x0a, 2, 1]),
      field(1, 6),
      field(1, 4),
      field(1, 3),
      field(1, 3, field(2, 4)),
      Buffer.concat([field(1, 0), Buffer.alloc(11, 0xff)]),
      Buffer.alloc(1000, 0x0b),
    ]
    for (const bytes of broken) expect(() => readFields(bytes)).toThrow(RangeError)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          readFields(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
      }),
    )
  })
})

/*
 * Protocol Buffers without definitions, read as Go's implementation reads them: whoever makes a transaction chooses its bytes,
 * and what the peers took for one thing must not be another thing here (protobuf.dev, "Encoding": last one wins, embedded
 * messages merge, unknown fields and those of another wire type are passed over).
 */

/** A message's fields by their numbers: the last number of each, and all contents of those with a length. */
export interface Fields {
  readonly numbers: ReadonlyMap<number, number | bigint>
  readonly contents: ReadonlyMap<number, readonly Uint8Array[]>
}

/** Varints of up to so many bytes are whole numbers of JavaScript; longer ones need 64 bits. */
const exactBytes = 7
const longestVarint = 10
/** Groups within groups that are passed over. */
const deepestGroup = 100

class Cursor {
  private at = 0
  private readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get done(): boolean {
    return this.at >= this.bytes.length
  }

  varint(): number | bigint {
    const start = this.at
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bytes[this.at]
      if (byte === undefined) throw new RangeError('a message ends within a number')
      this.at += 1
      value += (byte & 0x7f) * scale
      if (byte < 0x80) break
      if (this.at - start === longestVarint) throw new RangeError('a number is too long')
    }
    return this.at - start <= exactBytes ? value : longValueOf(this.bytes.subarray(start, this.at))
  }

  take(length: number): Uint8Array {
    const end = this.at + length
    if (end > this.bytes.length) throw new RangeError('a message ends within a field')
    const taken = this.bytes.subarray(this.at, end)
    this.at = end
    return taken
  }
}

/** The 64 bits of a varint; what is beyond them is cut off. */
const longValueOf = (bytes: Uint8Array): bigint =>
  BigInt.asUintN(
    64,
    bytes.reduceRight((value, byte) => value * 128n + BigInt(byte & 0x7f), 0n),
  )

const startGroup = 3
const endGroup = 4

interface Tag {
  readonly field: number
  readonly wireType: number
}

function readTag(cursor: Cursor): Tag {
  const tag = Number(cursor.varint())
  return { field: Math.floor(tag / 8), wireType: tag % 8 }
}

/** A field's value; undefined for what is passed over. */
function readValue(
  cursor: Cursor,
  { field, wireType }: Tag,
  depth = 0,
): number | bigint | Uint8Array | undefined {
  switch (wireType) {
    case 0:
      return cursor.varint()
    case 2:
      return cursor.take(Number(cursor.varint()))
    case 1:
    case 5:
      cursor.take(wireType === 1 ? 8 : 4)
      return undefined
    case startGroup:
      passGroup(cursor, field, depth + 1)
      return undefined
    default:
      throw new RangeError('a message has a field of an unknown wire type')
  }
}

function passGroup(cursor: Cursor, field: number, depth: number): void {
  if (depth > deepestGroup) throw new RangeError('groups are too deep')
  for (;;) {
    if (cursor.done) throw new RangeError('a message ends within a group')
    const tag = readTag(cursor)
    if (tag.wireType !== endGroup) readValue(cursor, tag, depth)
    else if (tag.field === field) return
    else throw new RangeError('a group ends that has not begun')
  }
}

/** Reads a message. Errors: RangeError when the bytes are none. */
export function readFields(message: Uint8Array): Fields {
  const numbers = new Map<number, number | bigint>()
  const contents = new Map<number, Uint8Array[]>()
  const cursor = new Cursor(message)
  while (!cursor.done) {
    const tag = readTag(cursor)
    const value = readValue(cursor, tag)
    if (value instanceof Uint8Array) {
      const earlier = contents.get(tag.field)
      if (earlier === undefined) contents.set(tag.field, [value])
      else earlier.push(value)
    } else if (value !== undefined) numbers.set(tag.field, value)
  }
  return { numbers, contents }
}

const none = new Uint8Array()

/** The values of a repeated field, in their order. Errors: as {@link readFields}. */
export const readRepeated = (message: Uint8Array, field: number): readonly Uint8Array[] =>
  readFields(message).contents.get(field) ?? []

/** A field of bytes or text: the last one, empty when there is none. */
export const bytesAt = ({ contents }: Fields, field: number): Uint8Array =>
  contents.get(field)?.at(-1) ?? none

/** An embedded message: all that is there of it, one after the other, which is how messages merge. */
export function messageAt({ contents }: Fields, field: number): Uint8Array {
  const parts = contents.get(field) ?? []
  return parts.length === 1 ? (parts[0] ?? none) : Buffer.concat(parts)
}

/** A field of 64 bits without sign, or a bool, which is true for all but 0. */
export const numberAt = ({ numbers }: Fields, field: number): number => Number(numbers.get(field) ?? 0)

/** A field of 32 bits, or an enumeration: of a longer number the last bits. */
export const int32At = ({ numbers }: Fields, field: number): number =>
  Number(BigInt.asIntN(32, BigInt(numbers.get(field) ?? 0)))

import { sign, type KeyObject } from 'node:crypto'

/*
 * P-256 signatures as Fabric wants them: DER, with the lower of the two values that s may take. Fabric refuses the
 * other one (bccsp/utils/ecdsa.go, IsLowS), because anybody could turn one into the other without the key.
 */

const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
const halfOrder = order >> 1n

const coordinateBytes = 32

function toInteger(content: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(content).toString('hex') || '0'}`)
}

/** A DER element; its content must be shorter than 64 KiB. */
export function der(tag: number, content: Uint8Array): Buffer {
  const { length } = content
  if (length > 0xffff) throw new RangeError('the DER content is too long')
  if (length > 0xff) return Buffer.concat([Buffer.from([tag, 0x82, length >> 8, length % 256]), content])
  if (length > 0x7f) return Buffer.concat([Buffer.from([tag, 0x81, length]), content])
  return Buffer.concat([Buffer.from([tag, length]), content])
}

export const derSequence = (...items: readonly Uint8Array[]): Buffer => der(0x30, Buffer.concat(items))

export const derOctets = (content: Uint8Array): Buffer => der(0x04, content)

/** A DER INTEGER that is not negative, in its shortest form. */
export function derInteger(value: bigint): Buffer {
  if (value < 0n) throw new RangeError('the integer is negative')
  const hex = value.toString(16)
  const content = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  const isHigh = (content[0] ?? 0) > 0x7f
  return der(0x02, isHigh ? Buffer.concat([Buffer.from([0]), content]) : content)
}

function readElement(source: Buffer, tag: number): { content: Buffer; rest: Buffer } {
  const length = source[1]
  if (source[0] !== tag || length === undefined || length > 0x7f || source.length < 2 + length)
    throw new SyntaxError('not a DER signature')
  return { content: source.subarray(2, 2 + length), rest: source.subarray(2 + length) }
}

/** The two integers of a DER signature. Errors: SyntaxError when it is not one. */
export function readSignature(signature: Uint8Array): { r: bigint; s: bigint } {
  const sequence = readElement(Buffer.from(signature), 0x30)
  const r = readElement(sequence.content, 0x02)
  const s = readElement(r.rest, 0x02)
  if (sequence.rest.length > 0 || s.rest.length > 0) throw new SyntaxError('not a DER signature')
  return { r: toInteger(r.content), s: toInteger(s.content) }
}

function goInteger(source: Buffer): { value: bigint; rest: Buffer } {
  const { content, rest } = readElement(source, 0x02)
  const [first = 0, second = 0x80] = content
  const isMinimal = content.length > 0 && (content.length === 1 || first !== 0 || second > 0x7f)
  if (!isMinimal || first > 0x7f) throw new SyntaxError('not a DER signature')
  return { value: toInteger(content), rest }
}

/**
 * The signature as Fabric takes it (bccsp/utils/ecdsa.go on Go's encoding/asn1), in strict DER; undefined when Fabric
 * takes it for none. Fabric ignores what follows the two integers and the sequence, so that a peer which did not would
 * judge some transactions differently.
 */
export function toFabricSignature(signature: Uint8Array): Buffer | undefined {
  try {
    const { content } = readElement(Buffer.from(signature), 0x30)
    const r = goInteger(content)
    const s = goInteger(r.rest)
    if (r.value === 0n || s.value === 0n || s.value > halfOrder) return undefined
    return derSequence(derInteger(r.value), derInteger(s.value))
  } catch {
    return undefined
  }
}

/** Whether this is a strict DER signature with the lower s. */
export function isLowS(signature: Uint8Array): boolean {
  try {
    return readSignature(signature).s <= halfOrder
  } catch {
    return false
  }
}

/** A plain signature (IEEE P1363, 64 bytes) with the lower of the two values that s may take. */
export function toLowS(plain: Uint8Array): Buffer {
  const s = toInteger(plain.subarray(coordinateBytes))
  const low = s > halfOrder ? order - s : s
  const hex = low.toString(16).padStart(2 * coordinateBytes, '0')
  return Buffer.concat([plain.subarray(0, coordinateBytes), Buffer.from(hex, 'hex')])
}

/**
 * A signature over the SHA-256 of the content: DER, low s. Node signs three times as fast when it is given the key alone
 * and not an object with options.
 */
export function signLowS(key: KeyObject, content: Uint8Array): Buffer {
  const signature = sign('sha256', content, key)
  const { r, s } = readSignature(signature)
  return s <= halfOrder ? signature : derSequence(derInteger(r), derInteger(order - s))
}

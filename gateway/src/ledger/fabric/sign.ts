import { createPrivateKey, sign, type KeyObject } from 'node:crypto'

/** The order of P-256 (SEC 2, section 2.4.2) and its half: Fabric refuses a signature whose `s` is above it. */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const halfOrder = order >> 1n

const fieldBytes = 32

/** A DER INTEGER (X.690, 8.3): the fewest bytes, and positive. */
function derInteger(unsigned: Uint8Array): Buffer {
  let start = 0
  while (start < unsigned.length - 1 && unsigned[start] === 0) start += 1
  const digits = unsigned.subarray(start)
  const sign = (digits[0] ?? 0) >= 0x80 ? [0] : []
  return Buffer.from([2, digits.length + sign.length, ...sign, ...digits])
}

/** `r ‖ s` (IEEE P1363) as the DER sequence that Fabric reads, with `s` replaced by `order − s` when it is high. */
export function toLowSDer(raw: Uint8Array): Buffer {
  const r = raw.subarray(0, fieldBytes)
  const s = raw.subarray(fieldBytes)
  const value = BigInt(`0x${Buffer.from(s).toString('hex')}`)
  const low =
    value > halfOrder ? Buffer.from((order - value).toString(16).padStart(2 * fieldBytes, '0'), 'hex') : s
  const body = Buffer.concat([derInteger(r), derInteger(low)])
  return Buffer.concat([Buffer.from([0x30, body.length]), body])
}

/** A number of a DER signature in 32 bytes: without the zero that makes it positive, with those that DER leaves out. */
function toField(digits: Uint8Array): Buffer {
  const field = Buffer.alloc(fieldBytes)
  const kept = digits.subarray(-fieldBytes)
  field.set(kept, fieldBytes - kept.length)
  return field
}

/**
 * Signs with ECDSA P-256 and SHA-256, as Fabric wants it. Node signs three times as fast when it is given the key alone
 * and not an object with options, so that the form is made here.
 */
export function signLowS(message: Uint8Array, key: KeyObject): Buffer {
  const der = sign('sha256', message, key)
  if (isLowS(der)) return der
  const endOfR = 4 + (der[3] ?? 0)
  return toLowSDer(Buffer.concat([toField(der.subarray(4, endOfR)), toField(der.subarray(endOfR + 2))]))
}

/** A P-256 private key from PEM. Throws a RangeError for any other kind: its signatures would all be refused. */
export function signingKey(pem: string): KeyObject {
  const key = createPrivateKey(pem)
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new RangeError('a Fabric identity needs a P-256 key')
  return key
}

/** Whether `s` of a DER signature on P-256 that verifies is low: Fabric refuses the other one. */
export function isLowS(der: Uint8Array): boolean {
  const start = 6 + (der[3] ?? 0)
  return BigInt(`0x${Buffer.from(der.subarray(start)).toString('hex') || '0'}`) <= halfOrder
}

/*
 * ECDSA signatures on P-256 as JWS writes them: r and s, 32 bytes each (RFC 7518, section 3.4). Whoever sees a signature can
 * turn s into n − s without the key; only the smaller of the two is accepted, so that a token cannot be made into another one.
 */

const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
const halfOrder = order >> 1n
const bytes = 32

const toInteger = (part: Buffer): bigint => BigInt(`0x${part.toString('hex')}`)

/** Whether r and s are in range and s is the smaller one. */
export function isLowS(signature: Buffer): boolean {
  if (signature.length !== 2 * bytes) return false
  const r = toInteger(signature.subarray(0, bytes))
  const s = toInteger(signature.subarray(bytes))
  return r > 0n && r < order && s > 0n && s <= halfOrder
}

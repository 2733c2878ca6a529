/*
 * What RFC 8032 leaves to the reader and libraries judge differently (Chalkias et al., "Taming the many EdDSAs"): keys and
 * signatures have one encoding only, and no key of small order is one, under which a signature fits any message.
 */

const prime = 2n ** 255n - 19n
const order = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n
/** −121665/121666, the constant of the curve −x² + y² = 1 + dxxyy (RFC 8032, section 5.1). */
const d =
  37_095_705_934_669_439_343_138_083_508_754_565_189_542_113_879_843_219_016_388_785_533_085_940_283_555n
const bytes = 32

const fromLittleEndian = (part: Buffer): bigint => BigInt(`0x${Buffer.from(part).reverse().toString('hex')}`)

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  let factor = base % prime
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * factor) % prime
    factor = (factor * factor) % prime
  }
  return result
}

const inverse = (value: bigint): bigint => power(value, prime - 2n)
const square = (value: bigint): bigint => (value * value) % prime

/** x² of the point with this y. */
const squareOfX = (y: bigint): bigint =>
  ((square(y) - 1n + prime) * inverse((d * square(y) + 1n) % prime)) % prime

/** y of twice the point: 2(x, y) has y' = (y² + x²) / (2 − y² + x²) on this curve. */
function doubled(y: bigint): bigint {
  const [xx, yy] = [squareOfX(y), square(y)]
  return ((xx + yy) * inverse((2n + prime - yy + xx) % prime)) % prime
}

/** Whether these 32 bytes are the one encoding of a point on the curve that is not of small order. */
export function isSoundPoint(encoded: Buffer): boolean {
  if (encoded.length !== bytes) return false
  const y = fromLittleEndian(encoded) & (2n ** 255n - 1n)
  if (y >= prime) return false
  const xx = squareOfX(y)
  // Euler's criterion; x = 0 belongs to points of order one and two, which the next line refuses as well.
  if (xx === 0n || power(xx, (prime - 1n) / 2n) !== 1n) return false
  // A point of small order is the neutral element, whose y is 1, after three doublings at the latest.
  return doubled(doubled(doubled(y))) !== 1n
}

/** Whether S is smaller than the order of the group (RFC 8032, section 5.1.7). */
export const isReducedSignature = (signature: Buffer): boolean =>
  signature.length === 2 * bytes && fromLittleEndian(signature.subarray(bytes)) < order

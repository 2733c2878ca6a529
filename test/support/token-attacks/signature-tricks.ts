import { family } from './attack.ts'
import type { Draw } from './draw.ts'
import { goodRecipe, signatureIn, withClaims, withSignature, write } from './recipe.ts'
import { p256Order, toBytes, toInteger, type Algorithm, type Scene } from './scene.ts'

/** A good token of an algorithm whose signature is spoilt. */
function spoilt(
  draw: Draw,
  scene: Scene,
  change: (signature: Buffer) => Uint8Array,
  algorithm?: Algorithm,
): string {
  const token = write(goodRecipe(draw, scene, algorithm && { algorithm }))
  return withSignature(token, change(signatureIn(token)))
}

const halves = (signature: Buffer): [bigint, bigint] => [
  toInteger(signature.subarray(0, 32)),
  toInteger(signature.subarray(32)),
]
const pair = (r: bigint, s: bigint): Buffer => Buffer.concat([toBytes(r), toBytes(s)])
const largest = 2n ** 256n - 1n

const derInteger = (value: bigint): Buffer => {
  const hex = value.toString(16)
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  const content = (bytes[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.from([0]), bytes]) : bytes
  return Buffer.concat([Buffer.from([2, content.length]), content])
}
const der = (r: bigint, s: bigint): Buffer => {
  const content = Buffer.concat([derInteger(r), derInteger(s)])
  return Buffer.concat([Buffer.from([0x30, content.length]), content])
}

/** The order of Ed25519's group. */
const edOrder = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n
const littleEndian = (value: bigint): Buffer => toBytes(value).reverse()
const fromLittleEndian = (bytes: Buffer): bigint => toInteger(Buffer.from(bytes).reverse())
/** Encodings of points of small order, canonical and not. */
const smallOrder = [
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  `01${'00'.repeat(30)}80`,
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].map((hex) => Buffer.from(hex, 'hex'))

export const signatureTricks = family('signature tricks', {
  'ECDSA of noughts': (draw, scene) => spoilt(draw, scene, () => Buffer.alloc(64), 'ES256'),
  'ECDSA with one nought': (draw, scene) =>
    spoilt(
      draw,
      scene,
      (signature) => {
        const [r, s] = halves(signature)
        return draw.of([pair(0n, s), pair(r, 0n), pair(0n, 1n), pair(1n, 0n)])
      },
      'ES256',
    ),
  'ECDSA with numbers out of range': (draw, scene) =>
    spoilt(
      draw,
      scene,
      (signature) => {
        const [r, s] = halves(signature)
        return draw.of([
          pair(p256Order, s),
          pair(r, p256Order),
          pair(p256Order, p256Order),
          pair(largest, s),
          pair(r, largest),
          pair(p256Order + 1n, s),
          pair(r, p256Order + s <= largest ? p256Order + s : largest),
        ])
      },
      'ES256',
    ),
  'ECDSA with the larger s': (draw, scene) =>
    spoilt(
      draw,
      scene,
      (signature) => {
        const [r, s] = halves(signature)
        return pair(r, p256Order - s)
      },
      'ES256',
    ),
  'ECDSA in DER': (draw, scene) => spoilt(draw, scene, (signature) => der(...halves(signature)), 'ES256'),
  'ECDSA with r and s exchanged': (draw, scene) =>
    spoilt(draw, scene, (signature) => pair(...(halves(signature).reverse() as [bigint, bigint])), 'ES256'),
  'ECDSA with the numbers written longer': (draw, scene) =>
    spoilt(
      draw,
      scene,
      (signature) => {
        const nought = Buffer.alloc(draw.integer(1, 16))
        return Buffer.concat([nought, signature.subarray(0, 32), nought, signature.subarray(32)])
      },
      'ES256',
    ),
  'EdDSA with S beyond the order': (draw, scene) =>
    spoilt(
      draw,
      scene,
      (signature) => {
        const s = fromLittleEndian(signature.subarray(32))
        return Buffer.concat([
          signature.subarray(0, 32),
          littleEndian(s + edOrder * BigInt(draw.integer(1, 14))),
        ])
      },
      'EdDSA',
    ),
  'EdDSA with a point of small order': (draw, scene) =>
    spoilt(
      draw,
      scene,
      (signature) => {
        const s = draw.of([Buffer.alloc(32), signature.subarray(32), littleEndian(edOrder), littleEndian(1n)])
        return Buffer.concat([draw.of(smallOrder), s])
      },
      'EdDSA',
    ),
  'RSA of special numbers': (draw, scene) =>
    spoilt(
      draw,
      scene,
      ({ length }) => {
        const [nought, ones] = [Buffer.alloc(length), Buffer.alloc(length, 0xff)]
        const one = Buffer.concat([nought.subarray(1), Buffer.from([1])])
        return draw.of([nought, one, ones])
      },
      draw.of(['PS256', 'RS256']),
    ),
  'RSA with a nought in front': (draw, scene) =>
    spoilt(
      draw,
      scene,
      (signature) => Buffer.concat([Buffer.alloc(draw.integer(1, 4)), signature]),
      draw.of(['PS256', 'RS256']),
    ),
  'cut short': (draw, scene) =>
    spoilt(draw, scene, (signature) => signature.subarray(0, draw.integer(1, signature.length - 1))),
  'cut short in front': (draw, scene) =>
    spoilt(draw, scene, (signature) => signature.subarray(draw.integer(1, signature.length - 1))),
  prolonged: (draw, scene) =>
    spoilt(draw, scene, (signature) => Buffer.concat([signature, draw.bytes(draw.integer(1, 64))])),
  'with a bit turned': (draw, scene) =>
    spoilt(draw, scene, (signature) => {
      const place = draw.integer(0, signature.length * 8 - 1)
      signature[place >> 3] = (signature[place >> 3] ?? 0) ^ (1 << (place & 7))
      return signature
    }),
  'drawn by chance': (draw, scene) => spoilt(draw, scene, ({ length }) => draw.bytes(length)),
  'of another token': (draw, scene) => {
    const recipe = goodRecipe(draw, scene)
    const other = write(withClaims(recipe, { jti: `other-${draw.letters(8)}` }))
    return withSignature(write(recipe), signatureIn(other))
  },
  'of other words': (draw, scene) => {
    const token = write(goodRecipe(draw, scene))
    const place = draw.integer(0, token.lastIndexOf('.') - 1)
    const old = token[place] ?? ''
    if (old === '.') return `${token}A`
    let letter = old
    while (letter === old) letter = draw.letters(1)
    return token.slice(0, place) + letter + token.slice(place + 1)
  },
})

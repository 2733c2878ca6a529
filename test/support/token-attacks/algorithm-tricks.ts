import { constants, createHmac, createPublicKey, privateEncrypt, sign, type KeyObject } from 'node:crypto'
import { family } from './attack.ts'
import type { Draw } from './draw.ts'
import { goodRecipe, withHeader, withSignature, write, type Recipe } from './recipe.ts'
import { algorithms, signatureOf, type Scene, type SceneKey } from './scene.ts'

const nones = ['none', 'None', 'NONE', 'nOnE', 'none ', ' none', 'none\u0000', 'ｎｏｎｅ', 'null', '']

const withAlg = (recipe: Recipe, alg: unknown): Recipe => withHeader(recipe, { alg })

/** A MAC with something public as its secret, under a header that says so. */
function maced(
  draw: Draw,
  scene: Scene,
  secretOf: (key: KeyObject, own: SceneKey) => string | Buffer,
): string {
  const recipe = goodRecipe(draw, scene)
  const { alg: _alg, ...jwk } = recipe.key.publicKey
  const secret = secretOf(createPublicKey({ key: jwk, format: 'jwk' }), recipe.key)
  const size = draw.of(['256', '384', '512'])
  const mac = (signed: Buffer): Buffer => createHmac(`sha${size}`, secret).update(signed).digest()
  return write(withAlg(recipe, `HS${size}`), { sign: mac })
}

/** The right key, used in a way that it was not registered for. */
function misused(
  draw: Draw,
  scene: Scene,
  algorithm: 'ES256' | 'PS256' | 'RS256',
  way: (key: KeyObject, signed: Buffer) => Buffer,
  alg?: string,
): string {
  const recipe = goodRecipe(draw, scene, { algorithm })
  const said = alg === undefined ? recipe : withAlg(recipe, alg)
  return write(said, { sign: (signed) => way(recipe.key.privateKey, signed) })
}

const pss =
  (hash: string, saltLength: number) =>
  (key: KeyObject, signed: Buffer): Buffer =>
    sign(hash, signed, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength })
const pkcs1 =
  (hash: string) =>
  (key: KeyObject, signed: Buffer): Buffer =>
    sign(hash, signed, key)
const ecdsa =
  (hash: string) =>
  (key: KeyObject, signed: Buffer): Buffer =>
    sign(hash, signed, { key, dsaEncoding: 'ieee-p1363' })

export const algorithmTricks = family('algorithm tricks', {
  'none in every spelling, no signature': (draw, scene) => {
    const token = write(withAlg(goodRecipe(draw, scene), draw.of(nones)))
    return token.slice(0, token.lastIndexOf('.') + 1)
  },
  'none, and some signature': (draw, scene) =>
    write(withAlg(goodRecipe(draw, scene), draw.of(nones)), {
      sign: () => draw.bytes(draw.of([1, 32, 64, 256])),
    }),
  'none, truly signed': (draw, scene) => write(withAlg(goodRecipe(draw, scene), draw.of(nones))),
  'HS with the public key in PEM': (draw, scene) =>
    maced(draw, scene, (key) => {
      const pem = key.export({ type: 'spki', format: 'pem' }) as string
      return draw.of([pem, pem.trim(), pem.replaceAll('\n', ''), pem.replaceAll('\n', '\r\n')])
    }),
  'HS with the public key in DER': (draw, scene) =>
    maced(draw, scene, (key) => key.export({ type: 'spki', format: 'der' })),
  'HS with the public key as JWK': (draw, scene) =>
    maced(draw, scene, (_key, { publicKey: { alg, ...jwk } }) =>
      JSON.stringify(draw.of<object>([jwk, { ...jwk, alg }, { keys: [jwk] }])),
    ),
  'HS with the public numbers': (draw, scene) =>
    maced(draw, scene, (_key, { publicKey }) => {
      const number = 'x' in publicKey ? publicKey.x : publicKey.n
      return draw.of([number, Buffer.from(number, 'base64url')])
    }),
  'HS with a secret that is guessed': (draw, scene) =>
    maced(draw, scene, (_key, { kid }) => draw.of(['', 'secret', 'medledger', kid, '\u0000'])),
  'another registered algorithm in the header': (draw, scene) => {
    const recipe = goodRecipe(draw, scene)
    const others = algorithms.filter((alg) => alg !== recipe.key.publicKey.alg)
    return write(withAlg(recipe, draw.of(others)))
  },
  'another registered algorithm, signed by a foreign key of it': (draw, scene) => {
    const recipe = goodRecipe(draw, scene)
    const alg = draw.of(algorithms.filter((other) => other !== recipe.key.publicKey.alg))
    return write(withAlg(recipe, alg), { sign: (signed) => signatureOf(scene.foreign[alg], signed) })
  },
  'PS256 by a key for RS256': (draw, scene) =>
    misused(draw, scene, 'RS256', pss('sha256', 32), draw.of(['PS256', 'RS256'])),
  'RS256 by a key for PS256': (draw, scene) =>
    misused(draw, scene, 'PS256', pkcs1('sha256'), draw.of(['PS256', 'RS256'])),
  'RSA with another hash': (draw, scene) => {
    const hash = draw.of(['sha384', 'sha512', 'sha1', 'sha224'])
    const alg = draw.of([undefined, `RS${hash.slice(3)}`])
    return misused(draw, scene, 'RS256', pkcs1(hash), alg)
  },
  'PSS with another hash': (draw, scene) => {
    const hash = draw.of(['sha384', 'sha512', 'sha1'])
    return misused(draw, scene, 'PS256', pss(hash, 32), draw.of([undefined, `PS${hash.slice(3)}`]))
  },
  'PSS with another salt': (draw, scene) =>
    misused(draw, scene, 'PS256', pss('sha256', draw.of([0, 1, 16, 20, 31, 33, 64, 128]))),
  'RSA without the name of the hash': (draw, scene) =>
    misused(draw, scene, 'RS256', (key, signed) =>
      privateEncrypt(key, draw.of([signed.subarray(0, 32), Buffer.alloc(32)])),
    ),
  'ECDSA with another hash': (draw, scene) => {
    const hash = draw.of(['sha384', 'sha512', 'sha1', 'sha3-256'])
    return misused(draw, scene, 'ES256', ecdsa(hash), draw.of([undefined, 'ES384', 'ES512', 'ES256K']))
  },
  'algorithms that JOSE knows and nobody registered': (draw, scene) =>
    write(
      withAlg(
        goodRecipe(draw, scene),
        draw.of([
          'ES384',
          'ES512',
          'ES256K',
          'RS384',
          'RS512',
          'PS384',
          'PS512',
          'Ed25519',
          'Ed448',
          'ML-DSA-44',
          'RSA-OAEP',
          'dir',
          'ECDH-ES',
          'A256GCMKW',
          'PBES2-HS256+A128KW',
        ]),
      ),
    ),
  'no algorithm': (draw, scene) => write(withAlg(goodRecipe(draw, scene), undefined)),
  'an algorithm that is no text': (draw, scene) => {
    const recipe = goodRecipe(draw, scene)
    const { alg } = recipe.key.publicKey
    return write(withAlg(recipe, draw.of([null, [alg], [[alg]], { alg }, true, 256, 0, []])))
  },
  'the algorithm in another spelling': (draw, scene) => {
    const recipe = goodRecipe(draw, scene)
    const { alg } = recipe.key.publicKey
    const spoilt = [
      alg.toLowerCase(),
      `${alg} `,
      ` ${alg}`,
      `${alg}\u0000`,
      `${alg}\n`,
      alg.slice(0, -1),
      `${alg}${alg}`,
      `${alg},none`,
      alg.replace('S', 'Ｓ'),
    ]
    return write(withAlg(recipe, draw.of(spoilt)))
  },
  'an algorithm named like what every object has': (draw, scene) =>
    write(
      withAlg(
        goodRecipe(draw, scene),
        draw.of([
          '__proto__',
          'constructor',
          'toString',
          'hasOwnProperty',
          'valueOf',
          'prototype',
          'isPrototypeOf',
        ]),
      ),
    ),
  'the signature of another algorithm pasted in': (draw, scene) => {
    const recipe = goodRecipe(draw, scene)
    const alg = draw.of(algorithms.filter((other) => other !== recipe.key.publicKey.alg))
    const token = write(recipe)
    const signed = Buffer.from(token.slice(0, token.lastIndexOf('.')))
    return withSignature(token, signatureOf(recipe.issuer.keys[alg], signed))
  },
})

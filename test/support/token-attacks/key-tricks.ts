import { createPublicKey } from 'node:crypto'
import { family } from './attack.ts'
import type { Draw } from './draw.ts'
import { base64url, goodRecipe, withHeader, write, type Json } from './recipe.ts'
import { algorithms, signatureOf, type Scene, type SceneKey } from './scene.ts'

/** A token that an attacker signs with a key of her own, and says by the header where to find it. */
function ownKey(draw: Draw, scene: Scene, membersOf: (own: SceneKey) => Json): string {
  const recipe = goodRecipe(draw, scene)
  const own = scene.foreign[recipe.key.publicKey.alg]
  return write(withHeader(recipe, membersOf(own)), { sign: (signed) => signatureOf(own, signed) })
}

/** The same hint in a token that the right key has signed: the header must say nothing else even then. */
function hint(draw: Draw, scene: Scene, members: Json): string {
  return write(withHeader(goodRecipe(draw, scene), members))
}

const withKid = (draw: Draw, scene: Scene, kid: unknown): string => hint(draw, scene, { kid })

const certificateOf = ({ publicKey: { alg: _alg, ...jwk } }: SceneKey): string =>
  createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' }).toString('base64')

const elsewhere = [
  'https://attacker.example/keys',
  'http://127.0.0.1:1/keys',
  'file:///dev/zero',
  'data:,{}',
  '//x',
]

export const keyTricks = family('key tricks', {
  'the attacker’s key in the header': (draw, scene) =>
    ownKey(draw, scene, ({ kid, publicKey }) =>
      draw.of<Json>([{ jwk: publicKey }, { jwk: publicKey, kid }, { jwk: publicKey, kid: undefined }]),
    ),
  'the right key in the header': (draw, scene) => {
    const recipe = goodRecipe(draw, scene)
    return write(withHeader(recipe, { jwk: recipe.key.publicKey }))
  },
  'an address of keys': (draw, scene) => ownKey(draw, scene, () => ({ jku: draw.of(elsewhere) })),
  'an address of certificates': (draw, scene) => ownKey(draw, scene, () => ({ x5u: draw.of(elsewhere) })),
  'a certificate in the header': (draw, scene) =>
    ownKey(draw, scene, (own) => ({ x5c: [certificateOf(own)] })),
  'the thumbprint of a certificate': (draw, scene) =>
    hint(draw, scene, draw.of([{ x5t: draw.letters(27) }, { 'x5t#S256': draw.letters(43) }])),
  'a key id that is a path': (draw, scene) =>
    withKid(
      draw,
      scene,
      draw.of([
        '../../../dev/null',
        '..%2f..%2fdev%2fnull',
        '/dev/null',
        '..\\..\\nul',
        'file:///etc/passwd',
        './x',
        'a/../b',
      ]),
    ),
  'a key id that is a query': (draw, scene) =>
    withKid(
      draw,
      scene,
      draw.of([
        "' OR '1'='1",
        "x' UNION SELECT 'secret' --",
        '"; DROP TABLE keys; --',
        '$(id)',
        '`id`',
        '${7*7}',
        '{"$ne":null}',
        '*',
        '%00',
      ]),
    ),
  'a key id named like what every object has': (draw, scene) =>
    withKid(
      draw,
      scene,
      draw.of(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf']),
    ),
  'no key id': (draw, scene) => withKid(draw, scene, undefined),
  'a key id that is no text': (draw, scene) => {
    const recipe = goodRecipe(draw, scene)
    const { kid } = recipe.key
    return write(withHeader(recipe, { kid: draw.of<unknown>([null, [kid], { kid }, 0, 1, true, [], {}]) }))
  },
  'a key id that is empty or too long': (draw, scene) =>
    withKid(draw, scene, draw.of(['', 'k'.repeat(65), draw.letters(100)])),
  'a key id that is nearly right': (draw, scene) => {
    const recipe = goodRecipe(draw, scene)
    const { kid } = recipe.key
    const near = [
      kid.toUpperCase(),
      `${kid} `,
      ` ${kid}`,
      `${kid}\u0000`,
      `${kid}\n`,
      kid.slice(0, -1),
      `${kid}/`,
      kid.replace('-', '‐'),
      `${kid}%00`,
      encodeURIComponent(`${kid}/`),
    ]
    return write(withHeader(recipe, { kid: draw.of(near) }))
  },
  'a key id that nobody knows': (draw, scene) => withKid(draw, scene, draw.letters(draw.integer(1, 64))),
  'another key of the issuer': (draw, scene) => {
    const recipe = goodRecipe(draw, scene)
    const other = recipe.issuer.keys[draw.of(algorithms.filter((alg) => alg !== recipe.key.publicKey.alg))]
    return write(withHeader(recipe, { kid: other.kid }))
  },
  'a foreign key under a good key id': (draw, scene) => ownKey(draw, scene, () => ({})),
  'a foreign key under its own key id': (draw, scene) => ownKey(draw, scene, ({ kid }) => ({ kid })),
  'a revoked key': (draw, scene) => {
    const recipe = goodRecipe(draw, scene, { issuer: scene.north })
    const key = scene.revoked[recipe.key.publicKey.alg]
    return write(withHeader({ ...recipe, key }, { kid: key.kid }))
  },
  'a revoked key under a good key id': (draw, scene) => {
    const recipe = goodRecipe(draw, scene, { issuer: scene.north })
    return write({ ...recipe, key: scene.revoked[recipe.key.publicKey.alg] })
  },
  'a good key under a revoked key id': (draw, scene) => {
    const recipe = goodRecipe(draw, scene, { issuer: scene.north })
    return write(withHeader(recipe, { kid: scene.revoked[recipe.key.publicKey.alg].kid }))
  },
  'an extension that must be understood': (draw, scene) =>
    hint(
      draw,
      scene,
      draw.of<Json>([
        { crit: ['b64'], b64: false },
        { crit: ['exp'], exp: 0 },
        { crit: [] },
        { crit: ['alg'] },
        { crit: null },
        { b64: true },
        { b64: false },
      ]),
    ),
  'a header that speaks of encryption or compression': (draw, scene) =>
    hint(
      draw,
      scene,
      draw.of<Json>([
        { enc: 'A256GCM' },
        { zip: 'DEF' },
        { cty: 'JWT' },
        { cty: 'application/at+jwt' },
        { epk: {} },
        { p2c: 2 ** 31 - 1 },
        { apu: base64url('x') },
      ]),
    ),
  'a header with a member that nobody knows': (draw, scene) =>
    hint(
      draw,
      scene,
      draw.of<Json>([
        { [draw.letters(draw.integer(1, 20))]: draw.letters(5) },
        { Alg: 'none' },
        { ALG: 'none' },
        { 'alg\u0000': 'none' },
        { iss: 'x' },
        { nonce: 'x' },
        { constructor: {} },
      ]),
    ),
})

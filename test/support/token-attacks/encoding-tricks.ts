import { family } from './attack.ts'
import type { Draw } from './draw.ts'
import { base64url, goodRecipe, partsOf, withClaims, write, type Recipe } from './recipe.ts'
import type { Scene } from './scene.ts'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const good = (draw: Draw, scene: Scene): string => write(goodRecipe(draw, scene))
const blanks = [' ', '\t', '\n', '\r\n', '\u0000', '\u00A0', '\uFEFF', '\u200B', '\u2028', '\v', '%20', '%00']

/** The text with something put in at a place by chance. */
const insert = (draw: Draw, text: string, what: string): string => {
  const place = draw.integer(0, text.length)
  return text.slice(0, place) + what + text.slice(place)
}

/** A token of the scene until one serves; a good one nearly always does. */
function until(draw: Draw, scene: Scene, serves: (token: string) => boolean): string {
  for (;;) {
    const token = good(draw, scene)
    if (serves(token)) return token
  }
}

/** The part with bits set that its last letter does not need. */
function withUnusedBits(draw: Draw, part: string): string {
  const unused = part.length % 4 === 2 ? 15 : 3
  const last = alphabet.indexOf(part.at(-1) ?? '')
  return part.slice(0, -1) + String(alphabet[last + draw.integer(1, unused)])
}

/** A token that is truly signed, over other text for its header or payload. */
function over(
  draw: Draw,
  scene: Scene,
  change: (text: string, recipe: Recipe) => string | Uint8Array,
  parts: readonly ('header' | 'payload')[] = ['header', 'payload'],
): string {
  const recipe = goodRecipe(draw, scene)
  const part = draw.of(parts)
  return write(recipe, { [part]: change(JSON.stringify(recipe[part]), recipe) })
}

const overPayload = (
  draw: Draw,
  scene: Scene,
  change: (text: string, recipe: Recipe) => string | Uint8Array,
): string => over(draw, scene, change, ['payload'])

/** The object's text with members put in, in front or behind. */
const withMember = (draw: Draw, text: string, member: string): string =>
  draw.of([`{${member},${text.slice(1)}`, `${text.slice(0, -1)},${member}}`])

/** Puts bytes where the text has the mark @. */
const withBytes = (text: string, bytes: readonly number[]): Buffer => {
  const [before = '', after = ''] = text.split('@')
  return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)])
}
const marked = (text: string): string => `${text.slice(0, -1)},"note":"@"}`

const overlong = [
  [0xc0, 0xaf],
  [0xc1, 0x81],
  [0xe0, 0x80, 0xaf],
  [0xf0, 0x80, 0x80, 0xaf],
  [0xc0, 0x80],
]
const invalid = [
  [0xff],
  [0xfe],
  [0x80],
  [0xc3],
  [0xe2, 0x82],
  [0xf5, 0x80, 0x80, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
]
const surrogates = [
  [0xed, 0xa0, 0x80],
  [0xed, 0xbf, 0xbf],
  [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80],
]

const escaped = (name: string): string =>
  `\\u${(name.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}${name.slice(1)}`

export const formTricks = family('encoding tricks: the form', {
  padding: (draw, scene) => {
    const parts = partsOf(good(draw, scene))
    const place = draw.integer(0, 2)
    return parts
      .map((part, index) => (index === place ? part + '='.repeat(draw.integer(1, 3)) : part))
      .join('.')
  },
  'the alphabet of plain base64': (draw, scene) =>
    until(draw, scene, (token) => /[-_]/.test(token))
      .replaceAll('-', '+')
      .replaceAll('_', '/'),
  'unused bits that are set': (draw, scene) => {
    const token = until(draw, scene, (token) => token.split('.').some((part) => part.length % 4 !== 0))
    const parts = token.split('.')
    const place = draw.of(parts.flatMap((part, index) => (part.length % 4 === 0 ? [] : [index])))
    return parts.map((part, index) => (index === place ? withUnusedBits(draw, part) : part)).join('.')
  },
  'a blank somewhere': (draw, scene) => insert(draw, good(draw, scene), draw.of(blanks)),
  'a blank at an end': (draw, scene) => {
    const blank = draw.of(blanks)
    return draw.of([(token: string) => blank + token, (token: string) => token + blank])(good(draw, scene))
  },
  'a letter that looks alike': (draw, scene) => {
    const token = good(draw, scene)
    const [from, to] = draw.of([
      ['.', '。'],
      ['.', '．'],
      ['.', '%2E'],
      ['e', 'е'],
      ['A', 'Α'],
      ['0', '０'],
      ['e', 'é'],
    ] as const)
    return token.includes(from) ? token.replace(from, to) : `${token}${to}`
  },
  'one part or two': (draw, scene) => {
    const parts = partsOf(good(draw, scene))
    return draw.of([parts[0], parts[1], parts.slice(0, 2).join('.'), parts.slice(1).join('.'), '', '.', '..'])
  },
  'four parts, or five as if encrypted': (draw, scene) => {
    const token = good(draw, scene)
    const more = draw.letters(draw.of([1, 16, 22]))
    return draw.of([
      `${token}.${more}`,
      `${token}.${more}.${more}`,
      `${token}.`,
      `.${token}`,
      `${token}..`,
      `${token}.${token}`,
    ])
  },
  'an empty part': (draw, scene) => {
    const parts = partsOf(good(draw, scene))
    const place = draw.integer(0, 2)
    return parts.map((part, index) => (index === place ? '' : part)).join('.')
  },
  'JSON serialisation': (draw, scene) => {
    const [header, payload, signature] = partsOf(good(draw, scene))
    const flat = { protected: header, payload, signature }
    const text = JSON.stringify(
      draw.of<object>([flat, { payload, signatures: [flat] }, { ...flat, header: { kid: 'x' } }]),
    )
    return draw.of([text, base64url(text), `${header}.${base64url(text)}.${signature}`])
  },
  'a token inside a token': (draw, scene) => {
    const inner = good(draw, scene)
    return write(goodRecipe(draw, scene), { payload: draw.of([inner, JSON.stringify(inner)]).slice(0, 2400) })
  },
  'too long': (draw, scene) => {
    const recipe = goodRecipe(draw, scene)
    const length = draw.integer(4000, 20_000)
    return draw.of([
      write(withClaims(recipe, { note: 'x'.repeat(length) })),
      write(recipe, { header: JSON.stringify({ ...recipe.header, kid: 'k'.repeat(length) }) }),
      write(recipe, { header: JSON.stringify(recipe.header) + ' '.repeat(length) }),
      write(recipe, { sign: () => draw.bytes(length) }),
    ])
  },
  'nothing but noise': (draw) =>
    draw.of([
      draw.letters(draw.integer(1, 300)),
      `${draw.letters(40)}.${draw.letters(90)}.${draw.letters(86)}`,
      draw.bytes(60).toString('latin1'),
    ]),
})

export const jsonTricks = family('encoding tricks: the JSON', {
  'a byte order mark': (draw, scene) => over(draw, scene, (text) => `\uFEFF${text}`),
  'a name twice in the header': (draw, scene) =>
    over(
      draw,
      scene,
      (text) =>
        withMember(
          draw,
          text,
          draw.of(['"alg":"none"', '"alg":"ES256"', '"kid":"x"', '"typ":"JWT"', '"typ":"at+jwt"']),
        ),
      ['header'],
    ),
  'a name twice in the payload': (draw, scene) =>
    overPayload(draw, scene, (text, { payload }) => {
      const name = draw.of(Object.keys(payload))
      return withMember(
        draw,
        text,
        `${JSON.stringify(name)}:${JSON.stringify(draw.of([payload[name], 'operator', 1, null]))}`,
      )
    }),
  'a name twice deep inside': (draw, scene) =>
    overPayload(draw, scene, (text) =>
      withMember(
        draw,
        text,
        draw.of([
          '"x":{"a":1,"a":2}',
          '"x":[{"a":[{"b":1,"b":1}]}]',
          '"x":{"y":{"":0,"":0}}',
          '"x":[[],{"roles":[],"roles":["operator"]}]',
        ]),
      ),
    ),
  'a name twice, once escaped': (draw, scene) =>
    over(draw, scene, (text, recipe) => {
      const name = draw.of(
        text === JSON.stringify(recipe.header) ? ['alg', 'kid', 'typ'] : ['iss', 'sub', 'aud', 'exp'],
      )
      return withMember(draw, text, `"${escaped(name)}":"x"`)
    }),
  'a name twice, by __proto__': (draw, scene) =>
    overPayload(draw, scene, (text) =>
      withMember(draw, text, '"__proto__":{"roles":["operator"]},"__proto__":{}'),
    ),
  'claims hidden under __proto__': (draw, scene) =>
    overPayload(draw, scene, (_text, { payload }) => {
      const { sub, ...rest } = payload
      return JSON.stringify(rest).replace('{', `{"__proto__":${JSON.stringify({ sub })},`)
    }),
  'overlong UTF-8': (draw, scene) =>
    overPayload(draw, scene, (text) => withBytes(marked(text), draw.of(overlong))),
  'invalid UTF-8': (draw, scene) =>
    overPayload(draw, scene, (text) => withBytes(marked(text), draw.of(invalid))),
  'surrogates in UTF-8': (draw, scene) =>
    overPayload(draw, scene, (text) => withBytes(marked(text), draw.of(surrogates))),
  'half of a surrogate pair': (draw, scene) => {
    const half = draw.of(['\\ud800', '\\udfff', 'a\\udbffb', '\\ude00\\ud83d'])
    return overPayload(draw, scene, (text) =>
      withMember(draw, text, draw.of([`"note":"${half}"`, `"${half}":0`, `"note":[{"x":"${half}"}]`])),
    )
  },
  'UTF-16': (draw, scene) =>
    over(draw, scene, (text) => Buffer.from(draw.of(['', '\uFEFF']) + text, 'utf16le')),
  'lists and objects too deep': (draw, scene) => {
    const depth = draw.integer(7, 400)
    return overPayload(draw, scene, (text) =>
      withMember(
        draw,
        text,
        draw.of([
          `"x":${'['.repeat(depth)}${']'.repeat(depth)}`,
          `"x":${'{"y":'.repeat(depth)}0${'}'.repeat(depth)}`,
        ]),
      ),
    )
  },
  'too many values': (draw, scene) => {
    const count = draw.integer(600, 900)
    return overPayload(draw, scene, (text) => withMember(draw, text, `"x":[${'0,'.repeat(count)}0]`))
  },
  'numbers beyond a double': (draw, scene) =>
    overPayload(draw, scene, (text) =>
      withMember(
        draw,
        text,
        `"x":${draw.of(['1e400', '-1e400', '9007199254740993', '123456789012345678901234567890', '[1e999]'])}`,
      ),
    ),
  'whole numbers in another spelling': (draw, scene) =>
    overPayload(draw, scene, (text, { payload: { exp } }) =>
      draw.of([
        text.replace(
          `"exp":${String(exp)}`,
          `"exp":${String(exp)}${draw.of(['.0', 'e0', '.00000000000000001', '.0e0', '0e-1'])}`,
        ),
        withMember(draw, text, `"x":${draw.of(['-0', '1e3', '1.0', '-0.0', '0e5', '1E+2'])}`),
      ]),
    ),
  'something behind the object': (draw, scene) =>
    over(draw, scene, (text) => text + draw.of(['{}', ',', '}', '\u0000', 'x', text, '//', ';'])),
  'JSON of a lenient reader': (draw, scene) =>
    overPayload(draw, scene, (text) =>
      draw.of([
        text.replaceAll('"', "'"),
        text.replace('}', ',}'),
        text.replace('{', '{/**/'),
        `${text}//`,
        text.replace('{', '{x:1,'),
        text.replace('{', '{"x":NaN,'),
        text.replace('{', '{"x":Infinity,'),
        text.replace('{', '{"x":0x10,'),
        text.replace('{', '{"x":01,'),
        text.replace('{', '{"x":+1,'),
        text.replace('{', '{"x":.5,'),
        text.replace('{', '{"x":"\t",'),
        text.replace('{', '{"x":"\\x41",'),
        text.replace('{', '{\u00A0'),
      ]),
    ),
  'no object': (draw, scene) =>
    over(draw, scene, (text) =>
      draw.of([`[${text}]`, 'null', 'true', '0', '""', '[]', JSON.stringify(text), ' ', '{']),
    ),
  'an object without members': (draw, scene) => over(draw, scene, () => draw.of(['{}', '{ }'])),
  'control characters in a claim': (draw, scene) => {
    const recipe = goodRecipe(draw, scene)
    const spoilt = insert(
      draw,
      'name',
      draw.of(['\u0000', '\n', '\r\n', '\u001B[2J', '\u007F', '\u0085', '\t']),
    )
    return write(
      withClaims(recipe, {
        [draw.of(['sub', 'jti', recipe.issuer.profile.token?.clientClaim ?? 'client_id'])]: spoilt,
      }),
    )
  },
})

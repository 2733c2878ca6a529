import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseStrictJson } from '../../../chaincode/src/identity/strict-json.ts'

const parse = (text: string | Uint8Array): unknown => parseStrictJson(Buffer.from(text))
const refused = expect.objectContaining({ code: 'INVALID_TOKEN' }) as Error

/** Objects within the limits. Minus nought has no spelling here, and JSON writes it as nought. */
const object = fc.dictionary(
  fc.string({ unit: 'grapheme' }),
  fc.jsonValue({ maxDepth: 4, stringUnit: 'grapheme', noUnicodeString: false }),
  { maxKeys: 5, noNullPrototype: true },
)
const numbersIn = (value: unknown): number[] =>
  typeof value === 'number'
    ? [value]
    : typeof value === 'object' && value !== null
      ? Object.values(value).flatMap(numbersIn)
      : []
/** Which JSON.stringify writes in the one spelling that is accepted. */
const isPlain = (value: unknown): boolean =>
  numbersIn(value).every((number) => !Number.isInteger(number) || Number.isSafeInteger(number))

describe('strict JSON', () => {
  test('is read as every other reader reads it', () => {
    fc.assert(
      fc.property(object, (value) => {
        fc.pre(isPlain(value) && JSON.stringify(value).length < 1000)
        for (const indent of [0, 2]) {
          const text = JSON.stringify(value, undefined, indent)
          expect(parse(text)).toEqual(JSON.parse(text))
        }
      }),
    )
  })

  test('has no name twice, in whatever spelling and wherever', () => {
    fc.assert(
      fc.property(object, fc.string({ unit: 'grapheme' }), fc.boolean(), (value, name, nested) => {
        const plain = JSON.stringify(name)
        const escaped = `"${Array.from({ length: name.length }, (_, at) => `\\u${name.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`
        const twice = `{${plain}:0,"between\\u0000":${JSON.stringify(value)},${escaped}:1}`
        expect(() => parse(nested ? `{"x":[1,${twice}]}` : twice)).toThrow(refused)
      }),
    )
  })

  test('may have the same name, or text that looks like one, in different places', () => {
    const text = '{"a":{"a":["a","\\"a\\":1","{","]"]},"b":{"a":1},"c":[{"a":1},{"a":2}]}'
    expect(parse(text)).toEqual(JSON.parse(text))
  })

  test('keeps a member named __proto__ as a member', () => {
    const value = parse('{"__proto__":{"x":1}}')
    expect(Object.keys(value as object)).toEqual(['__proto__'])
    expect((value as { x?: number }).x).toBeUndefined()
  })

  test.each(['0', '-1', '1.5', '1e-3', '-0.5', '9007199254740991', '-9007199254740991', '1.25E-2'])(
    'has the number %s',
    (number) => {
      expect(parse(`{"x":${number}}`)).toEqual({ x: Number(number) })
    },
  )

  test.each([
    '-0',
    '1.0',
    '1e3',
    '0e0',
    '9007199254740992',
    '1e400',
    '-1e400',
    '1.00000000000000000001',
    '01',
    '+1',
    '.5',
    '1.',
  ])('does not have the number %s', (number) => {
    expect(() => parse(`{"x":${number}}`)).toThrow(refused)
  })

  test('lies at most six deep', () => {
    const nest = (depth: number): string => `{"x":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
    expect(parse(nest(6))).toBeDefined()
    expect(() => parse(nest(7))).toThrow(refused)
  })

  test.each([
    ['a byte order mark', Buffer.from('\uFEFF{}')],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x30, 0x7d])],
    ['nothing', Buffer.from('')],
    ['a list', Buffer.from('[]')],
    ['null', Buffer.from('null')],
    ['two objects', Buffer.from('{}{}')],
    ['half of a pair', Buffer.from('{"x":"\\ud83d"}')],
  ])('is not %s', (_what, bytes) => {
    expect(() => parse(bytes)).toThrow(refused)
  })
})

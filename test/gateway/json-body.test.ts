import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJson } from '../../gateway/src/json-body.ts'

const parse = (text: string): unknown => parseJson(Buffer.from(text, 'utf8'))
const refusal = (message: RegExp): object => ({
  code: 'INVALID_REQUEST',
  message: expect.stringMatching(message),
})

const toEscape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
const escaped = (text: string): string =>
  Array.from({ length: text.length }, (_, index) => toEscape(text.charAt(index))).join('')

/** A JSON text with every name and string written in escapes, and white space around everything. */
function toEscapedJson(value: unknown): string {
  if (typeof value === 'string') return ` "${escaped(value)}"\n`
  if (Array.isArray(value)) return `[${value.map(toEscapedJson).join(',')}]\t`
  if (typeof value !== 'object' || value === null) return ` ${JSON.stringify(value)}\r`
  const members = Object.entries(value).map(
    ([name, member]) => `"${escaped(name)}" :${toEscapedJson(member)}`,
  )
  return `{ ${members.join(', ')}}`
}

const jsonText = fc
  .tuple(fc.jsonValue({ maxDepth: 8 }), fc.boolean())
  .map(([value, escapes]) => (escapes ? toEscapedJson(value) : JSON.stringify(value)))

/** Whether the gateway reads the text, and what. */
function outcomeOf(read: (text: string) => unknown, text: string): { value: unknown } | undefined {
  try {
    return { value: read(text) }
  } catch {
    return undefined
  }
}

describe('the body of a request', () => {
  test('is what JSON.parse makes of it', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        expect(parse(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  test('is refused whenever JSON.parse refuses it, and is otherwise the same', () => {
    const almostJson = fc
      .tuple(
        jsonText,
        fc.nat(),
        fc.constantFrom('', ',', '/* */', '//', "'", '"', '}', '\u0000', '\uFEFF', '1e', '\\'),
      )
      .map(([text, place, change]) => {
        const at = place % (text.length + 1)
        return text.slice(0, at) + change + text.slice(at + (change === '' ? 1 : 0))
      })
    fc.assert(
      fc.property(almostJson, (text) => {
        const read = outcomeOf(parse, text)
        const known = outcomeOf(JSON.parse, text)
        if (known === undefined) expect(read).toBeUndefined()
        // What is more narrowly refused is refused for a name that occurs twice; the depth here stays below the limit.
        if (read !== undefined) expect(read).toEqual(known)
      }),
      { numRuns: 500 },
    )
  })

  test('has no name twice in one object, at any depth and however it is written', () => {
    const wrappers = fc.array(fc.constantFrom('array', 'object'), { maxLength: 20 })
    const name = fc.string({ maxLength: 5 })
    fc.assert(
      fc.property(wrappers, name, fc.boolean(), (around, twice, escape) => {
        const inner = `{${JSON.stringify(twice)}:1,"other-name":2,"${escape ? escaped(twice) : JSON.stringify(twice).slice(1, -1)}":3}`
        const text = around.reduce(
          (value, kind) => (kind === 'array' ? `[${value}]` : `{"in":${value}}`),
          inner,
        )
        expect(() => parse(text)).toThrow(expect.objectContaining(refusal(/twice/)))
      }),
    )
  })

  test.each(['{"a":1,"\\u0061":2}', '{"__proto__":1,"__proto__":2}', '{"":1,"":2}', '{"a":{"b":1},"a":{}}'])(
    'is refused as %s',
    (text) => {
      expect(() => parse(text)).toThrow(expect.objectContaining(refusal(/twice/)))
    },
  )

  test('may have the same name in different objects', () => {
    expect(parse('[{"a":{"a":1}},{"a":2}]')).toEqual([{ a: { a: 1 } }, { a: 2 }])
  })

  test('is at most 64 levels deep, in arrays, objects and both', () => {
    const nested = (levels: number, open: string, close: string): string =>
      open.repeat(levels) + '1' + close.repeat(levels)
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      expect(() => parse(nested(64, open, close))).not.toThrow()
      expect(() => parse(nested(65, open, close))).toThrow(expect.objectContaining(refusal(/64 levels/)))
    }
    expect(() => parse(nested(33, '[{"a":', '}]'))).toThrow(expect.objectContaining(refusal(/64 levels/)))
    expect(() => parse(nested(100_000, '[', ']'))).toThrow(expect.objectContaining(refusal(/64 levels/)))
  })

  test('is UTF-8, without byte order mark', () => {
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc0, 0x80, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0x22, 0xe2, 0x82, 0x22],
    ]) {
      expect(() => parseJson(Buffer.from(bytes))).toThrow(expect.objectContaining(refusal(/UTF-8/)))
    }
    expect(() => parseJson(Buffer.from('"a"', 'utf16le'))).toThrow(
      expect.objectContaining(refusal(/not JSON/)),
    )
    expect(() => parse('\uFEFF{}')).toThrow(expect.objectContaining(refusal(/not JSON/)))
  })

  test.each([
    '',
    ' ',
    '// a\n1',
    '/* a */1',
    '[1,]',
    '{"a":1,}',
    "{'a':1}",
    '{a:1}',
    '01',
    'NaN',
    '1 2',
    '"a\nb"',
  ])('is not %j', (text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining(refusal(/not JSON/)))
  })

  test('is never quoted by what refuses it', () => {
    const secret = 'Lindqvist'
    for (const text of [
      `{"${secret}":1,"${secret}":2}`,
      `{"${secret}`,
      `${'['.repeat(70)}"${secret}"${']'.repeat(70)}`,
    ]) {
      expect(() => parse(text)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining(secret) }),
      )
    }
  })
})

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { decideCase } from 'medledger-chaincode/core'
import { decideCommand } from '../../../scripts/cli/commands/decide.ts'
import { Failure } from '../../../scripts/cli/exit-codes.ts'
import { repository, shell } from '../../support/command-line.ts'
import { r4 } from '../../support/core-consents.ts'
import { poll } from '../../support/poll.ts'

type Json = Record<string, unknown>

const sample = (id: string, more: Json = {}): Json => ({
  id,
  consents: [{ ...r4, id: 'c1', provision: { type: 'permit' } }],
  request: { patient: 'Patient/maria', actors: [], purpose: ['TREAT'], at: '2026-03-29T12:00:00Z' },
  records: [],
  defaultPolicy: 'deny',
  ...more,
})
const line = (value: unknown): string => `${JSON.stringify(value)}\n`
const expected = (...cases: Json[]): string => cases.map((input) => line(decideCase(input))).join('')

interface Ran {
  readonly out: string
  /** The exit code of a failure; 0 when there was none. */
  readonly code: number
}

/** Gives the command its input in these pieces. */
async function decide(options: { ndjson?: true }, ...pieces: (string | Uint8Array)[]): Promise<Ran> {
  let out = ''
  async function* input(): AsyncGenerator<Uint8Array> {
    for (const piece of pieces) yield typeof piece === 'string' ? Buffer.from(piece) : piece
  }
  const output = { out: (text: string) => void (out += text), err: () => {}, isTerminal: false }
  try {
    await decideCommand(options, output, input())
    return { out, code: 0 }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { out, code: error.exitCode }
  }
}
const single = (...pieces: (string | Uint8Array)[]): Promise<Ran> => decide({}, ...pieces)
const ndjson = (...pieces: (string | Uint8Array)[]): Promise<Ran> => decide({ ndjson: true }, ...pieces)

const refused = (message: string): string => line({ error: { code: 'INVALID_REQUEST', message } })
const notJson = refused('A case is JSON in UTF-8.')
const tooLarge = refused('A case has at most 33554432 bytes.')
const separators = '\u2028 \u2029 \u0085 \r \u000B'

describe('one case', () => {
  test('is answered by one decision on one line', async () => {
    const input = sample('a')
    expect(await single(JSON.stringify(input))).toEqual({ out: expected(input), code: 0 })
    expect(await single(JSON.stringify(input, undefined, 2), '\n\n')).toEqual({
      out: expected(input),
      code: 0,
    })
  })

  test('may come in pieces that break a letter', async () => {
    const input = sample('ä €')
    const bytes = Buffer.from(JSON.stringify(input))
    expect(await single(...[...bytes].map((byte) => Uint8Array.of(byte)))).toEqual({
      out: expected(input),
      code: 0,
    })
  })

  test.each<[string, string | Uint8Array, string]>([
    ['nothing', '', notJson],
    ['no JSON', '{"consents": [', notJson],
    ['two cases', line(sample('a')) + line(sample('b')), notJson],
    ['no UTF-8', Uint8Array.of(0x22, 0xff, 0x22), notJson],
    ['no case', '5', refused('A case is a JSON object.')],
    [
      'a case with a fault',
      JSON.stringify(sample('a', { records: 5 })),
      refused('records is missing or not a list.'),
    ],
  ])('that is %s is an error with exit code 2', async (_what, input, out) => {
    expect(await single(input)).toEqual({ out, code: 2 })
  })

  test('of more than 32 MiB is not read', async () => {
    const mebibyte = Buffer.alloc(2 ** 20, 0x20)
    const blank = Array.from({ length: 32 }, () => mebibyte)
    expect(await single(...blank, 'x')).toEqual({ out: tooLarge, code: 2 })
    const input = sample('a')
    const text = Buffer.from(JSON.stringify(input))
    expect(await single(...blank.slice(1), mebibyte.subarray(text.length), text)).toEqual({
      out: expected(input),
      code: 0,
    })
  })
})

describe('a case a line', () => {
  const [a, b, c] = [sample('a'), sample('b', { defaultPolicy: 'all-normal', consents: [] }), sample('c')]

  test('is answered by a decision a line, in order', async () => {
    expect(await ndjson(line(c) + line(a) + line(b))).toEqual({ out: expected(c, a, b), code: 0 })
  })

  test('wherever the input is broken, and without a line feed at its end', async () => {
    const bytes = Buffer.from((line(a) + line(b) + line(c)).trimEnd())
    for (const size of [1, 7, 1000])
      expect(await ndjson(...chunksOf(bytes, size))).toEqual({ out: expected(a, b, c), code: 0 })
  })

  test('ends with a line feed and with nothing else', async () => {
    const odd = sample(separators)
    const literal = JSON.stringify(odd).replace('\\r', '\r').replace('\\u000b', '\u000B')
    expect(await ndjson(line(odd), line(a))).toEqual({ out: expected(odd, a), code: 0 })
    // A bare control character is no JSON, and ends no line either.
    expect(await ndjson(`${literal}\n`, line(a))).toEqual({ out: notJson + expected(a), code: 0 })
    expect(await ndjson(`${JSON.stringify(a)}\r\n${JSON.stringify(b)}\r\n`)).toEqual({
      out: expected(a, b),
      code: 0,
    })
  })

  test('that is blank is skipped', async () => {
    expect(await ndjson(`\n\n \t \n\r\n${line(a)}\n  \n`, line(b), '   ')).toEqual({
      out: expected(a, b),
      code: 0,
    })
    expect(await ndjson()).toEqual({ out: '', code: 0 })
    expect(await ndjson('\u00A0\n')).toEqual({ out: notJson, code: 0 })
  })

  test('that is malformed is answered in its place, and the others are decided', async () => {
    const lines = [
      line(a),
      '{\n',
      line(sample('x', { request: {} })),
      Uint8Array.of(0xff, 0x0a),
      '[]\n',
      line(b),
      'null',
    ]
    const { out, code } = await ndjson(...lines)
    const answers = out.split('\n').map((text) => (text === '' ? '' : (JSON.parse(text) as Json)))
    expect(answers.map((answer) => (answer === '' ? '' : (answer['id'] ?? Object.keys(answer))))).toEqual([
      'a',
      ['error'],
      ['error'],
      ['error'],
      ['error'],
      'b',
      ['error'],
      '',
    ])
    expect(code).toBe(0)
    expect(out).not.toMatch(/"error".*"outcome"|"outcome".*"error"/)
  })

  test('of more than 32 MiB is answered in its place', async () => {
    const mebibyte = Buffer.alloc(2 ** 20, 0x20)
    const blank = Array.from({ length: 32 }, () => mebibyte)
    expect(await ndjson(line(a), ...blank, 'x', 'y', '\n', line(b), ...blank, ' ')).toEqual({
      out: expected(a) + tooLarge + expected(b) + tooLarge,
      code: 0,
    })
  })

  test('is not repeated in an answer that says it is wrong', async () => {
    const { out } = await ndjson('{"id":"Maria Rossi"\n', line({ ...a, request: { patient: 'Maria Rossi' } }))
    expect(out).not.toContain('Rossi')
  })
})

const chunksOf = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_none, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  )

describe('as a process', () => {
  const run = (): ChildProcessWithoutNullStreams =>
    spawn(process.execPath, ['scripts/medledger.js', 'decide', '--ndjson'], { cwd: repository })

  test('answers each line before it has the next, and ends with its input', async () => {
    const child = run()
    const written = { out: '', err: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (written.out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (written.err += text))
    const ended = new Promise<number | null>((resolve) => {
      child.on('close', resolve)
    })
    const cases = [sample('a'), sample('\u2028'), sample('b')]
    for (const [index, input] of cases.entries()) {
      child.stdin.write(index === 1 ? `\n{\n${line(input)}` : line(input))
      const soFar = expected(...cases.slice(0, index + 1)).split('\n')
      if (index > 0) soFar.splice(1, 0, notJson.trimEnd())
      await poll(
        'an answer to each line so far',
        () => written.out.split('\n').length >= soFar.length || undefined,
      )
      expect(written.out.split('\n')).toEqual(soFar)
    }
    child.stdin.end(JSON.stringify(cases[0]))
    expect(await ended).toBe(0)
    expect(written.out.endsWith(expected(...cases.slice(0, 1)))).toBe(true)
    expect(written.err).toBe('')
  })

  test.each([
    'npm run --silent decide --',
    'npm run --silent medledger -- decide',
    'node scripts/medledger.js decide',
  ])('%s writes a decision and nothing else', async (command) => {
    const input = sample('a')
    const { code, stdout } = await shell(`printf '%s' '${JSON.stringify(input)}' | ${command}`)
    expect([code, stdout]).toEqual([0, expected(input)])
  })

  test('a malformed case is exit 2, with words on standard error', async () => {
    const { code, stdout, stderr } = await shell('echo "{}" | node scripts/medledger.js decide')
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^medledger: This is no case: [^\n]+\n$/)])
    expect(JSON.parse(stdout)).toEqual({ error: { code: 'INVALID_REQUEST', message: expect.any(String) } })
  })

  test('in a case a line it is none', async () => {
    const { code, stdout, stderr } = await shell('echo "{}" | npm run --silent decide -- --ndjson')
    expect([code, stderr, stdout.split('\n')]).toEqual([0, '', [expect.stringContaining('"error"'), '']])
  })

  test('the vectors of this repository are all decided', async () => {
    const { code, stdout } = await shell(
      'npm run --silent vectors > "$OUT" && npm run --silent decide -- --ndjson < "$OUT"; rc=$?; wc -l < "$OUT"; rm "$OUT"; exit $rc',
      {
        OUT: `/tmp/medledger-vectors-${process.pid}.ndjson`,
      },
    )
    const lines = stdout.trimEnd().split('\n')
    expect(code).toBe(0)
    expect(Number(lines.pop())).toBe(lines.length)
    expect(lines.length).toBeGreaterThanOrEqual(120)
  })
})

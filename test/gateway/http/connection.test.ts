import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  expectOutcome,
  head,
  malformed,
  nobody,
  openGround,
  released,
  type Expected,
  type Ground,
  type How,
} from './tricks.ts'

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
})
afterAll(() => ground.close())

const authorized = (): string => `Authorization: Bearer ${ground.doctor}`
const path = (): string => `/fhir/Bundle/${ground.document}`
const read = (...lines: readonly string[]): string => head(`GET ${path()} HTTP/1.1`, authorized(), ...lines)
const tooLong = { status: 431, code: 'INVALID_REQUEST' } as const

describe('a request', () => {
  const cases: Readonly<Record<string, readonly [Expected, () => string, How?]>> = {
    'is answered over HTTP/1.0, once': [
      released,
      () => `GET ${path()} HTTP/1.0\r\n${authorized()}\r\n\r\n`,
      'alone',
    ],
    'is not of HTTP/0.9': [malformed, () => `GET ${path()}\r\n\r\n`, 'alone'],
    'is not of HTTP/1.2': [
      malformed,
      () => head(`GET ${path()} HTTP/1.2`, authorized(), 'Connection: close'),
      'alone',
    ],
    'is not of HTTP/2': [
      malformed,
      () => head(`GET ${path()} HTTP/2.0`, authorized(), 'Connection: close'),
      'alone',
    ],
    'is not the preface of HTTP/2': [malformed, () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    'is not the greeting of TLS': [malformed, () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    'has a host': [{ status: 400 }, () => `GET ${path()} HTTP/1.1\r\n${authorized()}\r\n\r\n`, 'alone'],
    'has no second host': [malformed, () => read('Host: evil.example')],
    'switches to no HTTP/2': [
      released,
      () => read('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQ'),
    ],
    'switches to no web socket': [
      released,
      () =>
        read(
          'Connection: Upgrade',
          'Upgrade: websocket',
          'Sec-WebSocket-Version: 13',
          'Sec-WebSocket-Key: eHh4eHh4eHh4eHh4eHh4eA==',
        ),
    ],
    'has no header of 20,000 bytes': [tooLong, () => read(`X-Other: ${'x'.repeat(20_000)}`)],
    'has no 5,000 headers': [tooLong, () => read(...Array.from({ length: 5000 }, () => 'x:'))],
    'is answered whole and with an entry, whatever range or version is asked for': [
      released,
      () =>
        read(
          'Range: bytes=0-1',
          'If-None-Match: *',
          'If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT',
          'If-Range: "x"',
          'Cache-Control: only-if-cached',
        ),
    ],
    'is answered in FHIR JSON, whatever is accepted': [
      released,
      () => read('Accept: text/html', 'Accept-Encoding: gzip', 'Accept-Charset: utf-16'),
    ],
    'expects nothing but to continue': [{ status: 417 }, () => read('Expect: 200-ok')],
  }

  test.each(Object.entries(cases))('%s', async (_what, [expected, make, how]) => {
    const outcome = await ground.send(make(), how)
    if (expected.status === 400 && expected.code === undefined) {
      // Node itself refuses it, before any of our code.
      expect([outcome.status, outcome.commits]).toEqual([400, []])
    } else {
      expectOutcome(outcome, expected)
    }
  })

  test('that waits for leave to go on is refused before its body', async () => {
    const lines = ['Content-Type: application/json', 'Expect: 100-continue', 'Content-Length: 8000000']
    const outcome = await ground.send(
      head('POST /v1/documents HTTP/1.1', ...lines, 'Connection: close'),
      'alone',
    )
    expect([outcome.status, outcome.code, outcome.commits]).toEqual([401, 'NOT_AUTHENTICATED', []])
  })

  test('from another site is answered, but to no other site’s script', async () => {
    const outcome = await ground.send(read('Origin: https://evil.example', 'Sec-Fetch-Site: cross-site'))
    expectOutcome(outcome, released)
    expect(Object.keys(outcome.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
    const preflight = ['Origin: https://evil.example', 'Access-Control-Request-Method: GET']
    const { status, headers } = await ground.send(head(`OPTIONS ${path()} HTTP/1.1`, ...preflight))
    expect(status).toBe(404)
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  test('that is followed by nonsense is not answered by what the nonsense deserves', async () => {
    const own = await openGround()
    const request = head(`GET /fhir/Bundle/${own.document} HTTP/1.1`, `Authorization: Bearer ${own.doctor}`)
    // Its answer was not ready yet: rather none than another one's.
    expect((await own.send(`${request}\0\0\0\0`, 'alone')).status).toBe('closed')
    await own.close()
  })

  test('of somebody else on the same connection inherits nothing', async () => {
    const outcome = await ground.send(
      read() + head(`GET ${path()} HTTP/1.1`) + read() + head(`GET ${path()} HTTP/1.1`),
    )
    expect([outcome.answers, outcome.commits.length, outcome.isNextUnharmed]).toEqual([4, 2, true])
    expectOutcome(await ground.send(head(`GET ${path()} HTTP/1.1`)), nobody)
  })
})

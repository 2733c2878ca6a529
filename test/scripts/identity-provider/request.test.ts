import { describe, expect, test } from 'vitest'
import { isForHost, isFromProgram, isSecret } from '../../../scripts/identity-provider/request.ts'

const issuer = 'http://127.0.0.1:7722'
const asked = (
  headers: Readonly<Record<string, string>>,
  remoteAddress: string | undefined = '127.0.0.1',
) => ({
  remoteAddress,
  headers,
})

describe('a request', () => {
  test.each(['127.0.0.1', '127.9.8.7', '::1', '::ffff:127.0.0.1'])(
    'from %s is from this machine',
    (address) => {
      expect(isFromProgram(asked({}, address))).toBe(true)
    },
  )

  test.each(['10.0.0.1', '128.0.0.1', '::2', '::ffff:10.0.0.1', '127.0.0.1.example', ''])(
    'from %j is not from this machine',
    (address) => {
      expect(isFromProgram(asked({}, address))).toBe(false)
      expect(isFromProgram({ remoteAddress: undefined, headers: {} })).toBe(false)
    },
  )

  test.each([
    ['a page', { origin: 'http://evil.example' }],
    ['a page without an origin', { origin: 'null' }],
    ['a browser', { 'sec-fetch-site': 'none' }],
    ['a proxy', { 'x-forwarded-for': '127.0.0.1' }],
    ['a proxy', { forwarded: 'for=127.0.0.1' }],
    ['a proxy', { via: '1.1 proxy' }],
  ])('of %s is not a program’s', (_what, headers) => {
    expect(isFromProgram(asked(headers))).toBe(false)
  })

  test.each([
    undefined,
    'evil.example',
    'evil.example:7722',
    'localhost:7722',
    '127.0.0.1',
    '127.0.0.1:7723',
  ])('for the host %j is not for this provider', (host) => {
    expect(isForHost(asked(host === undefined ? {} : { host }), issuer)).toBe(false)
    expect(isForHost(asked({ host: '127.0.0.1:7722' }), issuer)).toBe(true)
  })
})

test('only the whole secret is the secret', () => {
  expect(isSecret('abc', 'abc')).toBe(true)
  for (const given of ['', 'ab', 'abcd', 'ABC', undefined, ['abc'], 0]) {
    expect(isSecret(given, 'abc')).toBe(false)
  }
})

import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { people } from '../../support/ledger-world.ts'
import { toConsent } from '../authorisation/cast.ts'
import {
  expectOutcome,
  granted,
  head,
  malformed,
  nobody,
  openGround,
  withBody,
  wrongType,
  type Bytes,
  type Expected,
  type Ground,
} from './tricks.ts'

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
})
afterAll(() => ground.close())

const consent = JSON.stringify(toConsent(people.maria.handle, { effect: 'permit' }))
const line = 'POST /fhir/Consent HTTP/1.1'
const authorized = (): string => `Authorization: Bearer ${ground.patient}`
const post = (lines: readonly string[], body: Bytes = consent): Buffer =>
  withBody(line, [authorized(), ...lines], body)
const json = 'Content-Type: application/json'

describe('a body is read', () => {
  const cases: Readonly<Record<string, readonly [Expected, readonly string[], Bytes?]>> = {
    'as JSON': [granted, [json]],
    'as FHIR JSON': [granted, ['Content-Type: application/fhir+json; fhirVersion=4.0']],
    'in UTF-8': [granted, ['Content-Type: application/fhir+json;charset="UTF-8"']],
    'whatever the case of its type': [granted, ['content-type: APPLICATION/JSON']],
    'whatever an unknown parameter says': [granted, [`${json};x=`]],
    'without a content coding': [granted, [json, 'Content-Encoding: identity']],
    'not in another charset': [wrongType, [`${json}; charset=utf-16`]],
    'not in UTF-16': [wrongType, [`${json}; charset=utf-16`], Buffer.from(consent, 'utf16le')],
    'not in UTF-16 that calls itself nothing': [malformed, [json], Buffer.from(consent, 'utf16le')],
    'not in UTF-7': [wrongType, [`${json}; Charset = "utf-7"`]],
    'not with a content coding that it lacks': [wrongType, [json, 'Content-Encoding: gzip']],
    'not with a content coding that it has': [wrongType, [json, 'Content-Encoding: gzip'], gzipSync(consent)],
    'not with a content coding that it hides': [malformed, [json], gzipSync(consent)],
    'not without a type': [wrongType, []],
    'not with an empty type': [wrongType, ['Content-Type:']],
    'not as text': [wrongType, ['Content-Type: text/plain']],
    'not as text with a JSON parameter': [wrongType, ['Content-Type: text/plain; application/json']],
    'not as a form': [wrongType, ['Content-Type: application/x-www-form-urlencoded']],
    'not as a form of parts': [wrongType, ['Content-Type: multipart/form-data; boundary=application/json']],
    'not as XML': [wrongType, ['Content-Type: application/fhir+xml']],
    'not as a patch': [wrongType, ['Content-Type: application/merge-patch+json']],
    'not as a type that begins like JSON': [wrongType, ['Content-Type: application/jsonx']],
    'not as a type that ends like JSON': [wrongType, ['Content-Type: xapplication/json']],
    'not as a list of types': [wrongType, [`${json}, text/plain`]],
    'not as two types, JSON first': [malformed, [json, 'Content-Type: text/plain']],
    'not as two types, JSON last': [malformed, ['Content-Type: text/plain', json]],
    'not when it is empty': [malformed, [json], ''],
    'not with bytes behind it': [malformed, [json], `${consent}${consent}`],
    'not with a byte order mark': [malformed, [json], `\uFEFF${consent}`],
    'not with a name twice': [malformed, [json], consent.replace('{', '{"status":"inactive",')],
  }

  test.each(Object.entries(cases))('%s', async (_how, [expected, lines, body]) => {
    expectOutcome(await ground.send(post(lines, body)), expected)
  })
})

describe('where a request ends is never in doubt', () => {
  const smuggled = (): string =>
    head(`GET /fhir/Bundle/${ground.document} HTTP/1.1`, `Authorization: Bearer ${ground.doctor}`)
  const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`

  const cases: Readonly<Record<string, readonly [Expected, () => Bytes]>> = {
    'in chunks': [
      granted,
      () => `${head(line, authorized(), json, 'Transfer-Encoding: chunked')}${chunk(consent)}0\r\n\r\n`,
    ],
    'in chunks with extensions and trailers': [
      granted,
      () =>
        `${head(line, authorized(), json, 'Transfer-Encoding: chunked')}${chunk(consent).replace('\r\n', ';x=y\r\n')}0\r\nX-Purpose-Of-Use: BTG\r\n\r\n`,
    ],
    'with a length and chunks': [
      malformed,
      () =>
        `${head(line, authorized(), json, 'Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n${smuggled()}`,
    ],
    'with chunks and a length': [
      malformed,
      () =>
        `${head(line, authorized(), json, 'Transfer-Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n${smuggled()}`,
    ],
    'with two lengths': [
      malformed,
      () =>
        `${head(line, authorized(), json, 'Content-Length: 0', `Content-Length: ${consent.length}`)}${consent}`,
    ],
    'with the same length twice': [
      malformed,
      () =>
        `${head(line, authorized(), json, ...Array(2).fill(`Content-Length: ${consent.length}`))}${consent}`,
    ],
    'with a list of lengths': [
      malformed,
      () => `${head(line, authorized(), json, 'Content-Length: 5, 5')}abcde`,
    ],
    'with a signed length': [malformed, () => `${head(line, authorized(), json, 'Content-Length: +5')}abcde`],
    'with a length in hexadecimal': [
      malformed,
      () => `${head(line, authorized(), json, 'Content-Length: 0x5')}abcde`,
    ],
    'with a blank before the colon of the length': [
      malformed,
      () => `${head(line, authorized(), json, 'Content-Length : 5')}abcde`,
    ],
    'with an unknown transfer coding': [
      malformed,
      () => `${head(line, authorized(), json, 'Transfer-Encoding: xchunked')}${smuggled()}`,
    ],
    'with chunks that are not last': [
      malformed,
      () => `${head(line, authorized(), json, 'Transfer-Encoding: chunked, identity')}0\r\n\r\n${smuggled()}`,
    ],
    'with chunks twice': [
      malformed,
      () =>
        `${head(line, authorized(), json, 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    ],
    'with a transfer coding behind a vertical tab': [
      malformed,
      () => `${head(line, authorized(), json, 'Transfer-Encoding: \vchunked')}0\r\n\r\n`,
    ],
    'with a chunk longer than it says': [
      malformed,
      () => `${head(line, authorized(), json, 'Transfer-Encoding: chunked')}5\r\n${consent}\r\n0\r\n\r\n`,
    ],
    'with a chunk size beyond all bounds': [
      malformed,
      () => `${head(line, authorized(), json, 'Transfer-Encoding: chunked')}ffffffffffffffff1\r\n${consent}`,
    ],
    'with line feeds alone': [malformed, () => head(line, authorized(), json).replaceAll('\r\n', '\n')],
    'in a reading with a body that is a request': [
      malformed,
      () => withBody(`GET /fhir/Bundle/${ground.document} HTTP/1.1`, [], smuggled()),
    ],
    'in a reading with chunks that are a request': [
      malformed,
      () => `${head(`GET /fhir/Bundle/${ground.document} HTTP/1.1`, 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    ],
    'in a reading with an unknown transfer coding': [
      malformed,
      () =>
        head(
          `GET /fhir/Bundle/${ground.document} HTTP/1.1`,
          `Authorization: Bearer ${ground.doctor}`,
          'Transfer-Encoding: x',
        ),
    ],
    'in a stranger’s body that is a request': [nobody, () => withBody(line, [json], smuggled())],
    'in a body that is a request': [malformed, () => post([json], smuggled())],
  }

  test.each(Object.entries(cases))('%s', async (_how, [expected, make]) => {
    expectOutcome(await ground.send(make()), expected)
  })

  test('and half a body commits nothing, however long the rest takes', async () => {
    const half = post([json]).subarray(0, -20)
    const { commits, status } = await ground.send(half, 'cut short')
    expect([commits, status === 200 || status === 201]).toEqual([[], false])
    const { server } = ground.network.gateways.south.app
    expect(server.requestTimeout).toBeLessThanOrEqual(30_000)
    expect(server.headersTimeout).toBeLessThanOrEqual(60_000)
  })
})

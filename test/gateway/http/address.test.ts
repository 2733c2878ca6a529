import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  expectOutcome,
  head,
  malformed,
  nobody,
  nowhere,
  openGround,
  released,
  type Expected,
  type Ground,
} from './tricks.ts'

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
})
afterAll(() => ground.close())

const authorized = (): string => `Authorization: Bearer ${ground.doctor}`
const tooLong = { status: 431, code: 'INVALID_REQUEST' } as const

describe('an address', () => {
  /** What comes of it with a token; without one, what is a route asks for one. */
  const cases: Readonly<Record<string, readonly [Expected, (document: string) => string]>> = {
    'is found as it is': [released, (id) => `/fhir/Bundle/${id}`],
    'is found with a query that nobody asked for': [
      released,
      (id) => `/fhir/Bundle/${id}?_method=DELETE&_id=${id}`,
    ],
    'is found with a fragment, which is none of it': [released, (id) => `/fhir/Bundle/${id}#x`],
    'is found with letters in percent code': [released, (id) => `/%66hir/Bundl%65/${id}`],
    'is found in absolute form, whatever the host': [
      released,
      (id) => `http://evil.example/fhir/Bundle/${id}`,
    ],
    'is not found behind two slashes': [nowhere, (id) => `//fhir/Bundle/${id}`],
    'is not found with two slashes inside': [nowhere, (id) => `/fhir//Bundle/${id}`],
    'is not found with a slash behind it': [nowhere, (id) => `/fhir/Bundle/${id}/`],
    'is not found through a dot': [nowhere, (id) => `/fhir/./Bundle/${id}`],
    'is not found through two dots': [nowhere, (id) => `/healthz/../fhir/Bundle/${id}`],
    'is not found through two dots in percent code': [nowhere, (id) => `/healthz/%2e%2e/fhir/Bundle/${id}`],
    'is not found through two dots and slashes in percent code': [
      nowhere,
      (id) => `/healthz%2f..%2ffhir/Bundle/${id}`,
    ],
    'is not found through a parameter of a segment': [nowhere, (id) => `/healthz;/../fhir/Bundle/${id}`],
    'is not found in capitals': [nowhere, (id) => `/FHIR/BUNDLE/${id}`],
    'is not found with slashes in percent code': [nowhere, (id) => `/fhir%2FBundle%2F${id}`],
    'is not found with backslashes': [nowhere, (id) => `/fhir\\Bundle\\${id}`],
    'is not an asterisk': [nowhere, () => '*'],
    'has an id without parameters': [malformed, (id) => `/fhir/Bundle/${id};x=1`],
    'has an id without a slash in percent code': [malformed, (id) => `/fhir/Bundle/${id}%2f..`],
    'has an id without a NUL in percent code': [malformed, (id) => `/fhir/Bundle/${id}%00`],
    'has an id without a line break in percent code': [malformed, (id) => `/fhir/Bundle/${id}%0d%0aX:%20y`],
    'has an id in one case': [malformed, (id) => `/fhir/Bundle/${id.toUpperCase()}`],
    'has an id that is no twice coded one': [malformed, (id) => `/fhir/Bundle/${id.replace('-', '%252d')}`],
    'has one list of ids': [malformed, (id) => `/fhir/Bundle?_id=${id}&_id=${id}`],
    'has no list of ids by brackets': [malformed, (id) => `/fhir/Bundle?_id[]=${id}`],
    'has one patient': [
      malformed,
      () => `/fhir/AuditEvent?patient=${'a'.repeat(32)}&patient=${'b'.repeat(32)}`,
    ],
    'has no NUL': [malformed, (id) => `/fhir/Bundle/${id}\0`],
    'has no blank': [malformed, (id) => `/fhir/Bundle/${id} HTTP/1.1 x`],
    'has no bytes beyond ASCII': [malformed, () => '/fhir/Bundle/ü'],
    'has no broken percent code': [malformed, () => '/fhir/Bundle/%zz'],
    'has no half of a character in percent code': [malformed, () => '/fhir/Bundle/%c3'],
    'has no part of 300 characters': [malformed, () => `/fhir/Bundle/${'a'.repeat(300)}`],
    'has no 20,000 characters': [tooLong, () => `/fhir/Bundle/${'a'.repeat(20_000)}`],
  }

  test.each(Object.entries(cases))('%s', async (what, [expected, make]) => {
    const line = `GET ${make(ground.document)} HTTP/1.1`
    // Whose log is asked for is the patient's to say.
    const token = what === 'has one patient' ? `Authorization: Bearer ${ground.patient}` : authorized()
    expectOutcome(await ground.send(head(line, token)), expected)
    const outcome = await ground.send(head(line))
    expect(outcome.commits).toEqual([])
    expect(outcome.showsContent).toBe(false)
    expect(outcome.status).not.toBe(200)
    if (expected.status === 200) expectOutcome(outcome, nobody)
  })

  test('is answered in the form of its route, however it is spelled', async () => {
    const plain = await ground.send(head(`GET /fhir/Bundle/${ground.document} HTTP/1.1`))
    for (const address of [
      `/%66hir/Bundle/${ground.document}`,
      `http://evil.example/fhir/Bundle/${ground.document}`,
    ]) {
      const { body, headers } = await ground.send(head(`GET ${address} HTTP/1.1`))
      expect([body, headers['content-type']]).toEqual([plain.body, plain.headers['content-type']])
    }
  })

  test('of a consent that was granted is ours, whatever host was named', async () => {
    for (const line of ['POST /fhir/Consent HTTP/1.1', 'POST http://evil.example/fhir/Consent HTTP/1.1']) {
      const body = '{"resourceType":"Consent"}'
      const lines = [
        `Authorization: Bearer ${ground.patient}`,
        'Content-Type: application/json',
        'X-Forwarded-Host: evil.example',
      ]
      const outcome = await ground.send(head(line, ...lines, `Content-Length: ${body.length}`) + body)
      expectOutcome(outcome, malformed)
      expect(JSON.stringify([outcome.headers, outcome.body])).not.toContain('evil')
    }
  })
})

describe('a method', () => {
  test.each(['DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'PURGE', 'SEARCH'])(
    '%s reads nothing',
    async (method) => {
      const lines = method === 'PATCH' ? [authorized(), 'Content-Length: 0'] : [authorized()]
      const outcome = await ground.send(head(`${method} /fhir/Bundle/${ground.document} HTTP/1.1`, ...lines))
      expect([outcome.commits, outcome.showsContent]).toEqual([[], false])
      expect(outcome.status).toBe(404)
    },
  )

  test.each(['get', 'Get', 'FOO', 'GET,', 'G\0ET', ' GET'])('%j is none', async (method) => {
    expectOutcome(
      await ground.send(head(`${method} /fhir/Bundle/${ground.document} HTTP/1.1`, authorized())),
      malformed,
    )
  })

  test('CONNECT opens no way to anywhere', async () => {
    expectOutcome(await ground.send(head('CONNECT gateway:80 HTTP/1.1', authorized())), { status: 'closed' })
  })
})

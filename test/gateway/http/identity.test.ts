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
} from './tricks.ts'

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
})
afterAll(() => ground.close())

const read = (...lines: readonly string[]): string =>
  head(`GET /fhir/Bundle/${ground.document} HTTP/1.1`, ...lines)

describe('a token counts', () => {
  const cases: Readonly<Record<string, readonly [Expected, (good: string, forged: string) => string]>> = {
    'in the header': [released, (good) => read(`Authorization: Bearer ${good}`)],
    'whatever the case of its scheme': [released, (good) => read(`AUTHORIZATION: bEARER ${good}`)],
    'not before a second one': [
      malformed,
      (good, bad) => read(`Authorization: Bearer ${good}`, `Authorization: Bearer ${bad}`),
    ],
    'not behind a second one': [
      malformed,
      (good, bad) => read(`Authorization: Bearer ${bad}`, `authorization: Bearer ${good}`),
    ],
    'not behind an empty one': [malformed, (good) => read('Authorization:', `Authorization: Bearer ${good}`)],
    'not twice': [
      malformed,
      (good) => read(`Authorization: Bearer ${good}`, `Authorization: Bearer ${good}`),
    ],
    'not in a list': [nobody, (good, bad) => read(`Authorization: Bearer ${good}, Bearer ${bad}`)],
    'not with another scheme': [nobody, (good) => read(`Authorization: Basic ${good}`)],
    'not behind a tab': [nobody, (good) => read(`Authorization: Bearer\t${good}`)],
    'not behind two blanks': [nobody, (good) => read(`Authorization: Bearer  ${good}`)],
    'not in the query': [
      nobody,
      (good) =>
        head(
          `GET /fhir/Bundle/${ground.document}?access_token=${good}&authorization=Bearer%20${good} HTTP/1.1`,
        ),
    ],
    'not in a header of another name': [
      nobody,
      (good) =>
        read(
          ...[
            'Authorization_',
            'X_Authorization',
            'X-Authorization',
            'Proxy-Authorization',
            'X-Forwarded-Authorization',
          ].map((name) => `${name}: Bearer ${good}`),
          `Cookie: authorization=${good}; access_token=${good}`,
        ),
    ],
    'not before a colon with a blank': [malformed, (good) => read(`Authorization : Bearer ${good}`)],
    'not on a folded line': [malformed, (good) => read(`Authorization: Bearer\r\n ${good}`)],
    'not in the fold of another header': [
      malformed,
      (good) => read(`X-Other: x\r\n Authorization: Bearer ${good}`),
    ],
    'not behind a line feed in another header': [
      malformed,
      (good) => read(`X-Other: x\nAuthorization: Bearer ${good}`),
    ],
    'not behind a carriage return in another header': [
      malformed,
      (good) => read(`X-Other: x\rAuthorization: Bearer ${good}`),
    ],
    'not behind a NUL in another header': [
      malformed,
      (good) => read(`X-Other: x\0`, `Authorization: Bearer ${good}`),
    ],
    'not in the trailer of a body': [
      malformed,
      (good) =>
        `${read('Transfer-Encoding: chunked', 'Trailer: Authorization')}0\r\nAuthorization: Bearer ${good}\r\n\r\n`,
    ],
  }

  test.each(Object.entries(cases))('%s', async (_where, [expected, make]) => {
    expectOutcome(await ground.send(make(ground.doctor, ground.forged)), expected)
  })

  test('not in the form of a body', async () => {
    const body = `access_token=${ground.patient}`
    const type = 'Content-Type: application/x-www-form-urlencoded'
    const request = head('POST /fhir/Consent HTTP/1.1', type, `Content-Length: ${body.length}`) + body
    expectOutcome(await ground.send(request), nobody)
  })

  test('for its own request alone, of several on one connection', async () => {
    const mine = read(`Authorization: Bearer ${ground.doctor}`)
    const orders: readonly [string, number][] = [
      [mine + read(), 200],
      [read() + mine, 401],
    ]
    for (const [bytes, first] of orders) {
      const { status, commits, answers, isNextUnharmed } = await ground.send(bytes)
      expect({ status, commits, answers, isNextUnharmed }).toEqual({
        status: first,
        commits: ['RequestAccess north'],
        answers: 2,
        isNextUnharmed: true,
      })
    }
  })
})

describe('a purpose of use counts', () => {
  const cases: Readonly<Record<string, readonly [Expected, readonly string[]]>> = {
    once: [released, ['X-Purpose-Of-Use: TREAT']],
    'with blanks around it': [released, ['X-Purpose-Of-Use: \t TREAT ']],
    'not twice': [malformed, ['X-Purpose-Of-Use: TREAT', 'X-Purpose-Of-Use: HRESCH']],
    'not twice, were it the same': [malformed, ['X-Purpose-Of-Use: TREAT', 'x-purpose-of-use: TREAT']],
    'not in a list': [malformed, ['X-Purpose-Of-Use: TREAT, HRESCH']],
    'not in lower case': [malformed, ['X-Purpose-Of-Use: treat']],
    'not when it is empty': [malformed, ['X-Purpose-Of-Use: ']],
    'not when it is a name that every object has': [malformed, ['X-Purpose-Of-Use: constructor']],
    'not in a header with underscores, which is none of ours': [released, ['X_Purpose_Of_Use: nonsense']],
  }

  test.each(Object.entries(cases))('%s', async (_how, [expected, lines]) => {
    expectOutcome(await ground.send(read(`Authorization: Bearer ${ground.doctor}`, ...lines)), expected)
  })

  test('within those of the token, whatever other headers say', async () => {
    const { token } = await ground.network.world.as('dr.chen', { purposes: ['TREAT'] })
    const beyond = [
      'X-Purpose-Of-Use: HRESCH',
      'X_Purpose_Of_Use: TREAT',
      'X-Forwarded-Purpose-Of-Use: TREAT',
    ]
    const outcome = await ground.send(read(`Authorization: Bearer ${token}`, ...beyond))
    expectOutcome(outcome, { status: 403, code: 'FORBIDDEN' })
  })
})

describe('what proxies say of a request is not believed', () => {
  const claims = [
    'X-Forwarded-For: 127.0.0.1',
    'X-Forwarded-Host: evil.example',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Port: 443',
    'X-Forwarded-Prefix: /evil',
    'X-Forwarded-User: dr.chen',
    'X-Forwarded-Client-Cert: Subject="CN=gateway.north"',
    'X-Real-IP: 127.0.0.1',
    'X-Remote-User: dr.chen',
    'X-Client-Verify: SUCCESS',
    'X-Organisation: north',
    'X-Role: operator',
    'Forwarded: for=127.0.0.1;host=evil.example;proto=https',
    'Via: 1.1 evil.example',
    'X-Original-URL: /healthz',
    'X-Rewrite-URL: /healthz',
    'X-HTTP-Method: DELETE',
    'X-HTTP-Method-Override: DELETE',
    'X-Method-Override: DELETE',
    'X-Host: evil.example',
  ]

  test.each(claims)('%s makes nobody somebody, and the answer no other', async (claim) => {
    const plain = await ground.send(read())
    const outcome = await ground.send(read(claim))
    expectOutcome(outcome, nobody)
    const { 'x-request-id': _one, date: _then, ...headers } = plain.headers
    const { 'x-request-id': _other, date: _now, ...others } = outcome.headers
    expect([outcome.body, others]).toEqual([plain.body, headers])
  })

  test('all of them together change nothing for who may read', async () => {
    expectOutcome(await ground.send(read(`Authorization: Bearer ${ground.doctor}`, ...claims)), released)
  })

  test('none makes a method another one', async () => {
    for (const name of ['X-HTTP-Method', 'X-HTTP-Method-Override', 'X-Method-Override']) {
      const lines = [`Authorization: Bearer ${ground.doctor}`, `${name}: GET`, 'Content-Length: 0']
      const outcome = await ground.send(
        head(`POST /fhir/Bundle/${ground.document}?_method=GET HTTP/1.1`, ...lines),
      )
      expectOutcome(outcome, { status: 404, code: 'ROUTE_NOT_FOUND' })
    }
  })
})

import { randomId } from 'medledger-chaincode/api'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  consentOf,
  newDocument,
  newPatient,
  organisation,
  postDocuments,
  rowsOf,
  type TestPatient,
} from '../../support/clinic.ts'
import { codeOf, openNetwork, send, type Answer, type Network } from '../../support/network.ts'
import { signToken, type SignRequest } from '../../support/sign-token.ts'

let network: Network
let patient: TestPatient

beforeAll(async () => {
  network = await openNetwork()
  patient = await newPatient(network)
})

/** Every error has a stable code and a message, and neither a stack trace nor what was sent. */
function expectClearError(answer: Answer, status: number, code: string): void {
  expect({ status: answer.status, code: codeOf(answer) }).toEqual({ status, code })
  expect(answer.text).not.toMatch(/\n\s+at |node_modules|\.ts:/)
  expect(answer.text).not.toContain(patient.handle)
  expect(answer.text).not.toContain('canary')
}

describe('bodies', () => {
  const post = (body: string | Uint8Array, type = 'application/fhir+json'): Promise<Answer> =>
    patient.ask('/fhir/Consent', { body, headers: { 'content-type': type } })

  test.each([
    ['malformed JSON', '{"canary": '],
    ['a name that occurs twice', '{"resourceType":"Consent","canary":1,"canary":2}'],
    ['text that is not UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['nesting without end', `${'['.repeat(5000)}${']'.repeat(5000)}`],
    ['nothing', ''],
    ['another resource', '{"resourceType":"Patient","canary":true}'],
  ])('%s is refused', async (_what, body) => {
    expectClearError(await post(body), 400, 'INVALID_REQUEST')
  })

  test('an oversized body is refused', async () => {
    expectClearError(await post(`"${'canary'.repeat(60_000)}"`), 413, 'PAYLOAD_TOO_LARGE')
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml'])(
    'the content type %s is refused',
    async (type) => {
      expectClearError(await post('{}', type), 415, 'UNSUPPORTED_MEDIA_TYPE')
    },
  )

  test('a directive that cannot be understood is refused, not half applied', async () => {
    const provision = { type: 'permit', securityLabel: [{ code: 'R' }] }
    expectClearError(await patient.grant(provision), 400, 'INVALID_REQUEST')
    const { body } = await patient.ask(`/fhir/Consent?patient=${patient.handle}`)
    expect(body.total).toBe(0)
  })
})

describe('ids', () => {
  test.each([
    ['an id that is none', 'canary'],
    ['a custodian that is none', `west-${'0'.repeat(32)}`],
    ['a path', '..%2F..%2Fetc'],
  ])('%s is refused', async (_what, id) => {
    expectClearError(await network.ask('dr.chen', `/fhir/Bundle/${id}`), 400, 'INVALID_REQUEST')
  })

  test('51 documents in one request are refused, 50 are not', async () => {
    const ids = Array.from({ length: 51 }, () => `north-${randomId()}`)
    expectClearError(
      await network.ask('dr.chen', `/fhir/Bundle?_id=${ids.join(',')}`),
      400,
      'INVALID_REQUEST',
    )
    const fifty = await network.ask('dr.chen', `/fhir/Bundle?_id=${ids.slice(1).join(',')}`)
    expectClearError(fifty, 403, 'NOT_RELEASED')
  })

  test('documents of two custodians in one request are refused', async () => {
    const ids = [`north-${randomId()}`, `south-${randomId()}`]
    expectClearError(
      await network.ask('dr.chen', `/fhir/Bundle?_id=${ids.join(',')}`),
      400,
      'INVALID_REQUEST',
    )
  })

  test('of documents of two patients in one request the first one’s are answered, on record', async () => {
    const other = await newPatient(network)
    const [own, foreign] = await Promise.all(
      [patient, other].map(({ handle }) => newDocument(network, handle, 'north')),
    )
    for (const one of [patient, other]) await one.grant({ type: 'permit', actor: [organisation('south')] })
    const answer = await network.ask('dr.chen', `/fhir/Bundle?_id=${own},${foreign}`)
    expect([answer.status, answer.text.includes(`Bundle/${foreign}`)]).toEqual([200, true])
    expect((await patient.log()).map(({ entry }) => entry)).toContain(answer.entries[0])
  })

  test('an unknown consent is revoked like any other, before it is granted', async () => {
    expect((await patient.revoke(randomId())).status).toBe(200)
  })

  test('an unknown patient has no documents registered', async () => {
    expectClearError(await postDocuments(network, randomId(), 'north', [{}]), 404, 'NOT_FOUND')
  })

  test('an address that is none says so', async () => {
    expectClearError(await network.ask('dr.chen', '/fhir/Observation'), 404, 'ROUTE_NOT_FOUND')
    expectClearError(await network.ask('dr.chen', '/v1/nothing'), 404, 'ROUTE_NOT_FOUND')
  })
})

describe('tokens', () => {
  const ask = (at: string, token: string): Promise<Answer> =>
    send(network, at, `/fhir/Bundle/north-${randomId()}`, {
      headers: { authorization: `Bearer ${token}` },
    })

  const sign = (changes: Partial<SignRequest>): Promise<string> => {
    const audience = network.constitution.organisations.find(({ name }) => name === 'south')?.audience ?? ''
    return signToken(network.data, 'south', { subject: 'dr.chen', role: 'doctor', audience, ...changes })
  }

  test('no token at all', async () => {
    const answer = await send(network, 'south', `/fhir/Bundle/north-${randomId()}`)
    expectClearError(answer, 401, 'NOT_AUTHENTICATED')
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
  })

  test.each([
    ['expired', { now: Date.now() - 3_600_000 }],
    ['from the future', { now: Date.now() + 3_600_000 }],
    ['for another gateway', { audience: 'urn:medledger:gateway:north' }],
  ])('a token %s is refused', async (_what, changes) => {
    expectClearError(await ask('south', await sign(changes)), 401, 'INVALID_TOKEN')
  })

  test('a token of another hospital is refused', async () => {
    const token = await sign({ audience: 'urn:medledger:gateway:north' })
    expectClearError(await ask('north', token), 401, 'INVALID_TOKEN')
  })

  test('a token with a changed signature is refused', async () => {
    const token = await sign({})
    const last = token.endsWith('A') ? 'B' : 'A'
    expectClearError(await ask('south', `${token.slice(0, -4)}${last}AAA`), 401, 'INVALID_TOKEN')
  })

  test('a role that the issuer may not assert does not count', async () => {
    expectClearError(await ask('south', await sign({ role: 'patient' })), 403, 'FORBIDDEN')
  })

  test('a person who is not registered is refused', async () => {
    expectClearError(await ask('south', await sign({ subject: 'nobody' })), 403, 'FORBIDDEN')
  })
})

describe('roles', () => {
  test.each([
    ['auditor.lee', 'GET', '/fhir/Bundle/north-00000000000000000000000000000000'],
    ['operator.south', 'GET', '/fhir/DocumentReference?patient='],
    ['dr.chen', 'GET', '/fhir/AuditEvent?patient='],
    ['dr.chen', 'GET', '/fhir/Consent?patient='],
    ['dr.chen', 'POST', '/v1/patients'],
    ['records.north', 'GET', '/fhir/AuditEvent?patient='],
  ])('%s may not %s %s', async (user, method, path) => {
    const full = path.endsWith('=') ? `${path}${patient.handle}` : path
    const body = { patient: randomId(), issuer: 'urn:x', subject: 'canary' }
    const answer = await network.ask(user, full, method === 'POST' ? { body } : {})
    expectClearError(answer, 403, 'FORBIDDEN')
  })

  test("nobody changes another patient's consents", async () => {
    const other = await newPatient(network)
    const foreign = await other.ask('/fhir/Consent', { body: consentOf(patient.handle, { type: 'permit' }) })
    expectClearError(foreign, 403, 'FORBIDDEN')
    const own = await patient.grant({ type: 'deny' })
    const body = { ...own.body, status: 'inactive' }
    const revoked = await other.ask(`/fhir/Consent/${own.body.id}`, { method: 'PUT', body })
    expectClearError(revoked, 403, 'FORBIDDEN')
  })

  test("a look at another patient's log is refused, and she can see that it was tried", async () => {
    const other = await newPatient(network)
    const answer = await other.ask(`/fhir/AuditEvent?patient=${patient.handle}`)
    expectClearError(answer, 403, 'FORBIDDEN')
    const { body } = await patient.ask(`/fhir/AuditEvent?patient=${patient.handle}`)
    const tries = rowsOf(body).filter(({ kind, outcome }) => kind === 'log' && outcome === 'deny')
    expect(tries.length).toBe(network.constitution.placements.length)
  })

  test("a hospital registers no document under another's name", async () => {
    const body = {
      patient: patient.handle,
      documents: [
        {
          source: 'x',
          id: `south-${randomId()}`,
          type: { system: 'http://loinc.org', code: '11502-2' },
          date: '2026-01-01',
          bundle: { resourceType: 'Bundle', type: 'document' },
        },
      ],
    }
    expectClearError(await network.ask('records.north', '/v1/documents', { body }), 400, 'INVALID_REQUEST')
  })
})

import type { LightMyRequestResponse } from 'fastify'
import { beforeEach, describe, expect, test } from 'vitest'
import { MedledgerError, randomId } from 'medledger-chaincode/api'
import { parseKey } from '../../gateway/src/idempotency.ts'
import { OutcomeUnknown } from '../../gateway/src/ledger/port.ts'
import {
  bundleOf,
  depositAt,
  depositOf,
  grantAt,
  testNetwork,
  type TestNetwork,
  type TestRequest,
} from '../support/gateway-network.ts'
import { consentOf } from '../support/ledger-samples.ts'
import { people, type User } from '../support/ledger-world.ts'

let network: TestNetwork
let document: string
beforeEach(async () => {
  network = await testNetwork()
  const [deposited = ''] = await depositAt(network, 'north', 'maria', [depositOf('letter')])
  document = deposited
  await grantAt(network, 'maria')
})

const codeIn = (answer: LightMyRequestResponse): string => {
  const body = answer.json<{ code?: string; issue?: [{ details: { coding: [{ code: string }] } }] }>()
  return body.code ?? body.issue?.[0].details.coding[0].code ?? ''
}
const entryOf = (answer: LightMyRequestResponse): unknown => answer.headers['x-medledger-entry']
const submitted = (name: string): number =>
  network.ledger.calls.filter((call) => call.mode === 'submit' && call.name === name).length
const send = (user: User, key: string, request: TestRequest): Promise<LightMyRequestResponse> =>
  network.send(user, { ...request, headers: { 'idempotency-key': key, ...request.headers } })
const read = (key: string, more: Partial<TestRequest> = {}, user: User = 'dr.chen') =>
  send(user, key, { url: `/fhir/Bundle/${document}`, ...more })
const consent = {
  ...consentOf({ type: 'permit' }),
  patient: { reference: `Patient/${people.maria.handle}` },
}

describe('an idempotency key', () => {
  test('sent a hundred times at once gives one entry, one release, and the same answer to all', async () => {
    const key = randomId()
    const answers = await Promise.all(Array.from({ length: 100 }, () => read(key)))
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]))
    expect(new Set(answers.map(entryOf)).size).toBe(1)
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1)
    expect(new Set(answers.map(({ headers }) => headers['x-request-id'])).size).toBe(100)
    expect(submitted('RequestAccess')).toBe(1)
    const releases = await network.gateways.north.database.selectFrom('releases').selectAll().execute()
    expect(releases).toHaveLength(1)
  })

  test('sent again later names the same entry and releases nothing, after a restart too', async () => {
    const first = await read('"a key"')
    for (const isRestarted of [false, true]) {
      if (isRestarted) await network.restart('south')
      const again = await read('"a key"')
      expect([again.statusCode, codeIn(again)]).toEqual([409, 'ALREADY_RELEASED'])
      expect(entryOf(again)).toBe(entryOf(first))
    }
    expect(submitted('RequestAccess')).toBe(1)
  })

  test('of a reading answers again from the same entry while it is fresh', async () => {
    const url = `/fhir/DocumentReference?patient=${people.maria.handle}`
    const first = await send('dr.chen', 'search', { url })
    const again = await send('dr.chen', 'search', { url })
    expect([first.statusCode, again.statusCode]).toEqual([200, 200])
    expect(entryOf(again)).toBe(entryOf(first))
    expect(again.body).toBe(first.body)
    network.world.now += 61_000
    expect((await send('dr.chen', 'search', { url })).statusCode).toBe(403)
    expect(submitted('RecordReading')).toBe(2)
  })

  test('of a change of consent makes it once and gives the same answer, after a restart too', async () => {
    const grants = submitted('GrantConsent')
    const request = { url: '/fhir/Consent', method: 'POST', body: consent } as const
    const first = await send('maria', 'grant', request)
    const again = await send('maria', 'grant', request)
    await network.restart('authority')
    const afterwards = await send('maria', 'grant', request)
    for (const answer of [again, afterwards]) {
      expect(answer.statusCode).toBe(201)
      expect(answer.headers.location).toBe(first.headers.location)
      expect(entryOf(answer)).toBe(entryOf(first))
      expect(answer.json()).toEqual(first.json())
    }
    expect(submitted('GrantConsent') - grants).toBe(2)
  })

  test('of a registration makes it once', async () => {
    const patient = {
      patient: randomId(),
      issuer: network.world.issuers.get('authority')?.issuer,
      subject: 'new',
    }
    const headers = { 'content-type': 'application/json' }
    const request = { url: '/v1/patients', method: 'POST', body: patient, headers } as const
    const statuses = []
    for (let count = 0; count < 3; count += 1) {
      statuses.push((await send('operator.authority', 'patient', request)).statusCode)
    }
    expect(statuses).toEqual([201, 201, 201])
    const documents = {
      patient: people.tomas.handle,
      documents: [{ ...depositOf('x'), bundle: bundleOf('x') }],
    }
    const deposit = { url: '/v1/documents', method: 'POST', body: documents, headers } as const
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => send('records.south', 'documents', deposit)),
    )
    expect(new Set(answers.map(({ statusCode, body }) => `${statusCode} ${body}`)).size).toBe(1)
    expect(answers[0]?.statusCode).toBe(200)
    expect((await send('records.south', 'documents', deposit)).statusCode).toBe(200)
    expect(submitted('RegisterDocuments')).toBe(2)
  })

  test('cannot be used for anything else: another body, address, purpose, or token with other rights', async () => {
    await read('mine')
    const other = [
      read('mine', { headers: { 'x-purpose-of-use': 'ETREAT' } }),
      read('mine', { url: `/fhir/Bundle/north-${randomId()}` }),
      read('mine', { purposes: ['TREAT'] }),
    ]
    for (const answer of await Promise.all(other))
      expect([answer.statusCode, codeIn(answer)]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED'])
    const request = { url: '/fhir/Consent', method: 'POST' } as const
    await send('maria', 'mine', { ...request, body: consent })
    await network.restart('authority')
    const changed = { ...consent, provision: { type: 'deny' } }
    const answer = await send('maria', 'mine', { ...request, body: changed })
    expect(codeIn(answer)).toBe('IDEMPOTENCY_KEY_REUSED')
  })

  test('sent at the same time with something else is told apart from the one that came first', async () => {
    const [first, second] = await Promise.all([
      read('racing'),
      read('racing', { url: `/fhir/Bundle/north-${randomId()}` }),
    ])
    const refused = [first, second].filter(({ statusCode }) => statusCode === 422)
    expect(refused.map(codeIn)).toEqual(['IDEMPOTENCY_KEY_REUSED'])
    expect(submitted('RequestAccess')).toBe(1)
  })

  test('is each person’s own: another’s same key is another request', async () => {
    const mine = await read('shared')
    const another = await read('shared', {}, 'maria')
    expect([mine.statusCode, another.statusCode]).toEqual([200, 200])
    expect(entryOf(another)).not.toBe(entryOf(mine))
  })

  test('is not found in the database, nor is who sent it or for what', async () => {
    await read('a-telling-key')
    const { database } = network.gateways.south
    const rows = [
      await database.selectFrom('idempotency_keys').selectAll().execute(),
      await database.selectFrom('outbox').selectAll().execute(),
    ]
    expect(rows.flat()).not.toEqual([])
    const text = JSON.stringify(rows)
    for (const told of ['a-telling-key', 'dr.chen', document, people['dr.chen'].handle, people.maria.handle])
      expect(text).not.toContain(told)
  })

  test('of a request that found no ledger is free to try again', async () => {
    network.ledger.fault = ({ name }) =>
      name === 'RequestAccess' ? new MedledgerError('LEDGER_UNAVAILABLE', 'No.') : undefined
    expect((await read('again')).statusCode).toBe(503)
    network.ledger.fault = () => undefined
    expect((await read('again')).statusCode).toBe(200)
  })

  test('of a request whose answer was lost finds what was committed, and releases nothing', async () => {
    network.ledger.afterCommit = ({ name }, transactionId) =>
      name === 'RequestAccess' ? new OutcomeUnknown(transactionId) : undefined
    const lost = await read('lost')
    expect(lost.statusCode).toBe(202)
    const again = await read('lost')
    expect([again.statusCode, codeIn(again)]).toEqual([409, 'ALREADY_RELEASED'])
    expect(entryOf(again)).toBe(entryOf(lost))
    const releases = await network.gateways.north.database.selectFrom('releases').selectAll().execute()
    expect(releases).toEqual([])
  })

  test.each(['', ' ', 'a b', '"', '"a', '"a"b', 'ä', 'x'.repeat(256), '"\\""', ';a=1'])(
    'has its form, which %j has not',
    async (key) => {
      expect(() => parseKey(key)).toThrow(/Idempotency-Key/)
      if (key.trim() !== '' && /^[\x20-\x7e]*$/.test(key))
        expect(codeIn(await read(key))).toBe('INVALID_REQUEST')
    },
  )

  test('is the same with and without quotes', () => {
    expect(parseKey('"8e03978e-40d5"')).toBe(parseKey('8e03978e-40d5'))
  })
})

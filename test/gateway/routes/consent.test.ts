import type { Bundle, Consent } from 'fhir/r4.js'
import { beforeEach, describe, expect, test } from 'vitest'
import { randomId } from 'medledger-chaincode/api'
import { OutcomeUnknown } from '../../../gateway/src/ledger/port.ts'
import { outageOf } from '../../support/gateway-ledger.ts'
import {
  depositAt,
  depositOf,
  grantAt,
  revokeAt,
  testNetwork,
  type TestNetwork,
} from '../../support/gateway-network.ts'
import { consentOf, doctorActor } from '../../support/ledger-samples.ts'
import { people, type User } from '../../support/ledger-world.ts'

type Answer = Awaited<ReturnType<TestNetwork['send']>>

let network: TestNetwork
beforeEach(async () => {
  network = await testNetwork()
})

const subject = { reference: `Patient/${people.maria.handle}` }
const permit = { type: 'permit', actor: [doctorActor('dr.chen')] }
const lodgedWith = (...custodians: string[]): object => ({
  organization: custodians.map((custodian) => ({ reference: `Organization/${custodian}` })),
})
const post = (
  more: object = {},
  user: User = 'maria',
  provision: Readonly<Record<string, unknown>> = permit,
): Promise<Answer> =>
  network.send(user, {
    url: '/fhir/Consent',
    method: 'POST',
    body: { ...consentOf(provision), patient: subject, ...more },
  })
const put = (id: string, more: object = {}, user: User = 'maria'): Promise<Answer> =>
  network.send(user, {
    url: `/fhir/Consent/${id}`,
    method: 'PUT',
    body: { resourceType: 'Consent', status: 'inactive', patient: subject, ...more },
  })
const codeOf = (answer: Answer): unknown =>
  answer.json<{ issue: { details: { coding: { code: string }[] } }[] }>().issue[0]?.details.coding[0]?.code

/** What became of a change, custodian by custodian. */
const resultsIn = (answer: Answer): Record<string, string | undefined> =>
  Object.fromEntries(
    (answer.json<Consent>().extension ?? []).map(({ extension: [custodian, result] = [] }) => [
      custodian?.valueString,
      result?.valueCode ?? result?.url,
    ]),
  )
async function list(user: User = 'maria'): Promise<Consent[]> {
  const answer = await network.send(user, { url: `/fhir/Consent?patient=${people[user].handle}` })
  return (answer.json<Bundle<Consent>>().entry ?? []).flatMap(({ resource, search }) =>
    search?.mode === 'match' && resource !== undefined ? [resource] : [],
  )
}

describe('a consent', () => {
  test('is lodged with every custodian unless it names some', async () => {
    const answer = await post()
    expect(answer.statusCode).toBe(201)
    expect(resultsIn(answer)).toEqual({ north: 'entry', south: 'entry' })
    expect(String(answer.headers['x-medledger-entry']).split(', ')).toHaveLength(2)
    expect(answer.headers.location).toBe(`/fhir/Consent/${answer.json<Consent>().id}`)
    expect(resultsIn(await post(lodgedWith('south')))).toEqual({ south: 'entry' })
    expect(resultsIn(await post(lodgedWith('south', 'south')))).toEqual({ south: 'entry' })
  })

  test('has an id that the gateway gives it, whatever it says itself', async () => {
    const { id } = (await post({ id: 'ab'.repeat(16), extension: [{ url: 'x' }] })).json<Consent>()
    expect(id).toMatch(/^[0-9a-f]{32}$/)
    expect(id).not.toBe('ab'.repeat(16))
  })

  test.each(['west', 'constructor', '../north', ''])(
    'lodged with %j, which is no custodian, changes nothing',
    async (custodian) => {
      const before = network.ledger.blocks.length
      expect(codeOf(await post(lodgedWith('north', custodian)))).toBe('INVALID_REQUEST')
      expect(network.ledger.blocks.length).toBe(before)
    },
  )

  test('that a custodian did not take is answered with 202, which says where to repeat it', async () => {
    network.ledger.fault = outageOf(({ custodian }) => custodian === 'north')
    const answer = await post()
    expect(answer.statusCode).toBe(202)
    expect(resultsIn(answer)).toEqual({ north: 'LEDGER_UNAVAILABLE', south: 'entry' })
  })

  test('whose outcome at a custodian is unknown says where to ask for it', async () => {
    network.ledger.afterCommit = ({ custodian }, transactionId) =>
      custodian === 'north' ? new OutcomeUnknown(transactionId) : undefined
    const answer = await post()
    network.ledger.afterCommit = () => undefined
    expect(answer.statusCode).toBe(202)
    expect(resultsIn(answer)).toEqual({ north: 'OUTCOME_UNKNOWN', south: 'entry' })
    const statuses = (answer.json<Consent>().extension ?? []).map(
      ({ extension = [] }) => extension.find(({ url }) => url === 'status')?.valueUrl,
    )
    expect(statuses).toEqual([
      expect.stringMatching(/^\/v1\/requests\/consent-north\/[0-9a-f]{32}$/),
      undefined,
    ])
    const status = await network.send('maria', { url: statuses[0] ?? '' })
    expect(status.json()).toMatchObject({ state: 'committed' })
  })

  test('that no custodian took is an error', async () => {
    network.ledger.fault = outageOf(({ name }) => name === 'GrantConsent')
    const answer = await post()
    expect([answer.statusCode, codeOf(answer)]).toEqual([503, 'LEDGER_UNAVAILABLE'])
    expect(answer.headers.location).toBeUndefined()
  })

  test('that meets an unexpected fault at one custodian tells no words of it, in answer or log', async () => {
    network.ledger.fault = ({ custodian }) => (custodian === 'north' ? new Error('Lindqvist') : undefined)
    const answer = await post()
    expect(resultsIn(answer)).toEqual({ north: 'INTERNAL', south: 'entry' })
    expect(answer.body + network.gateways.authority.lines.join('')).not.toContain('Lindqvist')
  })

  test('that cannot be understood is refused with all of its faults, and changes nothing', async () => {
    const before = network.ledger.blocks.length
    const answer = await post({ implicitRules: 'x' }, 'maria', { type: 'maybe', dataPeriod: {}, purpose: [] })
    expect(codeOf(answer)).toBe('INVALID_REQUEST')
    for (const fault of [
      'Consent.implicitRules',
      'provision.dataPeriod',
      'provision.type',
      'provision.purpose',
    ])
      expect(answer.body).toContain(fault)
    expect(network.ledger.blocks.length).toBe(before)
  })

  test('is a patient’s about herself, and nobody else’s', async () => {
    expect(codeOf(await post({}, 'tomas'))).toBe('FORBIDDEN')
    for (const user of ['dr.okafor', 'auditor.lee', 'records.north', 'operator.authority'] as const)
      expect(codeOf(await post({}, user))).toBe('FORBIDDEN')
    expect(await list()).toEqual([])
  })
})

describe('a revocation', () => {
  test('reaches every custodian that holds the consent, and any other too', async () => {
    const everywhere = await grantAt(network, 'maria', permit)
    const answer = await put(everywhere)
    expect([answer.statusCode, resultsIn(answer)]).toEqual([200, { north: 'entry', south: 'entry' }])
    const { id = '' } = (await post(lodgedWith('south'))).json<Consent>()
    expect(resultsIn(await put(id))).toEqual({ north: 'entry', south: 'entry' })
  })

  test('goes through any organisation’s gateway', async () => {
    const consent = await grantAt(network, 'maria', permit)
    const body = { resourceType: 'Consent', status: 'inactive', patient: subject }
    const answer = await network.send('maria', {
      url: `/fhir/Consent/${consent}`,
      method: 'PUT',
      body,
      through: 'south',
    })
    expect(answer.statusCode).toBe(200)
  })

  test('that a custodian did not take is answered with 202, and can be repeated until it has', async () => {
    const consent = await grantAt(network, 'maria', permit)
    network.ledger.fault = outageOf(({ custodian }) => custodian === 'south')
    const partial = await put(consent)
    expect([partial.statusCode, resultsIn(partial)]).toEqual([
      202,
      { north: 'entry', south: 'LEDGER_UNAVAILABLE' },
    ])
    network.ledger.fault = () => undefined
    const complete = await put(consent)
    expect([complete.statusCode, resultsIn(complete)]).toEqual([200, { north: 'entry', south: 'entry' }])
  })

  test('reaches them all, whatever the Consent says that was read while one of them was away', async () => {
    const consent = await grantAt(network, 'maria', permit)
    const answer = await put(consent, lodgedWith('south'))
    expect([answer.statusCode, resultsIn(answer)]).toEqual([200, { north: 'entry', south: 'entry' }])
  })

  test('is done at once and for good, though a grant whose outcome is unknown may come after it', async () => {
    const keyed = (): Promise<Answer> =>
      network.send('maria', {
        url: '/fhir/Consent',
        method: 'POST',
        body: { ...consentOf(permit), patient: subject },
        headers: { 'idempotency-key': 'once' },
      })
    const [document = ''] = await depositAt(network, 'north', 'maria', [depositOf('letter')])
    const seen = async (): Promise<number> =>
      (await network.send('dr.chen', { url: `/fhir/Bundle/${document}` })).statusCode
    network.ledger.fault = outageOf(({ name, custodian }) => name === 'GrantConsent' && custodian === 'north')
    const { id = '' } = (await keyed()).json<Consent>()
    network.ledger.fault = () => undefined
    expect([(await put(id)).statusCode, await seen()]).toEqual([200, 403])
    const again = await keyed()
    expect([again.statusCode, again.json<Consent>().status, resultsIn(again)]).toEqual([
      202,
      'inactive',
      { north: 'CONFLICT', south: 'entry' },
    ])
    expect(await seen()).toBe(403)
    expect(await list()).toMatchObject([{ id, status: 'inactive' }])
  })

  test('is what a repeat of the grant answers, whichever gateway the revocation went through', async () => {
    const keyed = (): Promise<Answer> =>
      network.send('maria', {
        url: '/fhir/Consent',
        method: 'POST',
        body: { ...consentOf(permit), patient: subject },
        headers: { 'idempotency-key': 'once' },
      })
    const { id = '' } = (await keyed()).json<Consent>()
    expect((await keyed()).json<Consent>().status).toBe('active')
    const body = { resourceType: 'Consent', status: 'inactive', patient: subject }
    await network.send('maria', { url: `/fhir/Consent/${id}`, method: 'PUT', body, through: 'south' })
    const again = await keyed()
    expect([again.statusCode, again.json<Consent>().status, again.json<Consent>().id]).toEqual([
      201,
      'inactive',
      id,
    ])
    network.ledger.fault = outageOf(({ name }) => name === 'ReadGrant')
    expect(codeOf(await keyed())).toBe('LEDGER_UNAVAILABLE')
  })

  test('of a chosen default policy brings the constitution’s back', async () => {
    const { provision: _none, ...policy } = consentOf()
    const coding = [{ system: 'urn:medledger:default-policy', code: 'deny' }]
    const { id = '' } = (
      await post({ ...policy, provision: undefined, policyRule: { coding } })
    ).json<Consent>()
    expect(await list()).toMatchObject([{ id, status: 'active' }])
    expect((await put(id)).statusCode).toBe(200)
    expect(await list()).toMatchObject([{ id, status: 'inactive' }])
  })

  test('is the only change: whatever else a PUT asks for is refused', async () => {
    const consent = await grantAt(network, 'maria', permit)
    for (const status of ['active', 'draft', 'proposed', '', 'INACTIVE'])
      expect(codeOf(await put(consent, { status }))).toBe('INVALID_REQUEST')
    expect((await put(consent, { status: 'entered-in-error' })).statusCode).toBe(200)
  })

  test('of what is unknown or of somebody else’s changes nothing that is in force', async () => {
    const consent = await grantAt(network, 'maria', permit)
    expect((await put(randomId())).statusCode).toBe(200)
    expect(codeOf(await put('x'))).toBe('INVALID_REQUEST')
    expect(codeOf(await put(consent, {}, 'tomas'))).toBe('FORBIDDEN')
    const his = { patient: { reference: `Patient/${people.tomas.handle}` } }
    expect((await put(consent, his, 'tomas')).statusCode).toBe(200)
    expect((await list())[0]?.status).toBe('active')
  })
})

describe('a patient’s list of consents', () => {
  test('has each consent once, in the order of granting, with the custodians that hold it', async () => {
    const first = await grantAt(network, 'maria', permit)
    const { id: second } = (await post(lodgedWith('south'))).json<Consent>()
    const third = await grantAt(network, 'maria', { type: 'deny' })
    await revokeAt(network, 'maria', first)
    network.ledger.fault = outageOf(({ custodian }) => custodian === 'south')
    await put(third)
    network.ledger.fault = () => undefined
    const held = (await list()).map(({ id, status, organization = [] }) => [
      id,
      status,
      organization.map(({ reference }) => reference),
    ])
    expect(held).toEqual([
      [first, 'inactive', ['Organization/north', 'Organization/south']],
      [second, 'active', ['Organization/south']],
      [third, 'active', ['Organization/south']],
    ])
  })

  test('is hers alone', async () => {
    await grantAt(network, 'maria', permit)
    expect(await list('tomas')).toEqual([])
    const url = `/fhir/Consent?patient=${people.maria.handle}`
    for (const user of ['tomas', 'dr.okafor', 'auditor.lee'] as const)
      expect(codeOf(await network.send(user, { url }))).toBe('FORBIDDEN')
  })

  test('says when a custodian did not answer', async () => {
    await grantAt(network, 'maria', permit)
    network.ledger.fault = outageOf(({ custodian }) => custodian === 'north')
    const answer = await network.send('maria', {
      url: `/fhir/Consent?patient=Patient/${people.maria.handle}`,
    })
    expect(answer.json()).toMatchObject({
      total: 1,
      entry: [{}, { search: { mode: 'outcome' } }, { search: { mode: 'outcome' } }],
    })
    expect(answer.body).toContain('LEDGER_UNAVAILABLE')
  })
})

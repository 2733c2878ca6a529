import type { Bundle } from 'fhir/r4.js'
import { beforeEach, describe, expect, test } from 'vitest'
import { randomId } from 'medledger-chaincode/api'
import { OutcomeUnknown } from '../../../gateway/src/ledger/port.ts'
import { outageOf } from '../../support/gateway-ledger.ts'
import {
  bundleOf,
  depositAt,
  depositOf,
  grantAt,
  revokeAt,
  testNetwork,
  type TestNetwork,
} from '../../support/gateway-network.ts'
import { doctorActor } from '../../support/ledger-samples.ts'

type Answer = Awaited<ReturnType<TestNetwork['send']>>

let network: TestNetwork
let document: string

const readAs = (user: 'dr.chen' | 'dr.okafor' | 'maria' | 'tomas', id: string): Promise<Answer> =>
  network.send(user, { url: `/fhir/Bundle/${id}` })
const search = (ids: readonly string[]): Promise<Answer> =>
  network.send('dr.chen', { url: `/fhir/Bundle?_id=${ids.join(',')}` })
const codeOf = (answer: Answer): unknown =>
  answer.json<{ issue: { details: { coding: { code: string }[] } }[] }>().issue[0]?.details.coding[0]?.code
const permit = { type: 'permit', actor: [doctorActor('dr.chen')] }

beforeEach(async () => {
  network = await testNetwork()
  const [deposited = ''] = await depositAt(network, 'north', 'maria', [depositOf('letter')])
  document = deposited
})

describe('an access to one document', () => {
  test('is refused until the patient permits it, answered while she does, and refused again once she revokes', async () => {
    expect(codeOf(await readAs('dr.chen', document))).toBe('NOT_RELEASED')
    const consent = await grantAt(network, 'maria', permit)
    const answer = await readAs('dr.chen', document)
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['x-medledger-entry']).toMatch(/^[0-9a-f]{32}$/)
    expect(answer.json()).toEqual(bundleOf('letter'))
    await revokeAt(network, 'maria', consent)
    expect((await readAs('dr.chen', document)).statusCode).toBe(403)
  })

  test('is the patient’s own at any time', async () => {
    expect((await readAs('maria', document)).json()).toEqual(bundleOf('letter'))
    expect((await readAs('tomas', document)).statusCode).toBe(403)
  })

  test('looks the same whether the document is restricted, of somebody else, or does not exist', async () => {
    const [his = ''] = await depositAt(network, 'north', 'tomas', [depositOf('his')])
    const answers = [
      await readAs('dr.chen', document),
      await readAs('dr.chen', his),
      await readAs('dr.chen', `north-${randomId()}`),
    ]
    const shown = answers.map(({ statusCode, headers, body }) => {
      const { 'x-request-id': _request, 'x-medledger-entry': entry, date: _date, ...rest } = headers
      expect(entry).toMatch(/^[0-9a-f]{32}$/)
      return { statusCode, body, headers: rest }
    })
    expect(shown[0]?.statusCode).toBe(403)
    expect(shown[1]).toEqual(shown[0])
    expect(shown[2]).toEqual(shown[0])
    const releases = await network.gateways.north.database.selectFrom('releases').selectAll().execute()
    expect(releases).toHaveLength(3)
  })

  test('is denied under a purpose that the patient did not permit, and refused outside of the token’s purposes', async () => {
    const coding = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'TREAT' }
    await grantAt(network, 'maria', { ...permit, purpose: [coding] })
    const url = `/fhir/Bundle/${document}`
    const research = { 'x-purpose-of-use': 'HRESCH' }
    expect(codeOf(await network.send('dr.chen', { url, headers: research }))).toBe('NOT_RELEASED')
    const beyond = await network.send('dr.chen', { url, headers: research, purposes: ['TREAT'] })
    expect(codeOf(beyond)).toBe('FORBIDDEN')
    expect((await network.send('dr.chen', { url, purposes: ['TREAT'] })).statusCode).toBe(200)
  })

  test('is never a HEAD, which would commit it and use up its release', async () => {
    await grantAt(network, 'maria', permit)
    const { token = '' } = await network.world.as('dr.chen')
    const before = network.ledger.blocks.length
    const { app } = network.gateways.south
    const url = `/fhir/Bundle/${document}`
    const { statusCode } = await app.inject({
      method: 'HEAD',
      url,
      headers: { authorization: `Bearer ${token}` },
    })
    expect([statusCode, network.ledger.blocks.length]).toEqual([404, before])
  })

  test('releases nothing while the ledger is away, and says that nothing happened', async () => {
    await grantAt(network, 'maria', permit)
    network.ledger.fault = outageOf(({ name }) => name === 'RequestAccess')
    const answer = await readAs('dr.chen', document)
    expect([answer.statusCode, codeOf(answer), answer.headers['retry-after']]).toEqual([
      503,
      'LEDGER_UNAVAILABLE',
      '2',
    ])
    expect(answer.headers['x-medledger-entry']).toBeUndefined()
  })

  test('whose outcome is unknown releases nothing and says where to ask, which tells what became of it', async () => {
    await grantAt(network, 'maria', permit)
    network.ledger.afterCommit = (_call, transactionId) => new OutcomeUnknown(transactionId)
    const answer = await readAs('dr.chen', document)
    expect([answer.statusCode, codeOf(answer)]).toEqual([202, 'OUTCOME_UNKNOWN'])
    network.ledger.afterCommit = () => undefined
    const status = await network.send('dr.chen', { url: answer.headers.location ?? '' })
    expect(status.json()).toMatchObject({ state: 'committed' })
  })

  test('is on record, and unanswered, while the custodian’s gateway is away', async () => {
    network.away.add('north')
    const answer = await readAs('dr.chen', document)
    expect([answer.statusCode, codeOf(answer)]).toEqual([503, 'CUSTODIAN_UNAVAILABLE'])
    expect(answer.headers['x-medledger-entry']).toMatch(/^[0-9a-f]{32}$/)
  })

  test.each([
    'x',
    `north-${'0'.repeat(31)}`,
    `north-${'G'.repeat(32)}`,
    `NORTH-${'0'.repeat(32)}`,
    `-${'0'.repeat(32)}`,
    `west-${'0'.repeat(32)}`,
    `constructor-${'0'.repeat(32)}`,
  ])('by the id %s is no request, and no entry', async (id) => {
    const before = network.ledger.blocks.length
    const answer = await readAs('dr.chen', id)
    expect([answer.statusCode, codeOf(answer)]).toEqual([400, 'INVALID_REQUEST'])
    expect(network.ledger.blocks.length).toBe(before)
  })

  test.each(['auditor.lee', 'records.north', 'operator.north', undefined] as const)(
    'is not for %s',
    async (user) => {
      const before = network.ledger.blocks.length
      const answer = await network.send(user, { url: `/fhir/Bundle/${document}` })
      expect(answer.statusCode).toBe(user === undefined ? 401 : 403)
      expect(network.ledger.blocks.length).toBe(before)
    },
  )
})

describe('an access to several documents', () => {
  test('answers with those that are permitted, and with the same refusal for each of the others', async () => {
    await grantAt(network, 'maria', permit)
    const [second = ''] = await depositAt(network, 'north', 'maria', [depositOf('second')])
    const unknown = `north-${randomId()}`
    const answer = await search([document, unknown, second])
    const { total, entry = [] } = answer.json<Bundle>()
    expect([answer.statusCode, total]).toEqual([200, 2])
    expect(entry.map(({ search: found }) => found?.mode)).toEqual(['match', 'match', 'outcome', 'outcome'])
    expect(entry[2]?.resource).toMatchObject({ issue: [{ expression: [`Bundle/${unknown}`] }] })
  })

  test('takes fifty, and not fifty-one', async () => {
    const ids = Array.from({ length: 51 }, () => `north-${randomId()}`)
    expect(codeOf(await search(ids.slice(1)))).toBe('NOT_RELEASED')
    expect(codeOf(await search(ids))).toBe('INVALID_REQUEST')
  })

  test('concerns one patient: another’s are refused as if they were not there', async () => {
    await grantAt(network, 'maria', permit)
    const [his = ''] = await depositAt(network, 'north', 'tomas', [depositOf('his')])
    for (const ids of [
      [document, his],
      [his, document],
    ]) {
      const answer = await search(ids)
      expect([answer.statusCode, answer.json<Bundle>().total]).toEqual([200, 1])
      expect(answer.body).toContain(`Bundle/${his}`)
    }
    expect(codeOf(await search([his]))).toBe('NOT_RELEASED')
  })

  test('concerns one custodian and each document once', async () => {
    for (const ids of [
      [document, `south-${randomId()}`],
      [document, document],
      [document, ''],
    ]) {
      expect(codeOf(await search(ids))).toBe('INVALID_REQUEST')
    }
  })
})

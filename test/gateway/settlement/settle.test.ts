import type { LightMyRequestResponse } from 'fastify'
import { beforeEach, describe, expect, test } from 'vitest'
import { MedledgerError } from 'medledger-chaincode/api'
import { OutcomeUnknown } from '../../../gateway/src/ledger/port.ts'
import type { OutboxRow } from '../../../gateway/src/store/index.ts'
import {
  depositAt,
  depositOf,
  grantAt,
  testNetwork,
  type Organisation,
  type TestNetwork,
} from '../../support/gateway-network.ts'
import type { LedgerCall } from '../../support/gateway-ledger.ts'
import { consentOf } from '../../support/ledger-samples.ts'
import { people, type User } from '../../support/ledger-world.ts'

let network: TestNetwork
let document: string
beforeEach(async () => {
  network = await testNetwork()
  const [deposited = ''] = await depositAt(network, 'north', 'maria', [depositOf('letter')])
  document = deposited
  await grantAt(network, 'maria')
})

const isAccess = ({ name }: LedgerCall): boolean => name === 'RequestAccess'
const unknown = (): OutcomeUnknown => new OutcomeUnknown('ab'.repeat(32))
const read = (): Promise<LightMyRequestResponse> =>
  network.send('dr.chen', { url: `/fhir/Bundle/${document}` })
const rowsOf = (organisation: Organisation = 'south'): Promise<OutboxRow[]> =>
  network.gateways[organisation].database.selectFrom('outbox').selectAll().execute()

/** Lets time pass, second by second, while the gateway settles. */
async function settle(seconds = 3, organisation: Organisation = 'south'): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    network.world.now += 1000
    await network.gateways[organisation].settlement.run()
  }
}

async function stateOf(answer: LightMyRequestResponse, user: User = 'dr.chen'): Promise<unknown> {
  const status = await network.send(user, { url: String(answer.headers.location) })
  return status.json<{ state: string }>().state
}

describe('a request', () => {
  test('is in the outbox before anything is sent, and without it nothing is', async () => {
    let before: OutboxRow[] = []
    const { database } = network.gateways.south
    network.ledger.fault = (call) => {
      if (isAccess(call)) void rowsOf().then((rows) => (before = rows))
      return undefined
    }
    expect((await read()).statusCode).toBe(200)
    expect(before).toMatchObject([{ collection: 'access-north', name: 'RequestAccess', state: 'pending' }])
    expect(await rowsOf()).toMatchObject([{ state: 'committed' }])
    await database.schema.dropTable('outbox').execute()
    const calls = network.ledger.calls.filter(isAccess).length
    expect((await read()).statusCode).toBe(500)
    expect(network.ledger.calls.filter(isAccess)).toHaveLength(calls)
  })

  test('that was committed is answered although the outbox cannot note it, and is settled later', async () => {
    const { database } = network.gateways.south
    const rename = (from: string, to: string): Promise<void> =>
      database.schema.alterTable(from).renameTo(to).execute()
    network.ledger.afterCommit = (call) => {
      if (isAccess(call)) away = rename('outbox', 'hidden')
      return undefined
    }
    let away = Promise.resolve()
    expect((await read()).statusCode).toBe(200)
    await away
    await rename('hidden', 'outbox')
    expect(await rowsOf()).toMatchObject([{ state: 'pending' }])
    await settle(25)
    expect(await rowsOf()).toMatchObject([{ state: 'committed' }])
  })

  test('of which nothing was ordered leaves the outbox at once', async () => {
    network.ledger.fault = (call) =>
      isAccess(call) ? new MedledgerError('LEDGER_UNAVAILABLE', 'No.') : undefined
    expect((await read()).statusCode).toBe(503)
    expect(await rowsOf()).toEqual([])
  })

  test('whose answer was lost is settled as committed, and only its owner is told', async () => {
    network.ledger.afterCommit = (call, id) => (isAccess(call) ? new OutcomeUnknown(id) : undefined)
    const answer = await read()
    expect(answer.statusCode).toBe(202)
    await settle()
    expect(await rowsOf()).toMatchObject([
      { state: 'committed', request: answer.headers['x-medledger-entry'] },
    ])
    expect(await stateOf(answer)).toBe('committed')
    for (const other of ['maria', 'auditor.lee'] as const) {
      const status = await network.send(other, { url: String(answer.headers.location), through: 'south' })
      expect(status.json()).toMatchObject({ state: 'unknown' })
    }
  })

  test('that never arrived is cancelled on the ledger, so that it cannot come later', async () => {
    network.ledger.fault = (call) => (isAccess(call) ? unknown() : undefined)
    const answer = await read()
    expect(await stateOf(answer)).toBe('unknown')
    await settle()
    expect(await stateOf(answer)).toBe('cancelled')
    expect(network.ledger.calls.filter(({ name }) => name === 'CancelRequest')).toHaveLength(1)
  })

  test('is settled once, however many gateways settle at the same time', async () => {
    network.ledger.fault = (call) => (isAccess(call) ? unknown() : undefined)
    await Promise.all([read(), read(), read()])
    await network.restart('south')
    const other = network.gateways.south
    await network.restart('south')
    for (let second = 0; second < 4; second += 1) {
      network.world.now += 10_000
      await Promise.all([other.settlement.run(), network.gateways.south.settlement.run()])
    }
    expect((await rowsOf()).map(({ state }) => state)).toEqual(['cancelled', 'cancelled', 'cancelled'])
    const cancelled = network.ledger.blocks.length
    await settle(5)
    expect(network.ledger.blocks).toHaveLength(cancelled)
  })

  test('waits for the ledger, and is settled within seconds of its return', async () => {
    network.ledger.afterCommit = (call, id) => (isAccess(call) ? new OutcomeUnknown(id) : undefined)
    const answer = await read()
    network.ledger.fault = ({ through }) =>
      through === 'south' ? new MedledgerError('LEDGER_UNAVAILABLE', 'No.') : undefined
    await settle(120)
    expect(await rowsOf()).toMatchObject([{ state: 'pending' }])
    network.ledger.fault = () => undefined
    await settle(10)
    expect(await stateOf(answer)).toBe('committed')
  })

  test('is looked at at once when the own peer is heard of again', async () => {
    network.ledger.afterCommit = (call, id) => (isAccess(call) ? new OutcomeUnknown(id) : undefined)
    await read()
    network.ledger.connected = false
    network.ledger.fault = () => new MedledgerError('LEDGER_UNAVAILABLE', 'No.')
    await settle(30)
    network.ledger.fault = () => undefined
    network.ledger.connected = true
    await network.gateways.south.settlement.run()
    expect(await rowsOf()).toMatchObject([{ state: 'committed' }])
  })

  test.each([
    ['before it reached the ledger', 'fault', 'cancelled'],
    ['before its answer came', 'afterCommit', 'committed'],
  ] as const)('whose gateway died %s is settled by the next', async (_when, hook, state) => {
    network.ledger[hook] = (call: LedgerCall) => (isAccess(call) ? 'hangs' : undefined)
    void read()
    await expect.poll(async () => (await rowsOf()).length).toBe(1)
    await expect.poll(() => network.ledger.calls.some(isAccess)).toBe(true)
    network.ledger[hook] = () => undefined
    await network.restart('south')
    await network.gateways.south.settlement.start()
    await settle()
    await network.gateways.south.settlement.stop()
    expect(await rowsOf()).toMatchObject([{ state }])
  })

  test('in flight is left alone by the settler of its own process', async () => {
    network.ledger.fault = (call) => (isAccess(call) ? 'hangs' : undefined)
    void read()
    await expect.poll(() => network.ledger.calls.some(isAccess)).toBe(true)
    network.ledger.connected = false
    await network.gateways.south.settlement.run()
    network.ledger.connected = true
    await settle(60)
    expect(await rowsOf()).toMatchObject([{ state: 'pending' }])
    expect(network.ledger.calls.some(({ name }) => name === 'CancelRequest')).toBe(false)
  })

  test('that was settled is forgotten after a day, when the ledger still knows it', async () => {
    const answer = await read()
    network.world.now += 25 * 60 * 60 * 1000
    const { settlement } = network.gateways.south
    await settlement.start()
    await settlement.stop()
    expect(await rowsOf()).toEqual([])
    const url = `/v1/requests/access-north/${String(answer.headers['x-medledger-entry'])}`
    expect((await network.send('dr.chen', { url })).json()).toMatchObject({ state: 'committed' })
    expect((await network.send('dr.okafor', { url })).json()).toMatchObject({ state: 'unknown' })
  })

  test('leaves neither ids of people nor outcomes in the log while it is settled', async () => {
    network.ledger.fault = ({ through }) => (through === 'south' ? unknown() : undefined)
    await settle(5)
    const text = network.gateways.south.lines.join('')
    for (const told of [people.maria.handle, people['dr.chen'].handle, document, 'dr.chen'])
      expect(text).not.toContain(told)
  })
})

describe('a change of consent', () => {
  test('that is unknown everywhere says for each placement where to ask', async () => {
    network.ledger.afterCommit = ({ name }, id) =>
      name === 'GrantConsent' ? new OutcomeUnknown(id) : undefined
    const body = {
      ...consentOf({ type: 'permit' }),
      patient: { reference: `Patient/${people.maria.handle}` },
    }
    const answer = await network.send('maria', { url: '/fhir/Consent', method: 'POST', body })
    expect(answer.statusCode).toBe(202)
    const { extension } = answer.json<{ extension: { extension: { url: string; valueUrl?: string }[] }[] }>()
    const addresses = extension.flatMap((placement) =>
      placement.extension.flatMap(({ url, valueUrl }) => (url === 'status' && valueUrl ? [valueUrl] : [])),
    )
    expect(addresses).toHaveLength(2)
    await settle(3, 'authority')
    for (const url of addresses)
      expect((await network.send('maria', { url })).json()).toMatchObject({ state: 'committed' })
  })
})

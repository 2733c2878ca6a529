import * as fc from 'fast-check'
import type { LightMyRequestResponse } from 'fastify'
import { expect, test } from 'vitest'
import { MedledgerError } from 'medledger-chaincode/api'
import { OutcomeUnknown } from '../../../gateway/src/ledger/port.ts'
import { rowsOf, type LogRow } from '../../support/clinic.ts'
import type { LedgerCall } from '../../support/gateway-ledger.ts'
import {
  depositAt,
  depositOf,
  grantAt,
  testNetwork,
  type TestNetwork,
  type TestRequest,
} from '../../support/gateway-network.ts'
import { consentOf } from '../../support/ledger-samples.ts'
import { people, type User } from '../../support/ledger-world.ts'

/** What happens to the submissions of one event, and to its gateway. */
const faults = ['none', 'unavailable', 'never arrives', 'answer lost', 'dies before', 'dies after'] as const
const operations = ['read', 'search', 'grant'] as const

interface Event {
  readonly operation: (typeof operations)[number]
  readonly key: number
  /** Sent at the same time. */
  readonly copies: number
  readonly fault: (typeof faults)[number]
  /** Whether the gateway is started anew afterwards. */
  readonly restart: boolean
  /** Whether queries find no ledger meanwhile. */
  readonly blind: boolean
  readonly pauseMs: number
}

const event: fc.Arbitrary<Event> = fc.record({
  operation: fc.constantFrom(...operations),
  key: fc.integer({ min: 0, max: 1 }),
  copies: fc.integer({ min: 1, max: 3 }),
  fault: fc.constantFrom(...faults),
  restart: fc.boolean(),
  blind: fc.boolean(),
  pauseMs: fc.constantFrom(0, 1500, 25_000),
})

interface Actor {
  readonly user: User
  readonly gateway: 'south' | 'authority'
  readonly transaction: string
  readonly request: TestRequest
}

function actorsOf(document: string): Readonly<Record<Event['operation'], Actor>> {
  const { handle } = people.maria
  const doctor = { user: 'dr.chen', gateway: 'south' } as const
  const body = { ...consentOf({ type: 'permit' }), patient: { reference: `Patient/${handle}` } }
  return {
    read: { ...doctor, transaction: 'RequestAccess', request: { url: `/fhir/Bundle/${document}` } },
    search: {
      ...doctor,
      transaction: 'RecordReading',
      request: { url: `/fhir/DocumentReference?patient=${handle}` },
    },
    grant: {
      user: 'maria',
      gateway: 'authority',
      transaction: 'GrantConsent',
      request: { url: '/fhir/Consent', method: 'POST', body },
    },
  }
}

type Sent = { readonly event: number; readonly answer: LightMyRequestResponse }

/** Sends what an event says under its faults; answers that never come are not waited for. */
async function play(network: TestNetwork, actor: Actor, event: Event, index: number): Promise<Sent[]> {
  const { ledger } = network
  const died = Promise.withResolvers<undefined>()
  const hang = (): 'hangs' => {
    died.resolve(undefined)
    return 'hangs'
  }
  const isHit = (call: LedgerCall): boolean => call.mode === 'submit' && call.name === actor.transaction
  ledger.fault = (call) => {
    if (event.blind && call.mode === 'evaluate' && call.name === 'ReadRequest')
      return new MedledgerError('LEDGER_UNAVAILABLE', 'No peer answers.')
    if (!isHit(call)) return undefined
    if (event.fault === 'unavailable') return new MedledgerError('LEDGER_UNAVAILABLE', 'No peer answers.')
    if (event.fault === 'never arrives') return new OutcomeUnknown('ab'.repeat(32))
    return event.fault === 'dies before' ? hang() : undefined
  }
  ledger.afterCommit = (call, id) => {
    if (!isHit(call)) return undefined
    if (event.fault === 'answer lost') return new OutcomeUnknown(id)
    return event.fault === 'dies after' ? hang() : undefined
  }
  const headers = { 'idempotency-key': `key-${event.key}` }
  const sending = Array.from({ length: event.copies }, () =>
    network.send(actor.user, { ...actor.request, headers }),
  )
  const answers = await Promise.race([Promise.all(sending), died.promise])
  if (answers === undefined || event.restart) await network.restart(actor.gateway)
  ledger.fault = () => undefined
  ledger.afterCommit = () => undefined
  return (answers ?? []).map((answer) => ({ event: index, answer }))
}

async function settleAll({ gateways, world }: TestNetwork): Promise<void> {
  for (let round = 0; round < 4; round += 1) {
    world.now += 10_000
    for (const { settlement, records } of Object.values(gateways)) {
      await settlement.run()
      await records.settle()
    }
  }
}

const outboxOf = (network: TestNetwork, gateway: 'south' | 'authority') =>
  network.gateways[gateway].database.selectFrom('outbox').selectAll().execute()

function requireTrue(
  rows: readonly LogRow[],
  sent: readonly Sent[],
  outbox: Awaited<ReturnType<typeof outboxOf>>,
): void {
  const names = rows.map(({ custodian, entry }) => `${custodian}/${entry}`)
  expect(new Set(names).size).toBe(names.length)
  const logged = new Set(rows.map(({ entry }) => entry))
  for (const { state, request } of outbox) {
    expect(state).not.toBe('pending')
    expect([request, logged.has(request)]).toEqual([request, state === 'committed'])
  }
  for (const { answer } of sent.filter(({ answer }) => answer.statusCode < 202))
    for (const entry of entriesOf(answer)) expect(logged).toContain(entry)
  requireOneRelease(rows, sent)
}

const entriesOf = ({ headers }: LightMyRequestResponse): string[] =>
  String(headers['x-medledger-entry'] ?? '').split(', ')

/** One entry's content was given in answers of one event only, and each release is on record once. */
function requireOneRelease(rows: readonly LogRow[], sent: readonly Sent[]): void {
  const given = sent.filter(
    ({ answer }) => answer.statusCode === 200 && answer.json<{ type: string }>().type === 'document',
  )
  const byEntry = Map.groupBy(given, ({ answer }) => entriesOf(answer)[0] ?? '')
  for (const { entry, kind } of rows) {
    const events = new Set(byEntry.get(entry)?.map(({ event }) => event))
    const releases = rows.filter((row) => row.kind === 'release' && row.of === entry)
    expect(events.size).toBeLessThanOrEqual(kind === 'access' ? 1 : 0)
    expect(releases.length).toBeLessThanOrEqual(kind === 'access' ? 1 : 0)
    expect(releases.length).toBeGreaterThanOrEqual(events.size)
  }
  for (const entry of byEntry.keys()) expect(rows.map((row) => row.entry)).toContain(entry)
}

test('whatever is lost, repeated or killed, each request is on the ledger at most once and its outcome is known', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 8 }), async (events) => {
      const network = await testNetwork()
      const [document = ''] = await depositAt(network, 'north', 'maria', [depositOf('letter')])
      await grantAt(network, 'maria')
      const actors = actorsOf(document)
      const sent: Sent[] = []
      for (const [index, each] of events.entries()) {
        sent.push(...(await play(network, actors[each.operation], each, index)))
        network.world.now += each.pauseMs
        await network.gateways[actors[each.operation].gateway].settlement.run()
      }
      await settleAll(network)
      const log = await network.send('maria', { url: `/fhir/AuditEvent?patient=${people.maria.handle}` })
      const rows = rowsOf(log.json())
      const outbox = [...(await outboxOf(network, 'south')), ...(await outboxOf(network, 'authority'))]
      const reading = new Set(String(log.headers['x-medledger-entry']).split(', '))
      requireTrue(
        rows,
        sent,
        outbox.filter(({ request }) => !reading.has(request)),
      )
      for (const operation of ['read', 'search', 'grant'] as const) {
        const keys = new Set(events.filter((each) => each.operation === operation).map(({ key }) => key))
        const kind = { read: 'access', search: 'search', grant: 'consent' }[operation]
        const placements = operation === 'read' ? 1 : 2
        // One grant was made before the schedule began.
        const before = operation === 'grant' ? 2 : 0
        const found = rows.filter((row) => row.kind === kind)
        expect(found.length).toBeLessThanOrEqual(keys.size * placements + before)
      }
    }),
    { numRuns: 30 },
  )
}, 120_000)

import type { AuditEvent, Bundle, DocumentReference, FhirResource } from 'fhir/r4.js'
import { beforeEach, describe, expect, test } from 'vitest'
import { randomId } from 'medledger-chaincode/api'
import { entryExtension, type LogRow } from '../../../gateway/src/fhir/audit-event.ts'
import { outageOf } from '../../support/gateway-ledger.ts'
import {
  depositAt,
  depositOf,
  grantAt,
  testNetwork,
  type TestNetwork,
} from '../../support/gateway-network.ts'
import { doctorActor } from '../../support/ledger-samples.ts'
import { operatorOf, people, type User } from '../../support/ledger-world.ts'

type Answer = Awaited<ReturnType<TestNetwork['send']>>

let network: TestNetwork
let documents: string[]

const get = (user: User | undefined, type: string): Promise<Answer> =>
  network.send(user, { url: `/fhir/${type}?patient=${people.maria.handle}` })
const matches = <Resource extends FhirResource>(answer: Answer): Resource[] =>
  (answer.json<Bundle<Resource>>().entry ?? []).flatMap(({ resource, search }) =>
    search?.mode === 'match' && resource !== undefined ? [resource] : [],
  )
const rows = (answer: Answer): LogRow[] =>
  matches<AuditEvent>(answer).map(({ extension = [] }) => {
    const found = extension.find(({ url }) => url === entryExtension)
    return JSON.parse(found?.valueString ?? '{}') as LogRow
  })

beforeEach(async () => {
  network = await testNetwork()
  documents = [
    ...(await depositAt(network, 'north', 'maria', [
      depositOf('old', { date: '2020-01-01' }),
      depositOf('new', { date: '2026-01-01' }),
    ])),
    ...(await depositAt(network, 'south', 'maria', [depositOf('middle', { date: '2023-05' })])),
  ]
  await grantAt(network, 'maria', { type: 'permit', actor: [doctorActor('dr.chen')] })
})

describe('a search for documents', () => {
  test('finds those of every custodian, the newest first, and is an entry with each', async () => {
    const answer = await get('dr.chen', 'DocumentReference')
    const [old, newest, middle] = documents
    expect(matches<DocumentReference>(answer).map(({ id }) => id)).toEqual([newest, middle, old])
    expect(String(answer.headers['x-medledger-entry']).split(', ')).toHaveLength(2)
  })

  test('finds nothing that the asker could not read, and answers all the same', async () => {
    expect(matches(await get('dr.okafor', 'DocumentReference'))).toEqual([])
    expect(matches(await get('maria', 'DocumentReference'))).toHaveLength(3)
    const nobody = await network.send('dr.okafor', { url: `/fhir/DocumentReference?patient=${randomId()}` })
    expect(nobody.statusCode).toBe(200)
  })

  test('lists what the others have when a custodian does not answer, and says so', async () => {
    network.ledger.fault = outageOf(({ custodian }) => custodian === 'north')
    const answer = await get('dr.chen', 'DocumentReference')
    expect(matches(answer).map(({ id }) => id)).toEqual([documents[2]])
    expect(answer.body).toContain('LEDGER_UNAVAILABLE')
    network.ledger.fault = ({ custodian }) => (custodian === 'north' ? new Error('Lindqvist') : undefined)
    expect((await get('dr.chen', 'DocumentReference')).body).not.toContain('Lindqvist')
  })

  test('is an error when no custodian answers', async () => {
    network.ledger.fault = outageOf(({ custodian }) => custodian !== undefined)
    expect((await get('dr.chen', 'DocumentReference')).statusCode).toBe(503)
  })

  test('names the committed entry of itself, of a block that the peer must hold', async () => {
    await get('dr.chen', 'DocumentReference')
    const queries = network.ledger.calls.filter(({ name }) => name === 'ListDocuments')
    expect(queries).toHaveLength(2)
    for (const { minimumBlock } of queries) expect(minimumBlock).toBeGreaterThanOrEqual(0)
  })
})

describe('the log of a patient', () => {
  test('shows in the order of the chain who did what, by name, and what was delivered', async () => {
    const [document = ''] = documents
    await network.send('dr.okafor', { url: `/fhir/Bundle/${document}` })
    await network.send('dr.chen', { url: `/fhir/Bundle/${document}` })
    await network.gateways.north.records.settle()
    const found = rows(await get('maria', 'AuditEvent'))
    const places = found.map(({ block, position }) => block * 1000 + position)
    expect(places).toEqual(places.toSorted((one, other) => one - other))
    const accesses = found.filter(({ kind }) => kind === 'access')
    expect(accesses).toMatchObject([
      {
        person: 'dr.okafor',
        organisation: 'north',
        outcome: 'deny',
        delivered: false,
        documents: [{ id: document, outcome: 'deny' }],
      },
      { person: 'dr.chen', organisation: 'south', outcome: 'permit', delivered: true, purpose: 'TREAT' },
    ])
    expect(found.filter(({ kind }) => kind === 'consent')).toHaveLength(2)
    expect(found.find(({ kind, outcome }) => kind === 'release' && outcome === 'permit')?.of).toBe(
      accesses[1]?.entry,
    )
    expect(found.filter(({ kind }) => kind === 'log')).toHaveLength(2)
  })

  test('names who acted as she was called then, whatever she is called later', async () => {
    const [document = ''] = documents
    const read = (): Promise<Answer> => network.send('dr.chen', { url: `/fhir/Bundle/${document}` })
    await read()
    const { handle: person, role } = people['dr.chen']
    const { issuer = '' } = network.world.issuers.get('south') ?? {}
    const renamed = { person, issuer, subject: 'dr.chen', name: 'Dr Wei Chen-Novak', role }
    await network.world.submit('RegisterPerson', renamed, operatorOf('south'))
    await read()
    const accesses = rows(await get('maria', 'AuditEvent')).filter(({ kind }) => kind === 'access')
    expect(accesses.map((row) => row.person)).toEqual(['dr.chen', 'Dr Wei Chen-Novak'])
  })

  test('is asked of the own peer first, and of the custodian’s only after all others', async () => {
    const askedFor = (): unknown[] =>
      network.ledger.calls
        .filter(({ name, custodian }) => name === 'ListEntries' && custodian === 'north')
        .map(({ organisations }) => organisations)
    await get('maria', 'AuditEvent')
    const order = ['authority', 'south', 'north']
    expect(askedFor()).toEqual([order, order])
    const url = `/fhir/AuditEvent?patient=${people.maria.handle}`
    await network.send('maria', { url, through: 'north' })
    for (const asked of askedFor().slice(2)) expect(asked).toMatchObject({ 0: 'north', length: 3 })
    expect(askedFor()).toHaveLength(4)
  })

  test('is for her and for auditors, whose looks are entries too', async () => {
    expect((await get('auditor.lee', 'AuditEvent')).statusCode).toBe(200)
    const looks = rows(await get('maria', 'AuditEvent')).filter(({ kind }) => kind === 'log')
    expect(looks.map(({ person }) => person)).toContain('auditor.lee')
    for (const user of ['tomas', 'dr.chen', 'records.north', undefined] as const) {
      expect((await get(user, 'AuditEvent')).statusCode).toBe(user === undefined ? 401 : 403)
    }
  })
})

describe('a request whose outcome was unknown', () => {
  const statusOf = (user: User, request: string, collection = 'access-north'): Promise<Answer> =>
    network.send(user, { url: `/v1/requests/${collection}/${request}` })

  test('is told to the one who made it, and unknown to everybody else', async () => {
    const [document = ''] = documents
    const { headers } = await network.send('dr.chen', { url: `/fhir/Bundle/${document}` })
    const request = String(headers['x-medledger-entry'])
    // And not how it was decided.
    const committed = { request, state: 'committed', entry: request }
    expect((await statusOf('dr.chen', request)).json()).toEqual(committed)
    for (const other of ['dr.okafor', 'maria', 'auditor.lee'] as const)
      expect((await statusOf(other, request)).json()).toEqual({ request, state: 'unknown' })
    const none = randomId()
    expect((await statusOf('dr.chen', none)).json()).toEqual({ request: none, state: 'unknown' })
  })

  test('is asked for in a collection that there is', async () => {
    for (const collection of ['registry', 'access-west', 'access-constructor', 'access-', 'other-north'])
      expect((await statusOf('dr.chen', randomId(), collection)).statusCode).toBe(400)
  })
})

describe('a gateway', () => {
  test('says without a token that it runs, whether it can serve, and what it can do', async () => {
    const app = (url: string): Promise<Answer> => network.send(undefined, { url })
    expect((await app('/healthz')).json()).toEqual({ healthy: true })
    const ready = await app('/readyz')
    expect([ready.statusCode, ready.json()]).toMatchObject([
      200,
      { ready: true, organisation: 'north', assurance: 'attested' },
    ])
    network.ledger.connected = false
    expect((await app('/readyz')).statusCode).toBe(503)
    expect((await app('/fhir/metadata')).json()).toMatchObject({
      resourceType: 'CapabilityStatement',
      fhirVersion: '4.0.1',
      status: 'active',
    })
  })

  test('writes no address, handle, token or name into its log, whatever is asked of it', async () => {
    const [document = ''] = documents
    for (const user of ['dr.chen', 'maria', 'auditor.lee'] as const) {
      for (const type of ['DocumentReference', 'AuditEvent', 'Consent']) await get(user, type)
      await network.send(user, { url: `/fhir/Bundle/${document}` })
    }
    network.ledger.fault = () => new Error(`Lindqvist of ${people.maria.handle}`)
    await get('maria', 'AuditEvent')
    const lines = Object.values(network.gateways)
      .flatMap((gateway) => gateway.lines)
      .join('')
    expect(lines).toContain('"route":"/fhir/Bundle/:id"')
    for (const { handle } of Object.values(people)) expect(lines).not.toContain(handle)
    for (const told of [
      ...documents,
      ...Object.keys(people).filter((name) => name.includes('.')),
      'eyJ',
      'Lindqvist',
      'patient=',
    ])
      expect(lines).not.toContain(told)
    expect(lines).not.toMatch(/"(permit|deny|NOT_RELEASED)"/)
    expect(network.world.logged).toEqual([])
  })
})

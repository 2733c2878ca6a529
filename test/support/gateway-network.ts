import { Writable } from 'node:stream'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import type { Constitution } from 'medledger-chaincode/api'
import { pino } from 'pino'
import { createApp, type Operation } from '../../gateway/src/app.ts'
import { createAuthenticate } from '../../gateway/src/authenticate.ts'
import { createLedgerKeys, createTokenCache, followKeyChanges } from '../../gateway/src/identity/index.ts'
import { GatewayError } from '../../gateway/src/error.ts'
import { createClient } from '../../gateway/src/ledger/client.ts'
import { createLog, type Log } from '../../gateway/src/log.ts'
import { createGive, type Give } from '../../gateway/src/release/give.ts'
import { keepReleases, type ReleaseRecords } from '../../gateway/src/release/records.ts'
import type { OpenApiDocument } from '../../gateway/src/openapi/index.ts'
import type { Services } from '../../gateway/src/services.ts'
import { openSettlement, type Settlement } from '../../gateway/src/settlement/index.ts'
import {
  createBatch,
  keepPositions,
  openDatabase,
  openProjection,
  openIdempotencyKeys,
  openKeyDatabase,
  openOutbox,
  sqliteDialect,
  type Database,
  type KeyDatabase,
  type Projection,
} from '../../gateway/src/store/index.ts'
import { createVault, createVaultKeys } from '../../gateway/src/vault/index.ts'
import { memoryLedger, type MemoryLedger } from './gateway-ledger.ts'
import { documented, type Objection } from './openapi.ts'
import { consentOf } from './ledger-samples.ts'
import { demoWorld, people, type User, type World } from './ledger-world.ts'

export type Organisation = 'north' | 'south' | 'authority'

/** A gateway's log in memory: what it wrote, line by line. */
export function capturedLog(organisation = 'north'): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString('utf8'))
      done()
    },
  })
  return { log: createLog(organisation, pino({ base: { organisation } }, stream)), lines }
}

/** One organisation's gateway over the ledger in memory, with the parts that a test wants to look at. */
export interface TestGateway {
  readonly app: FastifyInstance
  readonly services: Services
  readonly database: Database
  readonly records: ReleaseRecords
  readonly settlement: Settlement
  readonly give: Give
  readonly lines: readonly string[]
}

/** The gateways of all organisations over one ledger; releases go from one to another without sockets. */
export interface TestNetwork {
  readonly world: World
  readonly ledger: MemoryLedger
  readonly gateways: Readonly<Record<Organisation, TestGateway>>
  /** Custodians whose gateway does not answer the others. */
  readonly away: Set<string>
  /** Begins a gateway anew on its databases; what the one before it was doing goes on as long as it can. */
  restart(organisation: Organisation): Promise<void>
  /** A request of somebody through a gateway, her own organisation's unless another is named. Its answer must be as documented. */
  send(user: User | undefined, request: TestRequest): Promise<LightMyRequestResponse>
}

export interface TestRequest {
  readonly url: string
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly through?: Organisation
  readonly purposes?: string[]
}

/** On the demonstration's constitution, or on another one of the same organisations; each gateway is run as told. */
export async function testNetwork(
  constitution?: Constitution,
  operation: Operation = {},
): Promise<TestNetwork> {
  const world = await demoWorld(constitution)
  const ledger = memoryLedger(world)
  const away = new Set<string>()
  const givers = new Map<string, Give>()
  const stored = new Map<string, Databases>()
  const ask = (own: string): Services['ask'] =>
    Object.assign(
      async (custodian: string, release: Parameters<Give>[0]) => {
        const give = givers.get(custodian)
        if (give === undefined || away.has(custodian))
          throw new GatewayError('CUSTODIAN_UNAVAILABLE', 'The custodian does not answer.')
        return give(release, own)
      },
      { close: async () => {} },
    )
  const open = async (own: Organisation): Promise<TestGateway> => {
    const databases = stored.get(own) ?? (await openDatabases())
    stored.set(own, databases)
    const gateway = await openGateway(own, { world, ledger, ask: ask(own), databases, operation })
    givers.set(own, gateway.give)
    return gateway
  }
  const gateways = {
    north: await open('north'),
    south: await open('south'),
    authority: await open('authority'),
  }
  const document = (await gateways.north.app.inject('/openapi.json')).json<OpenApiDocument>()
  const object = documented(document)
  return {
    world,
    ledger,
    gateways,
    away,
    async restart(organisation) {
      gateways[organisation] = await open(organisation)
    },
    async send(user, { url, method = 'GET', body, headers, through, purposes }) {
      const own = through ?? (user === undefined ? 'north' : people[user].organisation)
      const { token } = user
        ? await world.as(user, { through: own, ...(purposes !== undefined && { purposes }) })
        : {}
      const answer = await gateways[own].app.inject({
        url,
        method,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/fhir+json' }),
          ...headers,
        },
        ...(body !== undefined && { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      requireDocumented(object, `${method} ${url}`, answer)
      return answer
    },
  }
}

interface Databases {
  readonly database: Database
  readonly keyDatabase: KeyDatabase
  readonly projection: Projection
}

const openDatabases = async (): Promise<Databases> => ({
  database: await openDatabase(sqliteDialect(':memory:')),
  keyDatabase: await openKeyDatabase(sqliteDialect(':memory:')),
  projection: await openProjection(sqliteDialect(':memory:')),
})

function requireDocumented(object: Objection, asked: string, answer: LightMyRequestResponse): void {
  const [method = '', url = ''] = asked.split(' ', 2)
  const { statusCode: status, headers, body } = answer
  const objection = object(method, url, { status, type: headers['content-type'] ?? '', body })
  if (objection !== undefined) throw new Error(objection)
}

interface Surroundings {
  readonly world: World
  readonly ledger: MemoryLedger
  readonly ask: Services['ask']
  readonly databases: Databases
  readonly operation: Operation
}

async function openGateway(
  own: Organisation,
  { world, ledger, ask, operation, databases: { database, keyDatabase, projection } }: Surroundings,
): Promise<TestGateway> {
  const { constitution } = world
  const organisation = constitution.organisations.find(({ name }) => name === own)
  if (organisation === undefined) throw new RangeError(`no organisation ${own}`)
  const { log, lines } = capturedLog(own)
  const now = (): number => world.now
  const transport = ledger.transportOf(own)
  const direct = createClient(transport, constitution, own)
  const keys = createVaultKeys(keyDatabase, Buffer.alloc(32, own))
  const vault = createVault(database, keys, own)
  const positions = await keepPositions(projection, transport)
  const batch = createBatch(database)
  const digest = (purpose: string, value: string): string => keys.digest(purpose, value)
  const observe = (): void => {}
  const settlement = openSettlement({
    client: direct,
    outbox: openOutbox(database, batch),
    keys: openIdempotencyKeys(batch),
    blockOf: async (id) => (await positions.find([id])).get(id)?.block,
    digest,
    now,
    observe,
    height: () => transport.height(),
    log: (event, fields) => log.event(event, fields),
  })
  const { client } = settlement
  const records = keepReleases({
    database,
    client: direct,
    custodian: own,
    digest,
    log: (event, fields) => log.event(event, fields),
    observe,
  })
  const give = createGive({
    custodian: own,
    client: direct,
    transport,
    vault,
    records,
    zone: 'UTC',
    now,
    observe,
  })
  const changes = followKeyChanges(transport)
  const keyOf = createLedgerKeys({
    client: direct,
    own,
    others: constitution.organisations.map(({ name }) => name).filter((name) => name !== own),
    changes,
    now,
  })
  const cache = createTokenCache({ changes, now })
  const authenticate = createAuthenticate({ constitution, organisation, keyOf, cache, now })
  const services = {
    constitution,
    organisation,
    authenticate,
    client,
    transport,
    positions,
    settlement,
    vault,
    idempotencyKeys: openIdempotencyKeys(batch),
    digest,
    ask,
    log,
    now,
  }
  const app = await createApp(services, operation)
  return { app, services, database, records, settlement, give, lines }
}

/** A minimal FHIR document. */
export const bundleOf = (text: string): Record<string, unknown> => ({
  resourceType: 'Bundle',
  type: 'document',
  entry: [{ resource: { resourceType: 'Composition', title: text } }],
})

/** One document of a request to `POST /v1/documents`. */
export const depositOf = (
  source: string,
  more: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> => ({
  source,
  type: { system: 'http://loinc.org', code: '34133-9' },
  date: '2025-11-03',
  bundle: bundleOf(source),
  ...more,
})

/** Deposits documents of a patient with a custodian and answers with their ids. */
export async function depositAt(
  network: TestNetwork,
  custodian: 'north' | 'south',
  patient: User,
  documents: readonly Record<string, unknown>[],
): Promise<string[]> {
  const answer = await network.send(`records.${custodian}`, {
    url: '/v1/documents',
    method: 'POST',
    body: { patient: people[patient].handle, documents },
  })
  const { documents: kept } = answer.json<{ documents: { id: string }[] }>()
  return kept.map(({ id }) => id)
}

/** Lodges a patient's Consent with every custodian and answers with its id. */
export async function grantAt(
  network: TestNetwork,
  patient: User,
  provision: Readonly<Record<string, unknown>> = { type: 'permit' },
): Promise<string> {
  const body = { ...consentOf(provision), patient: { reference: `Patient/${people[patient].handle}` } }
  const answer = await network.send(patient, { url: '/fhir/Consent', method: 'POST', body })
  return answer.json<{ id: string }>().id
}

/** Revokes a patient's Consent everywhere. */
export async function revokeAt(network: TestNetwork, patient: User, consent: string): Promise<void> {
  const subject = { reference: `Patient/${people[patient].handle}` }
  const body = { resourceType: 'Consent', status: 'inactive', patient: subject }
  await network.send(patient, { url: `/fhir/Consent/${consent}`, method: 'PUT', body })
}

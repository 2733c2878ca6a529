import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newDocument, newPatient, organisation, type TestPatient } from '../../support/clinic.ts'
import { startInstance, type RunningInstance } from '../../support/instance.ts'
import { addressOf, codeOf, openNetwork, send, type Network } from '../../support/network.ts'
import { preparedOf, startOwnGateway, type OwnGateway } from '../../support/own-gateway.ts'
import { poll } from '../../support/poll.ts'
import { testPort } from '../../support/ports.ts'
import { administer, findPostgres, startPostgres, type TestPostgres } from '../../support/postgres.ts'

const found = findPostgres()
if (typeof found === 'string') process.stderr.write(`A gateway is not tested on PostgreSQL: ${found}.\n`)

let data: string
let server: TestPostgres
let instance: RunningInstance
let network: Network
let patient: TestPatient
let custodian: OwnGateway
let asker: OwnGateway

const names = ['north', 'north_keys', 'south', 'south_keys']
const urlOf = (name: string): string => `postgres://medledger@127.0.0.1:${server.port}/${name}`
const settingsOf = (name: string): Record<string, string> => ({
  MEDLEDGER_DATABASE: urlOf(name),
  MEDLEDGER_KEY_DATABASE: urlOf(`${name}_keys`),
})

describe.skipIf(typeof found === 'string')('gateways whose databases are in PostgreSQL', () => {
  beforeAll(async () => {
    server = await startPostgres(testPort(530))
    for (const name of names) await administer(server, `create database ${name}`)
    data = await mkdtemp(join(tmpdir(), 'medledger-on-postgres-'))
    instance = await startInstance(data, ['--no-demo', '--port', String(testPort(540))])
    const prepared = await preparedOf(data)
    custodian = await startOwnGateway(prepared, 'north', settingsOf('north'))
    asker = await startOwnGateway(prepared, 'south', settingsOf('south'))
    network = await openNetwork(addressOf(data))
    patient = await newPatient(network)
    await patient.grant({ type: 'permit', actor: [organisation('south'), organisation('north')] })
  })
  afterAll(async () => {
    custodian?.signal('SIGKILL')
    asker?.signal('SIGKILL')
    await instance?.interrupt()
    await server?.remove()
    if (data !== undefined) await rm(data, { recursive: true, force: true })
  })

  const count = async (database: string, sql: string): Promise<unknown> =>
    administer(server, `select count(*)::int as n from ${sql}`, database)
  const readiness = async (name: string): Promise<unknown> => {
    const { status, body } = await send(network, name, '/readyz')
    return [status, body.database, body.keyDatabase]
  }

  test('give a document, and have its place on the chain, its release and the outbox there', async () => {
    const document = await newDocument(network, patient.handle, 'north')
    const answer = await network.ask('dr.chen', `/fhir/Bundle/${document}`)
    expect([answer.status, answer.body.resourceType]).toEqual([200, 'Bundle'])
    expect(await count('north', 'documents where registered = 1')).toEqual([{ n: 1 }])
    expect(await count('north_keys', 'patient_keys')).toEqual([{ n: 1 }])
    expect(await count('south', "outbox where state = 'committed'")).toEqual([{ n: 1 }])
    const { block, position } = await poll('the place of the access', async () =>
      (await patient.log()).find(({ entry }) => entry === answer.entries[0]),
    )
    expect(await count('south', `transactions where block = ${block} and position = ${position}`)).toEqual([
      { n: 1 },
    ])
    await poll('the release to be recorded', async () => {
      const recorded = await count('north', 'releases where recorded = 1')
      return JSON.stringify(recorded) === '[{"n":1}]' || undefined
    })
  })

  test('say that they are not ready while it is away, and go on by themselves when it has come back', async () => {
    const document = await newDocument(network, patient.handle, 'north')
    const read = () => network.ask('dr.chen', `/fhir/Bundle/${document}`)
    const works = { works: true }
    expect(await readiness('south')).toEqual([200, works, works])
    await server.stop()
    expect(await readiness('south')).toEqual([503, { works: false }, { works: false }])
    const refused = await read()
    expect([refused.status, codeOf(refused)]).toEqual([503, 'NOT_READY'])
    await server.start()
    await poll('readiness', async () => (await send(network, 'south', '/readyz')).status === 200 || undefined)
    await poll('readiness', async () => (await send(network, 'north', '/readyz')).status === 200 || undefined)
    expect((await read()).status).toBe(200)
    expect([custodian.exitCode(), asker.exitCode()]).toEqual([undefined, undefined])
    expect(asker.log()).toContain('"event":"database.lost"')
    expect(asker.log()).not.toContain('"event":"fault"')
  })
})

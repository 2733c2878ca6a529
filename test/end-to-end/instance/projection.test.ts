import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { portsOf, type Topology } from '../../../scripts/network/topology.ts'
import { filesBelow } from '../../support/canary.ts'
import { newDocument, newPatient, organisation, type TestPatient } from '../../support/clinic.ts'
import { startInstance, type RunningInstance } from '../../support/instance.ts'
import { addressOf, openNetwork, send, type Answer, type Network } from '../../support/network.ts'
import { preparedOf, startOwnGateway } from '../../support/own-gateway.ts'
import { poll } from '../../support/poll.ts'
import { testPort } from '../../support/ports.ts'

let data: string
let instance: RunningInstance
let network: Network
let patient: TestPatient

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'medledger-projection-'))
  // South is no member of North's placement there.
  instance = await startInstance(data, ['--topology', 'narrow', '--port', String(testPort(560)), '--no-demo'])
  network = await openNetwork(addressOf(data))
  patient = await newPatient(network)
  await newDocument(network, patient.handle, 'north')
  await newDocument(network, patient.handle, 'south')
  await patient.grant({ type: 'permit', actor: [organisation('south')] })
})
afterAll(async () => {
  await instance.interrupt()
  await rm(data, { recursive: true, force: true })
})

/** How many lists a gateway has answered since its start, by who answered them. */
async function listsAt(name: string): Promise<{ projection: number; peer: number }> {
  const { topology } = JSON.parse(readFileSync(join(data, 'instance.json'), 'utf8')) as {
    readonly topology: Topology
  }
  const response = await fetch(`http://127.0.0.1:${portsOf(topology, name).metrics}/metrics`)
  const text = await response.text()
  const count = (source: string): number =>
    Number(
      new RegExp(`^medledger_lists_total\\{source="${source}"[^}]*\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0,
    )
  return { projection: count('projection'), peer: count('peer') }
}

/** What an action adds to these counts. */
async function added(name: string, action: () => Promise<unknown>): Promise<typeof before> {
  const before = await listsAt(name)
  await action()
  const after = await listsAt(name)
  return { projection: after.projection - before.projection, peer: after.peer - before.peer }
}

const readings = ['DocumentReference', 'Consent', 'AuditEvent'] as const

async function lookAt(kind: (typeof readings)[number]): Promise<Answer> {
  const answer = await patient.ask(`/fhir/${kind}?patient=${patient.handle}`)
  expect(answer.status, answer.text).toBe(200)
  return answer
}

/** Runs something on the file of the authority's projection while its gateway is stopped. */
const whileStopped = (action: (file: string) => unknown): Promise<unknown> =>
  network.without('gateway-authority', async () => {
    const files = filesBelow(data).filter((path) => path.includes('authority'))
    await action(files.find((path) => path.endsWith('projection.sqlite')) ?? '')
  })

const change =
  (statement: string) =>
  (file: string): void => {
    const database = new DatabaseSync(file)
    database.exec(statement)
    database.close()
  }

const ready = (projection: boolean): Promise<Answer> =>
  poll('the gateway to be back', async () => {
    const answer = await send(network, 'authority', '/readyz').catch(() => undefined)
    return answer?.status === 200 && answer.body.projection?.works === projection ? answer : undefined
  })

describe("a gateway's projection", () => {
  test.each(readings)('answers a look at every %s where the own peer is a member', async (kind) => {
    const lists = kind === 'AuditEvent' ? 4 : 2
    expect(await added('authority', () => lookAt(kind))).toEqual({ projection: lists, peer: 0 })
  })

  test('leaves the lists of a placement to its members where the own peer is none', async () => {
    const search = async (): Promise<void> => {
      const answer = await network.ask('dr.chen', `/fhir/DocumentReference?patient=${patient.handle}`)
      expect(answer.status).toBe(200)
      expect(answer.text).toContain('north-')
      expect(answer.text).toContain('south-')
    }
    expect(await added('south', search)).toEqual({ projection: 1, peer: 1 })
  })

  test('is made anew when it is gone, and answers the same', async () => {
    const before = await lookAt('Consent')
    await whileStopped(async (file) => {
      for (const path of [file, `${file}-wal`, `${file}-shm`]) await rm(path, { force: true })
    })
    await ready(true)
    await poll('lists from the projection', async () =>
      (await added('authority', () => lookAt('Consent'))).peer === 0 ? true : undefined,
    )
    expect((await lookAt('Consent')).body.entry).toEqual(before.body.entry)
  })

  test('stops where the chain is another one, says so, holds up nobody, and is made anew when that is asked for', async () => {
    await whileStopped(change(`update projected set block_hash = 'another'`))
    const answer = await ready(false)
    expect(answer.body).toMatchObject({ ready: true, degraded: true })
    for (const kind of readings)
      expect((await added('authority', () => lookAt(kind))).projection, kind).toBe(0)
    const gateway = await startOwnGateway(await preparedOf(data), 'authority', {
      MEDLEDGER_PROJECTION_REBUILD: 'true',
    })
    try {
      expect(gateway.log()).toContain('"event":"projection.rebuilding","reason":"asked"')
      await ready(true)
      await poll('lists from the projection', async () =>
        (await added('authority', () => lookAt('AuditEvent'))).peer === 0 ? true : undefined,
      )
    } finally {
      gateway.signal('SIGTERM')
      await poll('its end', () => (gateway.exitCode() === undefined ? undefined : true))
    }
  })
})

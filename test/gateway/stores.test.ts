import type { FastifyInstance } from 'fastify'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { createApp } from '../../gateway/src/app.ts'
import type { Config, DatabaseLocation } from '../../gateway/src/config/index.ts'
import { probesOf } from '../../gateway/src/probes.ts'
import type { Services } from '../../gateway/src/services.ts'
import { DatabaseUnavailable } from '../../gateway/src/store/index.ts'
import { openStores, type Stores } from '../../gateway/src/stores.ts'
import { capturedLog } from '../support/gateway-network.ts'
import { demoConstitution } from '../support/ledger-world.ts'
import { poll } from '../support/poll.ts'
import { testPort } from '../support/ports.ts'
import { administer, locationOf, startPostgres, type TestPostgres } from '../support/postgres.ts'

const organisation = demoConstitution.organisations[0] as Config['organisation']
let server: TestPostgres
let logged: unknown[]
let opened: Stores[]

const log = {
  event: (event: string, fields: object = {}): void => {
    logged.push({ event, ...fields })
  },
}

/** On databases of the server of these names. */
async function open(
  names: {
    readonly database?: string
    readonly keys?: string
    readonly more?: Partial<DatabaseLocation>
  } = {},
  forMs = 20_000,
): Promise<Stores> {
  const { database = 'content', keys = 'keys', more } = names
  const postgres = {
    database: { ...locationOf(server, database), ...more },
    keyDatabase: locationOf(server, keys),
    authority: undefined,
  }
  const config = { dataDirectory: '/nowhere', masterKey: Buffer.alloc(32, 7), organisation, postgres }
  const stores = await openStores(config, log, { forMs, everyMs: 50 })
  opened.push(stores)
  return stores
}

// Where there is no PostgreSQL, `setup-postgres.ts` says so.
describe.skipIf(inject('postgres') === null)('the stores in PostgreSQL', () => {
  beforeAll(async () => {
    server = await startPostgres(testPort(520))
  })
  afterAll(() => server?.remove())
  beforeEach(async () => {
    logged = []
    opened = []
    for (const name of ['content', 'keys']) {
      await administer(server, `drop database if exists ${name} with (force)`)
      await administer(server, `create database ${name}`)
    }
  })
  afterEach(() => Promise.all(opened.map((stores) => stores.close())))

  const deposit = {
    patient: 'e1'.repeat(16),
    source: 's',
    description: { type: { system: 'http://loinc.org', code: '11502-2' }, date: '2026-05-04' },
    content: { a: 1 },
  }

  test('keep what they were given, each in its own database', async () => {
    const before = await open()
    const { registration } = await before.vault.deposit(deposit)
    const after = await open()
    expect(await after.vault.read(registration)).toEqual(deposit.content)
    expect(await administer(server, 'select count(*)::int as n from documents', 'content')).toEqual([
      { n: 1 },
    ])
    expect(await administer(server, 'select count(*)::int as n from patient_keys', 'keys')).toEqual([
      { n: 1 },
    ])
  })

  test('are waited for, which is told once for each reason', async () => {
    await administer(server, 'drop database content')
    await server.stop()
    const opening = open()
    const reasons = (): string[] =>
      logged.map((line) => JSON.stringify(line)).filter((line) => line.includes('database.awaited'))
    await poll('a line of the log', () => reasons()[0])
    await server.start()
    await poll('another reason', () => reasons().find((line) => line.includes('3D000')))
    await administer(server, 'create database content')
    expect(await (await opening).outbox.pending()).toBe(0)
    const told = reasons()
    expect(told[0]).toBe('{"event":"database.awaited","setting":"MEDLEDGER_DATABASE","code":"ECONNREFUSED"}')
    expect(new Set(told).size).toBe(told.length)
  })

  test('that do not come are given up with what to do', async () => {
    await expect(open({ database: 'nowhere' }, 0)).rejects.toThrow(
      'MEDLEDGER_DATABASE: the server has no database of this name: create it, with the encoding UTF8 (3D000).',
    )
    await server.stop()
    try {
      await expect(open({}, 1000)).rejects.toThrow(
        'MEDLEDGER_DATABASE: no database has answered for 1 s: start it, or correct the address (ECONNREFUSED).',
      )
    } finally {
      await server.start()
    }
  })

  test('that refuse the user are not waited for', async () => {
    await expect(open({ more: { user: 'nobody' } })).rejects.toThrow(
      'MEDLEDGER_DATABASE: the server refuses this user or password: correct them (28000).',
    )
    await administer(server, `create role reader login`)
    await expect(open({ more: { user: 'reader' } })).rejects.toThrow(
      'MEDLEDGER_DATABASE: the user may not create tables there: make it the owner of the database (42501).',
    )
    await administer(server, 'drop role reader')
    expect(JSON.stringify(logged)).not.toContain('database.awaited')
  })

  test('that are not two are refused, and so is one of a newer version', async () => {
    await expect(open({ keys: 'content' })).rejects.toThrow(
      /^MEDLEDGER_KEY_DATABASE: The database is of a newer version than this one, or of another kind \(it has 002, 003\)/,
    )
    const at = `'2030-01-01T00:00:00.000Z'`
    await administer(server, `insert into projection_migration values ('003', ${at})`, 'content')
    await expect(open()).rejects.toThrow(/^MEDLEDGER_DATABASE: The database is of a newer version/)
  })

  test('that take no writes, as a standby, are not ready, and are not migrated', async () => {
    await administer(server, 'alter database content set default_transaction_read_only = on')
    await expect(open({}, 0)).rejects.toThrow(
      'MEDLEDGER_DATABASE: the server is a standby, which takes no writes: name the primary (25006).',
    )
    await administer(server, 'alter database content reset default_transaction_read_only')
    await (await open()).close()
    opened.pop()
    await administer(server, 'alter database content set default_transaction_read_only = on')
    const stores = await open()
    const probes = probesOf({ exchange: {} } as Config, stores)
    expect([await probes['database']?.(), await probes['keyDatabase']?.()]).toEqual([false, true])
    await expect(stores.outbox.wake(0)).rejects.toThrow(DatabaseUnavailable)
  })

  test('whose server is away turn /readyz to 503, and back when it has come back', async () => {
    const stores = await open()
    const config = { certificate: '', exchange: { certificate: '' } } as Config
    const { certificates: _, ...probes } = probesOf(config, stores)
    const app = await appWith(probes)
    const readiness = async (): Promise<unknown> => {
      const answer = await app.inject('/readyz')
      const { database, keyDatabase } = answer.json<Record<string, unknown>>()
      return [answer.statusCode, database, keyDatabase]
    }
    expect(await readiness()).toEqual([200, { works: true }, { works: true }])
    await server.stop()
    expect(await readiness()).toEqual([503, { works: false }, { works: false }])
    await server.start()
    expect(await readiness()).toEqual([200, { works: true }, { works: true }])
    expect(logged).toContainEqual({ event: 'database.lost', setting: 'MEDLEDGER_DATABASE', code: '57P01' })
    server.freeze()
    try {
      expect(await readiness()).toEqual([503, { works: false }, { works: false }])
    } finally {
      server.thaw()
    }
    await poll('readiness', async () => ((await app.inject('/readyz')).statusCode === 200 ? true : undefined))
  })
})

function appWith(probes: ReturnType<typeof probesOf>): Promise<FastifyInstance> {
  const services = {
    constitution: demoConstitution,
    organisation,
    transport: { height: () => ({ blocks: 0, connected: true }), waitForBlock: async () => {} },
    log: capturedLog().log,
  }
  return createApp(services as unknown as Services, { probes })
}

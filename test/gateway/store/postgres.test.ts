import { Kysely, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import {
  DatabaseUnavailable,
  isUnavailable,
  postgresDialect,
  type PostgresOptions,
} from '../../../gateway/src/store/index.ts'
import { createAuthority, issueLeaf, type IssuedPair } from '../../../scripts/network/certificates.ts'
import { locationOf, startPostgres, type TestPostgres } from '../../support/postgres.ts'
import { poll } from '../../support/poll.ts'
import { testPort } from '../../support/ports.ts'

type Some = Kysely<Record<string, Record<string, unknown>>>

let server: TestPostgres
let authority: IssuedPair
const opened: Some[] = []

// Where there is no PostgreSQL, `setup-postgres.ts` says so.
describe.skipIf(inject('postgres') === null)('a PostgreSQL server', () => {
  beforeAll(async () => {
    authority = await createAuthority({ commonName: 'ca', organisation: 'north' }, Date.now())
    const subject = { commonName: 'db', organisation: 'north' }
    const certificate = await issueLeaf(authority, { subject, hosts: ['127.0.0.1'] }, Date.now())
    server = await startPostgres(testPort(510), certificate)
  })
  afterAll(async () => {
    await Promise.all(opened.map((one) => one.destroy()))
    await server?.remove()
  })

  const open = (options?: PostgresOptions): Some => {
    const database: Some = new Kysely({
      dialect: postgresDialect(locationOf(server, 'postgres'), options),
    })
    opened.push(database)
    return database
  }
  const ask = async (database: Pick<Some, 'getExecutor'>): Promise<unknown> =>
    (await sql<{ one: number }>`select 1 as one`.execute(database)).rows[0]?.one
  const sleepFor = (database: Pick<Some, 'getExecutor'>, seconds: number): Promise<unknown> =>
    sql`select pg_sleep(${seconds}::int)`.execute(database)

  test('that is restarted fails what is under way, and is used again afterwards by the same process', async () => {
    const lost: string[] = []
    const database = open({ onLost: (code) => lost.push(code) })
    // One connection idles, one waits for its answer, one is within a transaction and says nothing.
    const { promise: goOn, resolve } = Promise.withResolvers<void>()
    const [begun, running] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const silent = database.transaction().execute(async (transaction) => {
      await ask(transaction)
      begun.resolve()
      await goOn
      await ask(transaction)
    })
    const waiting = database.connection().execute(async (connection) => {
      await ask(connection)
      running.resolve()
      await sleepFor(connection, 4)
    })
    await Promise.all([begun.promise, running.promise, ask(database)])
    const ends = Promise.allSettled([silent, waiting])
    await server.stop()
    resolve()
    expect((await ends).map((end) => end.status === 'rejected' && isUnavailable(end.reason))).toEqual([
      true,
      true,
    ])
    await expect(ask(database)).rejects.toMatchObject({ name: 'DatabaseUnavailable', code: 'ECONNREFUSED' })
    await server.start()
    expect(await ask(database)).toBe(1)
    expect(lost).toContain('57P01')
  })

  test('that hangs makes nobody wait for long, and no connection that hung is used again', async () => {
    const database = open({ statementMs: 100, size: 1 })
    expect(await ask(database)).toBe(1)
    server.freeze()
    try {
      const began = performance.now()
      // The one that waits for an answer, the one that waits for a place in the pool, and one that connects anew.
      const ends = await Promise.allSettled([ask(database), ask(database)])
      expect(ends.map((end) => end.status === 'rejected' && isUnavailable(end.reason))).toEqual([true, true])
      await expect(ask(database)).rejects.toThrow(DatabaseUnavailable)
      expect(performance.now() - began).toBeLessThan(12_000)
    } finally {
      server.thaw()
    }
    expect(await poll('an answer', () => ask(database).catch(() => undefined))).toBe(1)
  })

  test('ends a statement that takes too long, and a place in a full pool is waited for in vain only so long', async () => {
    const database = open({ statementMs: 200, size: 1 })
    await expect(sleepFor(database, 5)).rejects.toMatchObject({ code: '57014' })
    const { promise: goOn, resolve } = Promise.withResolvers<void>()
    const holder = database.connection().execute(() => goOn)
    await expect(ask(database)).rejects.toMatchObject({ code: 'NO_ANSWER' })
    resolve()
    await holder
    expect(await ask(database)).toBe(1)
  })

  test('that refuses what it is asked is not taken for one that does not answer', async () => {
    const error: unknown = await sql`select from nowhere`.execute(open()).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: '42P01' })
    expect(isUnavailable(error)).toBe(false)
  })

  test('is known by its certificate, where there is an authority', async () => {
    const encrypted = async (options: PostgresOptions): Promise<unknown> => {
      const { rows } = await sql<{ ssl: boolean }>`
        select ssl from pg_stat_ssl where pid = pg_backend_pid()
      `.execute(open(options))
      return rows
    }
    expect(await encrypted({ authority: authority.certificate })).toEqual([{ ssl: true }])
    expect(await encrypted({})).toEqual([{ ssl: false }])
    const other = await createAuthority({ commonName: 'ca', organisation: 'north' }, Date.now())
    await expect(encrypted({ authority: other.certificate })).rejects.toThrow(/certificate|signature/)
  })

  test('whose certificate is of another name is refused', async () => {
    const location = { ...locationOf(server, 'postgres'), host: 'localhost' }
    const database: Some = new Kysely({
      dialect: postgresDialect(location, { authority: authority.certificate }),
    })
    opened.push(database)
    await expect(ask(database)).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  })
})

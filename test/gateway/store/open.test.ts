import { Kysely, sql, type Dialect } from 'kysely'
import { afterEach, describe, expect, inject, test } from 'vitest'
import {
  openDatabase,
  openKeyDatabase,
  openProjection,
  postgresDialect,
  type Database,
  type Projection,
} from '../../../gateway/src/store/index.ts'
import { dialects, emptyOn, freshDatabase } from '../../support/dialects.ts'
import { administer } from '../../support/postgres.ts'

interface Opened {
  destroy(): Promise<void>
}

const opened: Opened[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.destroy()))
})

/** Opens something that is closed after the test. */
async function held<Some extends Opened>(opening: Promise<Some>): Promise<Some> {
  const one = await opening
  opened.push(one)
  return one
}

describe.each(dialects)('a database on $name', (dialect) => {
  test('is brought to the newest schema once; opened again, it holds what it held', async () => {
    const open = await dialect.database()
    const first = await openProjection(open())
    await first.insertInto('progress').values({ id: 1, blocks: 7 }).execute()
    await first.destroy()
    const again = await held(openProjection(open()))
    expect(await again.selectFrom('progress').selectAll().execute()).toEqual([{ id: 1, blocks: 7 }])
  })

  test('of keys has a schema of its own, without a place for content', async () => {
    const keys = await held(openKeyDatabase(await emptyOn(dialect)))
    const tables = await keys.introspection.getTables()
    expect(tables.map(({ name }) => name)).toEqual(['patient_keys'])
    const database = await held(openDatabase(await emptyOn(dialect)))
    const others = await database.introspection.getTables()
    expect(others.map(({ name }) => name)).not.toContain('patient_keys')
  })

  test('that another program has written with the same migration names but other tables is not opened', async () => {
    const open = await dialect.database()
    const keys = await openKeyDatabase(open())
    await keys.schema.createTable('documents').addColumn('x', 'text').execute()
    await keys.deleteFrom('kysely_migration' as never).execute()
    await keys.destroy()
    await expect(openDatabase(open())).rejects.toThrow(/could not be opened/)
  })

  test('that a newer version has written, or that is of another kind, is refused and left as it was', async () => {
    const open = await dialect.database()
    const newer = await openDatabase(open())
    const row = { name: '999', timestamp: new Date().toISOString() }
    await newer
      .insertInto('kysely_migration' as never)
      .values(row)
      .execute()
    await newer.destroy()
    await expect(openDatabase(open())).rejects.toThrow(
      'The database is of a newer version than this one, or of another kind (it has 999): start the newer version, or ' +
        'name another database.',
    )
    await expect(openKeyDatabase(open())).rejects.toThrow('(it has 002, 003, 999)')
    const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(
      await held(openRaw(open())),
    )
    expect(rows.map(({ name }) => name)).toEqual(['001', '002', '003', '999'])
  })

  test('commits nothing of a transaction that fails', async () => {
    const database = await held(openProjection(await emptyOn(dialect)))
    const row = { id: 1, blocks: 7 }
    await expect(
      database.transaction().execute(async (transaction) => {
        await transaction.insertInto('progress').values(row).execute()
        throw new Error('crash')
      }),
    ).rejects.toThrow('crash')
    expect(await database.selectFrom('progress').selectAll().execute()).toEqual([])
  })

  test('gives wide integers and counts as numbers, and none that a number cannot hold', async () => {
    const database = await held(openProjection(await emptyOn(dialect)))
    const blocks = Number.MAX_SAFE_INTEGER
    await database.insertInto('progress').values({ id: 1, blocks }).execute()
    expect(await database.selectFrom('progress').select('blocks').execute()).toEqual([{ blocks }])
    const counted = database.selectFrom('progress').select(({ fn }) => fn.countAll().as('count'))
    expect(await counted.execute()).toEqual([{ count: 1 }])
    await sql`update progress set blocks = 9007199254740993`.execute(database)
    await expect(database.selectFrom('progress').select('blocks').execute()).rejects.toThrow(RangeError)
    expect(await counted.execute()).toEqual([{ count: 1 }])
  })
})

/** Without migrations. */
async function openRaw(dialect: Dialect): Promise<Database> {
  return new Kysely({ dialect })
}

const shared = inject('postgres')

describe.skipIf(shared === null)('a database on PostgreSQL alone', () => {
  const address = shared ?? { port: 0 }

  test('is brought to the newest schema once by gateways that start at the same time', async () => {
    const location = await freshDatabase(address)
    const opening = Array.from({ length: 6 }, () =>
      held(openDatabase(postgresDialect(location, { size: 2 }))),
    )
    const [one] = await Promise.all(opening)
    const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(
      one as Database,
    )
    expect(rows).toEqual([{ name: '001' }, { name: '002' }, { name: '003' }])
  })

  test('holds what follows from the blocks too, which counts its migrations by itself', async () => {
    const location = await freshDatabase(address)
    const both = async (): Promise<[Database, Projection]> => [
      await held(openDatabase(postgresDialect(location))),
      await held(openProjection(postgresDialect(location))),
    ]
    await both()
    const [database, projection] = await both()
    expect(await database.selectFrom('releases').selectAll().execute()).toEqual([])
    expect(await projection.selectFrom('progress').selectAll().execute()).toEqual([])
  })

  test('compares text by code points, whatever its language', async () => {
    const location = await freshDatabase(address)
    await held(openDatabase(postgresDialect(location)))
    await held(openProjection(postgresDialect(location)))
    const keys = await freshDatabase(address)
    await held(openKeyDatabase(postgresDialect(keys)))
    const other = `select table_name, column_name from information_schema.columns where table_schema = 'public'
      and data_type = 'text' and collation_name is distinct from 'C'`
    expect(await administer(address, other, location.database)).toEqual([])
    expect(await administer(address, other, keys.database)).toEqual([])
  })

  test('is on the disk when it has answered, unless it can be made anew; whatever the server’s defaults are', async () => {
    const location = await freshDatabase(address)
    const name = location.database
    await administer(address, `alter database ${name} set synchronous_commit = 'local'`)
    await administer(address, `alter database ${name} set default_transaction_isolation = 'serializable'`)
    const shown = async (isReproducible: boolean): Promise<unknown> => {
      const database = await held(openRaw(postgresDialect(location, { isReproducible })))
      const { rows } = await sql`
        select current_setting('synchronous_commit') as sync, current_setting('transaction_isolation') as isolation
      `.execute(database)
      return rows
    }
    expect(await shown(false)).toEqual([{ sync: 'on', isolation: 'read committed' }])
    expect(await shown(true)).toEqual([{ sync: 'off', isolation: 'read committed' }])
  })

  test('is made with the encoding UTF8', async () => {
    const location = await freshDatabase(address)
    await administer(address, `drop database ${location.database}`)
    const other = `encoding 'LATIN1' locale 'C' template template0`
    await administer(address, `create database ${location.database} ${other}`)
    await expect(openDatabase(postgresDialect(location))).rejects.toThrow('another encoding than UTF8')
  })
})

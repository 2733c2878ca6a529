import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  openDatabase,
  openKeyDatabase,
  openProjection,
  sqliteDialect,
} from '../../../gateway/src/store/index.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'medledger-store-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

describe('a database', () => {
  test('is brought to the newest schema once; opened again, it holds what it held', async () => {
    const file = join(directory, 'projection.sqlite')
    const first = await openProjection(sqliteDialect(file, { isReproducible: true }))
    await first.insertInto('progress').values({ id: 1, blocks: 7 }).execute()
    await first.destroy()
    const again = await openProjection(sqliteDialect(file, { isReproducible: true }))
    expect(await again.selectFrom('progress').selectAll().execute()).toEqual([{ id: 1, blocks: 7 }])
    await again.destroy()
  })

  test('of keys has a schema of its own, without a place for content', async () => {
    const keys = await openKeyDatabase(sqliteDialect(':memory:'))
    const tables = await keys.introspection.getTables()
    expect(tables.map(({ name }) => name)).toEqual(['patient_keys'])
    const database = await openDatabase(sqliteDialect(':memory:'))
    const others = await database.introspection.getTables()
    expect(others.map(({ name }) => name)).not.toContain('patient_keys')
  })

  test('that another program has written with the same migration names but other tables is not opened', async () => {
    const file = join(directory, 'mixed.sqlite')
    const keys = await openKeyDatabase(sqliteDialect(file))
    await keys.schema.createTable('documents').addColumn('x', 'text').execute()
    await keys.deleteFrom('kysely_migration' as never).execute()
    await keys.destroy()
    await expect(openDatabase(sqliteDialect(file))).rejects.toThrow(/could not be opened/)
  })

  test('commits nothing of a transaction that fails', async () => {
    const database = await openProjection(sqliteDialect(':memory:'))
    const row = { id: 1, blocks: 7 }
    await expect(
      database.transaction().execute(async (transaction) => {
        await transaction.insertInto('progress').values(row).execute()
        throw new Error('crash')
      }),
    ).rejects.toThrow('crash')
    expect(await database.selectFrom('progress').selectAll().execute()).toEqual([])
  })
})

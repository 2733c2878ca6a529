import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { sha256Hex } from 'medledger-chaincode/api'
import {
  openDatabase,
  openKeyDatabase,
  sqliteDialect,
  type Database,
  type KeyDatabase,
} from '../../../gateway/src/store/index.ts'
import { createVault, createVaultKeys, type Vault } from '../../../gateway/src/vault/index.ts'

const master = Buffer.alloc(32, 7)
const maria = 'e1'.repeat(16)
const tomas = 'e2'.repeat(16)
const id = `north-${'0a'.repeat(16)}`

let database: Database
let keys: KeyDatabase
let vault: Vault

const open = (with_: Uint8Array = master): Vault =>
  createVault(database, createVaultKeys(keys, with_), 'north')

beforeEach(async () => {
  database = await openDatabase(sqliteDialect(':memory:'))
  keys = await openKeyDatabase(sqliteDialect(':memory:'))
  vault = open()
})

describe('a document in the vault', () => {
  test('is read as it was deposited, after a restart too', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.uuid(), async (content, source) => {
        const kept = await vault.deposit({ patient: maria, source, content })
        const expected: unknown = JSON.parse(JSON.stringify(content))
        expect(await vault.read(kept.document, kept.version)).toEqual(expected)
        expect(await open().read(kept.document, kept.version)).toEqual(expected)
      }),
      { numRuns: 30 },
    )
  })

  test('is known by an id that carries its custodian, and by the digest of its ciphertext', async () => {
    const kept = await vault.deposit({ patient: maria, source: 's', content: { a: 1 } })
    expect(kept).toMatchObject({ version: 1, state: 'new' })
    expect(kept.document).toMatch(/^north-[0-9a-f]{32}$/)
    const row = await database.selectFrom('documents').selectAll().executeTakeFirstOrThrow()
    expect(kept.digest).toBe(sha256Hex(row.ciphertext))
  })

  test('has the id that its custodian chose', async () => {
    expect(await vault.deposit({ patient: maria, source: 's', id, content: 1 })).toMatchObject({
      document: id,
    })
  })

  test('cannot be read with another master key, nor in another version, nor by another id', async () => {
    await vault.deposit({ patient: maria, source: 's', id, content: 'secret' })
    await expect(open(Buffer.alloc(32, 8)).read(id, 1)).rejects.toThrow()
    expect(await vault.read(id, 2)).toBeUndefined()
    expect(await vault.read(`${id.slice(0, -1)}b`, 1)).toBeUndefined()
  })

  test('is refused when its ciphertext was exchanged for another one of the same patient, or was changed', async () => {
    const other = await vault.deposit({ patient: maria, source: 'other', content: 'other' })
    await vault.deposit({ patient: maria, source: 's', id, content: 'secret' })
    const { ciphertext } = await database
      .selectFrom('documents')
      .select('ciphertext')
      .where('document', '=', other.document)
      .executeTakeFirstOrThrow()
    const replace = (text: string): Promise<unknown> =>
      database.updateTable('documents').set({ ciphertext: text }).where('document', '=', id).execute()
    await replace(ciphertext)
    await expect(vault.read(id, 1)).rejects.toThrow(/another document/)
    await replace(`${ciphertext.slice(0, -2)}AA`)
    await expect(vault.read(id, 1)).rejects.toThrow()
  })

  test('deposited again unchanged is the same version, whose state says whether the ledger has it', async () => {
    const deposit = { patient: maria, source: 's', content: { b: 2, a: 1 } }
    const first = await vault.deposit(deposit)
    const again = await vault.deposit({ ...deposit, content: { a: 1, b: 2 } })
    expect(again).toEqual(first)
    await vault.confirm([first])
    expect(await vault.deposit(deposit)).toEqual({ ...first, state: 'unchanged' })
  })

  test('deposited with other content is the next version, and the earlier one stays readable', async () => {
    const first = await vault.deposit({ patient: maria, source: 's', content: 'one' })
    await vault.confirm([first])
    const second = await vault.deposit({ patient: maria, source: 's', content: 'two' })
    expect(second).toMatchObject({ document: first.document, version: 2, state: 'replaces' })
    expect(await vault.read(first.document, 1)).toBe('one')
    expect(await vault.read(first.document, 2)).toBe('two')
    await vault.confirm([second])
    expect((await vault.deposit({ patient: maria, source: 's', content: 'one' })).version).toBe(3)
  })

  test('that never reached the ledger is overwritten by a changed one', async () => {
    const first = await vault.deposit({ patient: maria, source: 's', content: 'one' })
    const second = await vault.deposit({ patient: maria, source: 's', content: 'two' })
    expect(second).toMatchObject({ document: first.document, version: 1, state: 'new' })
    expect(second.digest).not.toBe(first.digest)
    expect(await vault.read(first.document, 1)).toBe('two')
  })

  test('that the ledger has is never overwritten, and an id never passes to another patient or source', async () => {
    const deposit = { patient: maria, source: 's', id, content: 'hers' }
    const refused = expect.objectContaining({ code: 'CONFLICT' })
    await vault.deposit(deposit)
    await expect(vault.deposit({ ...deposit, patient: tomas, content: 'his' })).rejects.toEqual(refused)
    await vault.confirm([{ document: id, version: 1 }])
    await expect(vault.deposit({ ...deposit, patient: tomas, content: 'his' })).rejects.toEqual(refused)
    await expect(vault.deposit({ ...deposit, source: 't', content: 'x' })).rejects.toEqual(refused)
    expect(await vault.read(id, 1)).toBe('hers')
  })

  test('of one source is another document for another patient', async () => {
    const hers = await vault.deposit({ patient: maria, source: 's', content: 'same' })
    const his = await vault.deposit({ patient: tomas, source: 's', content: 'same' })
    expect(his.document).not.toBe(hers.document)
    const rows = await database.selectFrom('documents').select(['source', 'ciphertext']).execute()
    expect(new Set(rows.map(({ source }) => source)).size).toBe(2)
  })
})

describe('the keys of the vault', () => {
  test('are one per patient, the same for all of her documents and for two who ask at once', async () => {
    const source = createVaultKeys(keys, master)
    const [one, other] = await Promise.all([source.patientKey(maria), source.patientKey(maria)])
    expect(Buffer.from(one)).toEqual(Buffer.from(other))
    expect(Buffer.from(await source.patientKey(tomas))).not.toEqual(Buffer.from(one))
  })

  test('when destroyed, take a patient’s documents with them, and nobody else’s', async () => {
    const hers = await vault.deposit({ patient: maria, source: 's', content: 'hers' })
    const his = await vault.deposit({ patient: tomas, source: 's', content: 'his' })
    await keys.deleteFrom('patient_keys').where('patient', '=', maria).execute()
    await expect(vault.read(hers.document, 1)).rejects.toThrow()
    expect(await vault.read(his.document, 1)).toBe('his')
  })

  test('are not made anew by reading what they no longer open', async () => {
    const { document } = await vault.deposit({ patient: maria, source: 's', content: 'hers' })
    await keys.deleteFrom('patient_keys').execute()
    await expect(vault.read(document, 1)).rejects.toThrow()
    expect(await keys.selectFrom('patient_keys').selectAll().execute()).toEqual([])
  })

  test('separate look-ups by purpose, so that a source is never taken for a content', () => {
    const source = createVaultKeys(keys, master)
    expect(source.digest('source', 'x')).not.toBe(source.digest('content', 'x'))
    expect(source.digest('source', 'x')).not.toBe(
      createVaultKeys(keys, Buffer.alloc(32)).digest('source', 'x'),
    )
  })
})

test('the files of the vault show neither content nor source, and the content’s files no key', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'medledger-vault-'))
  try {
    const content = await openDatabase(sqliteDialect(join(directory, 'gateway.sqlite')))
    const keyring = await openKeyDatabase(sqliteDialect(join(directory, 'keys.sqlite')))
    const kept = createVault(content, createVaultKeys(keyring, master), 'north')
    await kept.deposit({ patient: maria, source: 'Canary-Source', content: { name: 'Canary-Lindqvist' } })
    const { wrapped } = await keyring.selectFrom('patient_keys').selectAll().executeTakeFirstOrThrow()
    const bytesOf = (start: string): Buffer =>
      Buffer.concat(
        readdirSync(directory)
          .filter((name) => name.startsWith(start))
          .map((name) => readFileSync(join(directory, name))),
      )
    const all = bytesOf('')
    for (const canary of ['Canary', Buffer.from('Canary-Lindqvist').toString('base64url').slice(0, 18)]) {
      expect(all.includes(canary)).toBe(false)
    }
    expect(all.includes(master)).toBe(false)
    expect(bytesOf('gateway').includes(maria)).toBe(true)
    expect(bytesOf('gateway').includes(wrapped)).toBe(false)
    await Promise.all([content.destroy(), keyring.destroy()])
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sha256Hex, type DocumentRegistration } from 'medledger-chaincode/api'
import {
  openDatabase,
  openKeyDatabase,
  sqliteDialect,
  type Database,
  type KeyDatabase,
} from '../../../gateway/src/store/index.ts'
import { createVault, createVaultKeys, type Deposit, type Vault } from '../../../gateway/src/vault/index.ts'
import { dialects, emptyOn } from '../../support/dialects.ts'

const master = Buffer.alloc(32, 7)
const maria = 'e1'.repeat(16)
const tomas = 'e2'.repeat(16)
const id = `north-${'0a'.repeat(16)}`

let database: Database
let keys: KeyDatabase
let vault: Vault

const open = (with_: Uint8Array = master): Vault =>
  createVault(database, createVaultKeys(keys, with_), 'north')

const description = { type: { system: 'http://loinc.org', code: '11502-2' }, date: '2026-05-04' }

/** Deposits and gives registration and state as one value. */
async function keep(
  deposit: Omit<Deposit, 'description'>,
  into = vault,
): Promise<DocumentRegistration & { readonly state: string }> {
  const { registration, state } = await into.deposit({ ...deposit, description })
  return { ...registration, state }
}

/** Reads a version by the digest that its row had when it was deposited. */
async function read(document: string, version: number, from = vault): Promise<unknown> {
  const row = await database
    .selectFrom('documents')
    .select('digest')
    .where('document', '=', document)
    .where('version', '=', version)
    .executeTakeFirst()
  return from.read({ document, version, digest: row?.digest ?? '' })
}

describe.each(dialects)('on $name', (dialect) => {
  beforeEach(async () => {
    database = await openDatabase(await emptyOn(dialect))
    keys = await openKeyDatabase(await emptyOn(dialect))
    vault = open()
  })
  afterEach(() => Promise.all([database.destroy(), keys.destroy()]))

  describe('a document in the vault', () => {
    test('is read as it was deposited, after a restart too', async () => {
      await fc.assert(
        fc.asyncProperty(fc.jsonValue(), fc.uuid(), async (content, source) => {
          const kept = await keep({ patient: maria, source, content })
          const expected: unknown = JSON.parse(JSON.stringify(content))
          expect(await read(kept.document, kept.version)).toEqual(expected)
          expect(await read(kept.document, kept.version, open())).toEqual(expected)
        }),
        { numRuns: 30 },
      )
    })

    test('is known by an id that carries its custodian, and by the digest of its ciphertext', async () => {
      const kept = await keep({ patient: maria, source: 's', content: { a: 1 } })
      expect(kept).toMatchObject({ version: 1, state: 'new' })
      expect(kept.document).toMatch(/^north-[0-9a-f]{32}$/)
      const row = await database.selectFrom('documents').selectAll().executeTakeFirstOrThrow()
      expect(kept.digest).toBe(sha256Hex(row.ciphertext))
    })

    test('has the id that its custodian chose', async () => {
      expect(await keep({ patient: maria, source: 's', id, content: 1 })).toMatchObject({
        document: id,
      })
    })

    test('cannot be read with another master key, nor in another version, nor by another id', async () => {
      await keep({ patient: maria, source: 's', id, content: 'secret' })
      await expect(read(id, 1, open(Buffer.alloc(32, 8)))).rejects.toThrow()
      expect(await read(id, 2)).toBeUndefined()
      expect(await read(`${id.slice(0, -1)}b`, 1)).toBeUndefined()
    })

    test('is refused when its ciphertext was exchanged for another one of the same patient, or was changed', async () => {
      const other = await keep({ patient: maria, source: 'other', content: 'other' })
      await keep({ patient: maria, source: 's', id, content: 'secret' })
      const { ciphertext } = await database
        .selectFrom('documents')
        .select('ciphertext')
        .where('document', '=', other.document)
        .executeTakeFirstOrThrow()
      const replace = (text: string): Promise<unknown> =>
        database.updateTable('documents').set({ ciphertext: text }).where('document', '=', id).execute()
      await replace(ciphertext)
      await expect(read(id, 1)).rejects.toThrow(/another content/)
      await replace(`${ciphertext.slice(0, -2)}AA`)
      await expect(read(id, 1)).rejects.toThrow()
    })

    test('deposited again unchanged is the same version, whose state says whether the ledger has it', async () => {
      const deposit = { patient: maria, source: 's', content: { b: 2, a: 1 } }
      const first = await keep(deposit)
      const again = await keep({ ...deposit, content: { a: 1, b: 2 } })
      expect(again).toEqual(first)
      await vault.confirm([first])
      expect(await keep(deposit)).toEqual({ ...first, state: 'unchanged' })
    })

    test('whose description is corrected is the next version, before and after it is registered', async () => {
      const deposit = { patient: maria, source: 's', content: 'one', description }
      const first = await keep(deposit)
      const corrected = { ...deposit, description: { ...description, author: tomas } }
      expect(await vault.unsettled([corrected])).toHaveLength(1)
      await expect(vault.deposit(corrected)).rejects.toMatchObject({ code: 'CONFLICT' })
      await vault.confirm([first])
      const { registration, state } = await vault.deposit(corrected)
      expect({ state, ...registration }).toMatchObject({ state: 'replaces', version: 2, author: tomas })
    })

    test('deposited with other content is the next version, and the earlier one stays readable', async () => {
      const first = await keep({ patient: maria, source: 's', content: 'one' })
      await vault.confirm([first])
      const second = await keep({ patient: maria, source: 's', content: 'two' })
      expect(second).toMatchObject({ document: first.document, version: 2, state: 'replaces' })
      expect(await read(first.document, 1)).toBe('one')
      expect(await read(first.document, 2)).toBe('two')
      await vault.confirm([second])
      expect((await keep({ patient: maria, source: 's', content: 'one' })).version).toBe(3)
    })

    test('whose registration was lost is never overwritten, but registered before other content', async () => {
      const first = await keep({ patient: maria, source: 's', content: 'one' })
      const changed = { patient: maria, source: 's', content: 'two', description }
      await expect(vault.deposit(changed)).rejects.toMatchObject({ code: 'CONFLICT' })
      const { state: _state, ...registration } = first
      expect(await vault.unsettled([changed])).toEqual([registration])
      expect(await vault.unsettled([{ ...changed, content: 'one' }])).toEqual([])
      await vault.confirm([first])
      expect(await vault.unsettled([changed])).toEqual([])
      expect(await keep(changed)).toMatchObject({ document: first.document, version: 2, state: 'replaces' })
      expect(await read(first.document, 1)).toBe('one')
    })

    test('is refused when the ledger knows another ciphertext', async () => {
      const { document, version } = await keep({ patient: maria, source: 's', content: 'one' })
      await expect(vault.read({ document, version, digest: '0'.repeat(64) })).rejects.toThrow()
    })

    test('is kept once by two who deposit it at the same time', async () => {
      const deposit = { patient: maria, source: 's', content: 'one' }
      const settled = await Promise.allSettled([keep(deposit), keep(deposit)])
      const codes = settled.flatMap((result) =>
        result.status === 'rejected' ? [result.reason as unknown] : [],
      )
      expect(codes.length).toBeLessThan(2)
      for (const code of codes) expect(code).toMatchObject({ code: 'CONFLICT' })
      expect(await database.selectFrom('documents').selectAll().execute()).toHaveLength(1)
    })

    test('that the ledger has is never overwritten, and an id never passes to another patient or source', async () => {
      const deposit = { patient: maria, source: 's', id, content: 'hers' }
      const refused = expect.objectContaining({ code: 'CONFLICT' })
      await keep(deposit)
      await expect(keep({ ...deposit, patient: tomas, content: 'his' })).rejects.toEqual(refused)
      await vault.confirm([{ document: id, version: 1 }])
      await expect(keep({ ...deposit, patient: tomas, content: 'his' })).rejects.toEqual(refused)
      await expect(keep({ ...deposit, source: 't', content: 'x' })).rejects.toEqual(refused)
      expect(await read(id, 1)).toBe('hers')
    })

    test('of one source is another document for another patient', async () => {
      const hers = await keep({ patient: maria, source: 's', content: 'same' })
      const his = await keep({ patient: tomas, source: 's', content: 'same' })
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
      const hers = await keep({ patient: maria, source: 's', content: 'hers' })
      const his = await keep({ patient: tomas, source: 's', content: 'his' })
      await keys.deleteFrom('patient_keys').where('patient', '=', maria).execute()
      await expect(read(hers.document, 1)).rejects.toThrow()
      expect(await read(his.document, 1)).toBe('his')
    })

    test('are not made anew by reading what they no longer open', async () => {
      const { document } = await keep({ patient: maria, source: 's', content: 'hers' })
      await keys.deleteFrom('patient_keys').execute()
      await expect(read(document, 1)).rejects.toThrow()
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
})

test('the files of the vault show neither content nor source, and the content’s files no key', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'medledger-vault-'))
  try {
    const content = await openDatabase(sqliteDialect(join(directory, 'gateway.sqlite')))
    const keyring = await openKeyDatabase(sqliteDialect(join(directory, 'keys.sqlite')))
    const kept = createVault(content, createVaultKeys(keyring, master), 'north')
    await keep({ patient: maria, source: 'Canary-Source', content: { name: 'Canary-Lindqvist' } }, kept)
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

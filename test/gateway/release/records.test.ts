import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MedledgerError, sha256Hex } from 'medledger-chaincode/api'
import type { LedgerClient } from '../../../gateway/src/ledger/client.ts'
import { keepReleases, type ReleaseRecords } from '../../../gateway/src/release/index.ts'
import { openDatabase, type Database } from '../../../gateway/src/store/index.ts'
import { dialects, emptyOn } from '../../support/dialects.ts'

interface Submitted {
  readonly fields: unknown
  readonly retry: unknown
}

let database: Database
let submitted: Submitted[]
let logged: unknown[]
let fault: () => void
let records: ReleaseRecords

const open = (secret = 'a secret'): ReleaseRecords =>
  keepReleases({
    database,
    custodian: 'north',
    digest: (purpose, value) => sha256Hex(`${secret}/${purpose}/${value}`),
    log: (event, fields) => logged.push([event, fields]),
    observe: () => {},
    client: {
      submit: async (_name: string, fields: unknown, options: { retry: unknown }) => {
        submitted.push({ fields, retry: options.retry })
        fault()
      },
    } as unknown as LedgerClient,
  })

const release = { through: 'south', access: 'ab'.repeat(16), documents: [`north-${'00'.repeat(16)}`] }
const fail = (code: 'LEDGER_UNAVAILABLE' | 'DUPLICATE_REQUEST') => (): never => {
  throw new MedledgerError(code, 'No.')
}

describe.each(dialects)('a release on $name', (dialect) => {
  beforeEach(async () => {
    database = await openDatabase(await emptyOn(dialect))
    submitted = []
    logged = []
    fault = () => {}
    records = open()
  })
  afterEach(() => database.destroy())

  test('is claimed once, whatever it holds and across a restart, for each organisation that asks', async () => {
    await records.claim(release)
    const refused = expect.objectContaining({ code: 'ALREADY_RELEASED' }) as Error
    await expect(records.claim({ ...release, documents: [] })).rejects.toEqual(refused)
    await expect(open().claim(release)).rejects.toEqual(refused)
    await expect(records.claim({ ...release, through: 'authority' })).resolves.toBeUndefined()
  })

  test('is recorded on the ledger once', async () => {
    await records.claim(release)
    await records.settle()
    await records.settle()
    expect(submitted.map(({ fields }) => fields)).toEqual([{ custodian: 'north', ...release }])
  })

  test('that could not be recorded is tried again as the very same request, after a restart too', async () => {
    await records.claim(release)
    fault = fail('LEDGER_UNAVAILABLE')
    await records.settle()
    expect(logged).toEqual([['release.unrecorded', { entry: release.access, code: 'LEDGER_UNAVAILABLE' }]])
    fault = () => {}
    await open().settle()
    expect(submitted).toHaveLength(2)
    expect(submitted[1]).toEqual(submitted[0])
  })

  test('that the ledger has already is done', async () => {
    await records.claim(release)
    fault = fail('DUPLICATE_REQUEST')
    await records.settle()
    await records.settle()
    expect(submitted).toHaveLength(1)
    expect(logged).toEqual([])
  })

  test('that cannot be recorded keeps no other from it', async () => {
    const other = { ...release, access: 'cd'.repeat(16) }
    await records.claim(release)
    await records.claim(other)
    fault = () => {
      if (submitted.length === 1) throw new Error('Lindqvist')
    }
    await records.settle()
    expect(submitted).toHaveLength(2)
    expect(JSON.stringify(logged)).not.toContain('Lindqvist')
    await records.settle()
    expect(submitted).toHaveLength(3)
  })

  test('is submitted once when two settle at the same time', async () => {
    await records.claim(release)
    await Promise.all([records.settle(), records.settle()])
    expect(submitted).toHaveLength(1)
  })

  test('has a request id and a salt that differ, and that only a holder of the secret can derive', async () => {
    await records.claim(release)
    fault = fail('LEDGER_UNAVAILABLE')
    await records.settle()
    await open('another secret').settle()
    const [one, other] = submitted.map(({ retry }) => retry as { request: string; salt: string })
    expect(one?.request).toMatch(/^[0-9a-f]{32}$/)
    expect(one?.salt).toMatch(/^[0-9a-f]{32}$/)
    expect(one?.request).not.toBe(one?.salt)
    expect(one?.request).not.toBe(other?.request)
    expect(one?.salt).not.toBe(other?.salt)
  })
})

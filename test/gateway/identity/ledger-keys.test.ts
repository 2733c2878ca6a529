import { beforeEach, describe, expect, test } from 'vitest'
import { MedledgerError, type SigningKey } from 'medledger-chaincode/api'
import { createLedgerKeys, type KeyOf } from '../../../gateway/src/identity/index.ts'
import { signingKey } from '../../support/ledger-samples.ts'
import { startOfTests } from '../../support/ledger-world.ts'

const now = startOfTests
const codeOf = (code: string): Error => expect.objectContaining({ code }) as Error

describe('the keys of issuers', () => {
  const key: SigningKey = signingKey
  let time: number
  let queries: number
  let answer: () => unknown
  let keyOf: KeyOf
  /** What the others' peers say; they are asked only while the own one does not answer. */
  let foreign: (organisation: string) => unknown
  let changes: { count: number; live: boolean; block: number | undefined }
  let minimumBlocks: unknown[]

  const refuse = (code: 'NOT_FOUND' | 'INVALID_REQUEST' | 'LEDGER_UNAVAILABLE') => (): never => {
    throw new MedledgerError(code, 'No.')
  }
  beforeEach(() => {
    time = now
    queries = 0
    answer = () => ({ key, revoked: false })
    foreign = refuse('LEDGER_UNAVAILABLE')
    changes = { count: 0, live: false, block: undefined }
    minimumBlocks = []
    const evaluate = async (
      _name: string,
      _fields: object,
      { organisations: [asked = ''] = [], ...options }: { readonly organisations?: readonly string[] },
    ): Promise<unknown> => {
      if (asked !== 'north') return foreign(asked)
      queries += 1
      minimumBlocks.push(options)
      return answer()
    }
    keyOf = createLedgerKeys({
      own: 'north',
      others: ['south', 'authority'],
      client: { evaluate } as unknown as Parameters<typeof createLedgerKeys>[0]['client'],
      changes: {
        count: () => changes.count,
        isLive: () => changes.live,
        block: () => changes.block,
      },
      now: () => time,
    })
  })

  test('are asked for anew after five seconds, so that a revocation counts by then', async () => {
    expect(await keyOf('i', 'k')).toEqual(key)
    answer = () => ({ key, revoked: true })
    time += 4999
    expect(await keyOf('i', 'k')).toEqual(key)
    expect(queries).toBe(1)
    time += 1
    expect(await keyOf('i', 'k')).toBeUndefined()
  })

  test('are taken from the others while the own peer is away, and only if all of them say the same', async () => {
    const invented = { ...key, x: 'A'.repeat(43) }
    foreign = () => ({ key: invented, revoked: false })
    expect(await keyOf('i', 'k')).toEqual(key)
    answer = refuse('LEDGER_UNAVAILABLE')
    foreign = (organisation) => ({ key: organisation === 'south' ? invented : key, revoked: false })
    await expect(keyOf('i', 'other')).rejects.toEqual(codeOf('LEDGER_UNAVAILABLE'))
    foreign = (organisation) => ({ key, revoked: organisation === 'south' })
    await expect(keyOf('i', 'other')).rejects.toEqual(codeOf('LEDGER_UNAVAILABLE'))
    foreign = () => ({ key, revoked: false })
    expect(await keyOf('i', 'other')).toEqual(key)
  })

  test('serve for a minute while the ledger is away, and no longer', async () => {
    await keyOf('i', 'k')
    answer = refuse('LEDGER_UNAVAILABLE')
    time += 59_999
    expect(await keyOf('i', 'k')).toEqual(key)
    time += 1
    await expect(keyOf('i', 'k')).rejects.toEqual(codeOf('LEDGER_UNAVAILABLE'))
    await expect(keyOf('i', 'other')).rejects.toEqual(codeOf('LEDGER_UNAVAILABLE'))
  })

  test.each(['NOT_FOUND', 'INVALID_REQUEST'] as const)(
    'that do not exist (%s) are remembered as such',
    async (code) => {
      answer = refuse(code)
      expect(await keyOf('i', 'k')).toBeUndefined()
      answer = () => ({ key, revoked: false })
      expect(await keyOf('i', 'k')).toBeUndefined()
      expect(queries).toBe(1)
      time += 5000
      expect(await keyOf('i', 'k')).toEqual(key)
    },
  )

  test('are told apart by issuer and key id together', async () => {
    await keyOf('a', 'b","c')
    await keyOf('a","b', 'c')
    expect(queries).toBe(2)
  })

  test('are not pushed out by however many are invented, nor is their renewal held back', async () => {
    expect(await keyOf('i', 'k')).toEqual(key)
    answer = refuse('NOT_FOUND')
    time += 1000
    // As fast as look-ups of unknown keys are allowed, and more of them than are remembered.
    for (let index = 0; index < 1100; index += 1) {
      await keyOf('i', String(index))
      time += 50
    }
    expect(queries).toBe(1101)
    answer = refuse('LEDGER_UNAVAILABLE')
    expect(await keyOf('i', 'k')).toEqual(key)
    answer = refuse('NOT_FOUND')
    for (let index = 0; index < 30; index += 1) await keyOf('i', `more ${index}`).catch(() => undefined)
    answer = () => ({ key, revoked: true })
    expect(await keyOf('i', 'k')).toBeUndefined()
  })

  test('that nobody knows cost at most twenty queries a second, however many are invented', async () => {
    for (let index = 0; index < 1000; index += 1) await keyOf('i', String(index)).catch(() => undefined)
    expect(queries).toBe(20)
  })

  test('that are good but not known yet are asked for again later, never called bad, during a flood', async () => {
    for (let index = 0; index < 20; index += 1) await keyOf('i', String(index))
    await expect(keyOf('i', 'good')).rejects.toEqual(codeOf('LEDGER_UNAVAILABLE'))
    time += 1000
    expect(await keyOf('i', 'good')).toEqual(key)
  })

  test('serve for a minute while blocks arrive, and not for a moment after a block that changes keys', async () => {
    changes.live = true
    await keyOf('i', 'k')
    await keyOf('i', 'none')
    time += 59_999
    await keyOf('i', 'k')
    expect(queries).toBe(2)
    answer = () => ({ key, revoked: true })
    changes.count += 1
    expect(await keyOf('i', 'k')).toBeUndefined()
    time += 60_000
    await keyOf('i', 'k')
    expect(queries).toBe(4)
  })

  test('that were learnt while a change came are asked for again', async () => {
    changes.live = true
    answer = () => {
      changes.count += 1
      return { key, revoked: false }
    }
    expect(await keyOf('i', 'k')).toEqual(key)
    answer = () => ({ key, revoked: true })
    expect(await keyOf('i', 'k')).toBeUndefined()
  })

  test('that were learnt before a change do not serve when the ledger is away', async () => {
    await keyOf('i', 'k')
    changes.count += 1
    answer = refuse('LEDGER_UNAVAILABLE')
    await expect(keyOf('i', 'k')).rejects.toEqual(codeOf('LEDGER_UNAVAILABLE'))
  })

  test('are told by no peer that lacks the newest block that changed some', async () => {
    await keyOf('i', 'k')
    changes = { count: 1, live: true, block: 17 }
    await keyOf('i', 'k')
    expect(minimumBlocks).toEqual([{}, { minimumBlock: 17 }])
  })
})

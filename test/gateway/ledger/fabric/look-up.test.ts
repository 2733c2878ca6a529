import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toldAlike } from '../../../../gateway/src/ledger/fabric/look-up.ts'
import type { Seen } from '../../../../gateway/src/ledger/fabric/tail.ts'

const valid = (block: number): Seen => ({ block, valid: true, code: 'VALID' })
const stale: Seen = { block: 7, valid: false, code: 'MVCC_READ_CONFLICT' }

/** What is believed when peers, each named by organisation and number, tell this. */
const believed = (tells: Readonly<Record<string, Seen | undefined>>): Promise<Seen | undefined> =>
  toldAlike(
    Object.keys(tells).map((name) => ({ name, mspid: name.slice(0, -1) })),
    'own',
    ({ name }) => Promise.resolve(tells[name]),
  )

describe('what peers tell of a transaction', () => {
  test('is believed of two other organisations that tell the same', async () => {
    expect(await believed({ north0: valid(7), south0: valid(7), own0: undefined })).toEqual(valid(7))
  })

  test('is not believed of one organisation, however many peers it has', async () => {
    expect(
      await believed({ north0: valid(7), north1: valid(7), south0: undefined, own0: undefined }),
    ).toBeUndefined()
  })

  test('is not believed when block or code differ', async () => {
    expect(await believed({ north0: valid(7), south0: valid(8) })).toBeUndefined()
    expect(await believed({ north0: valid(7), south0: stale })).toBeUndefined()
  })

  test('is believed of the own organisation, and of the only other one', async () => {
    expect(await believed({ north0: undefined, south0: undefined, own0: valid(7) })).toEqual(valid(7))
    expect(await believed({ north0: valid(7), own0: undefined })).toEqual(valid(7))
  })

  test('is had without waiting for a peer that hangs', async () => {
    const hanging = Promise.withResolvers<Seen | undefined>()
    const peers = ['north', 'south', 'authority'].map((mspid) => ({ mspid }))
    const told = await toldAlike(peers, 'own', ({ mspid }) =>
      mspid === 'north' ? hanging.promise : Promise.resolve(valid(7)),
    )
    expect(told).toEqual(valid(7))
    hanging.resolve(undefined)
  })

  test('never rests on one other organisation where there are two', async () => {
    const words = fc.constantFrom(valid(7), valid(8), stale, undefined)
    await fc.assert(
      fc.asyncProperty(words, words, words, async (north, south, authority) => {
        const told = await believed({ north0: north, south0: south, authority0: authority, own0: undefined })
        const alike = [north, south, authority].filter((word) => word !== undefined && word === told)
        expect(told === undefined || alike.length >= 2).toBe(true)
      }),
    )
  })
})

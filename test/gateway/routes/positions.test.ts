import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { positionsOf } from '../../../gateway/src/routes/positions.ts'
import type { Services } from '../../../gateway/src/services.ts'
import type { Position } from '../../../gateway/src/store/index.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

/** Services whose own peer delivers these places when the test adds them. */
function servicesWith(places: Map<string, Position>): Pick<Services, 'positions' | 'transport'> {
  const find = async (ids: readonly string[]): Promise<Map<string, Position>> =>
    new Map([...places].filter(([id]) => ids.includes(id)))
  return {
    positions: { find },
    transport: { height: () => ({ blocks: 0, connected: true }), waitForBlock: async () => {} },
  }
}

const place = { block: 1, position: 2 }
const records = [{ transactionId: 'a' }, { transactionId: 'b' }, { transactionId: 'a' }]

describe('the places of what a query has shown', () => {
  test('are waited for while the own peer is a moment behind', async () => {
    const places = new Map([['a', place]])
    const found = positionsOf(servicesWith(places), records)
    await vi.advanceTimersByTimeAsync(1000)
    places.set('b', place)
    await vi.advanceTimersByTimeAsync(100)
    expect((await found).size).toBe(2)
  })

  test('are not made up: a list without its order is an error after three seconds', async () => {
    const found = positionsOf(servicesWith(new Map([['a', place]])), records)
    const failed = expect(found).rejects.toEqual(
      expect.objectContaining({ code: 'LEDGER_UNAVAILABLE' }) as Error,
    )
    await vi.advanceTimersByTimeAsync(3100)
    await failed
  })

  test('of nothing are nothing, at once', async () => {
    expect((await positionsOf(servicesWith(new Map()), [])).size).toBe(0)
  })
})

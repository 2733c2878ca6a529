import { describe, expect, test } from 'vitest'
import { limits } from 'medledger-chaincode/api'
import { toInstant, transactionTime } from '../../../chaincode/src/ledger/clock.ts'

const now = Date.UTC(2026, 0, 15, 12)
const stamp = (at: number): { seconds: number; nanos: number } => ({
  seconds: Math.floor(at / 1000),
  nanos: (at - Math.floor(at / 1000) * 1000) * 1_000_000,
})

describe('a transaction’s time', () => {
  test.each([
    ['now', 0],
    ['as far behind as may be', -limits.clockBehindMs],
    ['as far ahead as may be', limits.clockAheadMs],
  ])('is taken %s', (_when, offset) => {
    expect(transactionTime(stamp(now + offset), now)).toBe(now + offset)
  })

  test.each([
    ['further behind', stamp(now - limits.clockBehindMs - 1)],
    ['further ahead', stamp(now + limits.clockAheadMs + 1)],
    ['that is not a number', { seconds: 'soon', nanos: 0 }],
    ['that is missing', { seconds: undefined, nanos: 0 }],
    ['that has no fraction', { seconds: now / 1000, nanos: Number.NaN }],
  ])('is refused %s', (_when, timestamp) => {
    expect(() => transactionTime(timestamp, now)).toThrow(
      expect.objectContaining({ code: 'CLOCK_SKEW' }) as Error,
    )
  })

  test('may be a 64-bit object, and loses what is finer than a millisecond', () => {
    const seconds = { toString: () => String(now / 1000) }
    expect(transactionTime({ seconds, nanos: 123_999_999 }, now)).toBe(now + 123)
  })

  test('is written with milliseconds in UTC', () => {
    expect(toInstant(now + 7)).toBe('2026-01-15T12:00:00.007Z')
  })
})

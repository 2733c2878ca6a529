import { assert, array, double, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { estimate, interleaved, median, quantile, ratios, seeded } from './statistics.ts'

const values = array(double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 40 })

describe('quantiles', () => {
  test('are those of the textbook', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(quantile([10, 20, 30, 40, 50], 0.95)).toBeCloseTo(48)
    expect(quantile([7], 0.95)).toBe(7)
  })

  test('are NaN where there is nothing', () => {
    expect(median([])).toBeNaN()
  })

  test('lie between the smallest and the largest, and grow with the share', () => {
    assert(
      property(values, double({ min: 0, max: 1, noNaN: true }), (sample, share) => {
        const found = quantile(sample, share)
        expect(found).toBeGreaterThanOrEqual(Math.min(...sample))
        expect(found).toBeLessThanOrEqual(Math.max(...sample))
        expect(quantile(sample, 1)).toBeGreaterThanOrEqual(found)
      }),
    )
  })
})

describe('an estimate', () => {
  test('has its median within its interval', () => {
    assert(
      property(values, (sample) => {
        const { low, high, median: middle } = estimate(sample, seeded(1))
        expect(low).toBeLessThanOrEqual(middle)
        expect(high).toBeGreaterThanOrEqual(middle)
      }),
      { numRuns: 20 },
    )
  })

  test('is the same for the same values and seed', () => {
    expect(estimate([1, 2, 3, 9], seeded(7))).toEqual(estimate([1, 2, 3, 9], seeded(7)))
  })

  test('has an interval that holds the true median nineteen times of twenty or so', () => {
    const random = seeded(42)
    const trials = Array.from({ length: 200 }, () => {
      const sample = Array.from({ length: 24 }, () => random())
      const { low, high } = estimate(sample, random)
      return low <= 0.5 && high >= 0.5
    })
    expect(trials.filter(Boolean).length).toBeGreaterThan(175)
  })
})

describe('rounds', () => {
  test('are interleaved so that a steady drift falls on both arms alike', () => {
    const order = interleaved(3)
    const places = (arm: 0 | 1): number[] => order.flatMap((which, place) => (which === arm ? [place] : []))
    const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
    expect(order.slice(0, 4)).toEqual([0, 1, 1, 0])
    expect(sum(places(0))).toBe(sum(places(1)))
  })

  test('are held against the one beside', () => {
    expect(ratios([2, 9], [1, 3])).toEqual([2, 3])
    expect(() => ratios([1], [])).toThrow(RangeError)
  })
})

describe('seeded random numbers', () => {
  test('are spread over 0 to 1', () => {
    const random = seeded(3)
    const drawn = Array.from({ length: 10_000 }, random)
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...drawn)).toBeLessThan(1)
    expect(median(drawn)).toBeCloseTo(0.5, 1)
  })
})

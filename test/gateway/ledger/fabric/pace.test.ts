import { array, assert, double, property } from 'fast-check'
import { expect, test } from 'vitest'
import { createPace } from '../../../../gateway/src/ledger/fabric/pace.ts'

const limits = { leastMs: 400, mostMs: 1750 }

test('someone else is asked after the least time while the own peer is quick', () => {
  const pace = createPace(limits)
  expect(pace.hedgeMs()).toBe(400)
  for (let count = 0; count < 100; count += 1) pace.answered(20)
  expect(pace.hedgeMs()).toBe(400)
})

test('a peer that everybody waits for is waited for, and no longer once it is quick again', () => {
  const pace = createPace(limits)
  for (let count = 0; count < 100; count += 1) pace.answered(600)
  expect(pace.hedgeMs()).toBeCloseTo(1200, 0)
  for (let count = 0; count < 100; count += 1) pace.answered(20)
  expect(pace.hedgeMs()).toBe(400)
})

test('one slow answer changes little', () => {
  const pace = createPace(limits)
  pace.answered(1500)
  expect(pace.hedgeMs()).toBe(400)
})

test('the wait stays within its limits, whatever the answers took', () => {
  assert(
    property(array(double({ min: 0, max: 1e6, noNaN: true })), (times) => {
      const pace = createPace(limits)
      for (const time of times) pace.answered(time)
      expect(pace.hedgeMs()).toBeGreaterThanOrEqual(limits.leastMs)
      expect(pace.hedgeMs()).toBeLessThanOrEqual(limits.mostMs)
    }),
  )
})

import { expect, test } from 'vitest'
import { renderArms, renderRatios, summarise } from './report.ts'
import type { Arm, Round } from './rounds.ts'

const arm = (name: string): Arm => ({ name, processes: [], run: () => Promise.resolve() })

const round = (operations: number, cpuMs: number): Round => ({
  operations,
  failures: {},
  seconds: 2,
  latenciesMs: Array.from({ length: operations }, (_value, index) => index + 1),
  cpuMs: { 'gateway-north': cpuMs * operations, bench: 0 },
})

const comparison = {
  name: 'one : other',
  operation: 'something',
  inFlight: 3,
  arms: [arm('one'), arm('other')],
} as const

test('a summary has medians of rounds, and ratios of the rounds that ran side by side', () => {
  const summary = summarise({
    comparison,
    rounds: [
      [round(20, 4), round(40, 4), round(30, 4)],
      [round(10, 8), round(20, 8), round(15, 8)],
    ],
  })
  expect(summary.arms[0]).toMatchObject({ name: 'one', perSecond: 15, cpuMs: 4, operations: 90 })
  expect(summary.arms[0].cpuMsByProcess).toEqual({ 'gateway-north': 4, bench: 0 })
  expect(summary.ratios.perSecond).toEqual({ median: 2, low: 2, high: 2 })
  expect(summary.ratios.cpuMs).toEqual({ median: 0.5, low: 0.5, high: 0.5 })
  expect(renderRatios([summary])).toMatch(/one : other +\| 3 +\| 6 +\| 2\.00 \[2\.00, 2\.00\]/)
})

test('failures are told by code and are no operations', () => {
  const failing: Round = { ...round(10, 1), failures: { LEDGER_UNAVAILABLE: 2 } }
  const summary = summarise({
    comparison,
    rounds: [
      [failing, failing],
      [round(10, 1), round(10, 1)],
    ],
  })
  expect(summary.arms[0].operations).toBe(20)
  expect(renderArms([summary])).toContain('4 LEDGER_UNAVAILABLE')
})

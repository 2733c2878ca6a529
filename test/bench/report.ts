import type { Measured, Round } from './rounds.ts'
import { estimate, median, quantile, ratios, seeded, type Estimate } from './statistics.ts'

/** What is told of one arm: medians of its rounds. */
export interface ArmSummary {
  readonly name: string
  readonly perSecond: number
  readonly p50Ms: number
  readonly p95Ms: number
  /** CPU milliseconds for one operation, in all and by process. */
  readonly cpuMs: number
  readonly cpuMsByProcess: Readonly<Record<string, number>>
  readonly operations: number
  readonly failures: Readonly<Record<string, number>>
}

export interface Summary {
  readonly name: string
  readonly operation: string
  readonly inFlight: number
  /** Of both arms together. */
  readonly rounds: number
  readonly arms: readonly [ArmSummary, ArmSummary]
  /** The first arm's value by the second's: the median over the rounds and its 95 % interval. */
  readonly ratios: {
    readonly perSecond: Estimate
    readonly cpuMs: Estimate
    readonly p50Ms: Estimate
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

const perSecond = ({ operations, seconds }: Round): number => operations / seconds
const cpuOf = ({ cpuMs, operations }: Round): number => sum(Object.values(cpuMs)) / operations
const p50Of = ({ latenciesMs }: Round): number => median(latenciesMs)

function totals(records: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {}
  for (const record of records)
    for (const [name, value] of Object.entries(record)) total[name] = (total[name] ?? 0) + value
  return total
}

function summariseArm(name: string, rounds: readonly Round[]): ArmSummary {
  const operations = sum(rounds.map((round) => round.operations))
  const cpu = Object.entries(totals(rounds.map(({ cpuMs }) => cpuMs)))
  return {
    name,
    perSecond: median(rounds.map(perSecond)),
    p50Ms: median(rounds.map(p50Of)),
    p95Ms: median(rounds.map(({ latenciesMs }) => quantile(latenciesMs, 0.95))),
    cpuMs: median(rounds.map(cpuOf)),
    cpuMsByProcess: Object.fromEntries(cpu.map(([process, value]) => [process, value / operations])),
    operations,
    failures: totals(rounds.map(({ failures }) => failures)),
  }
}

export function summarise({ comparison, rounds }: Measured): Summary {
  const { name, operation, inFlight, arms } = comparison
  // A round in which every operation failed has no value; the failures are told.
  const compared = (valueOf: (round: Round) => number): Estimate => {
    const found = ratios(rounds[0].map(valueOf), rounds[1].map(valueOf))
    const both = found.filter(
      (_ratio, index) => rounds[0][index]?.operations !== 0 && rounds[1][index]?.operations !== 0,
    )
    return estimate(both, seeded(1))
  }
  return {
    name,
    operation,
    inFlight,
    rounds: rounds[0].length + rounds[1].length,
    arms: [summariseArm(arms[0].name, rounds[0]), summariseArm(arms[1].name, rounds[1])],
    ratios: { perSecond: compared(perSecond), cpuMs: compared(cpuOf), p50Ms: compared(p50Of) },
  }
}

/** A table in Markdown, with columns of even width. */
export function toTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_cell, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const rule = widths.map((width) => '-'.repeat(width))
  const [head = [], ...body] = rows
  return [head, rule, ...body].map(line).join('\n')
}

/** As many digits as mean something. */
const round = (value: number): string => {
  if (!Number.isFinite(value)) return '–'
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

const withInterval = ({ median, low, high }: Estimate): string =>
  `${round(median)} [${round(low)}, ${round(high)}]`

export function renderRatios(summaries: readonly Summary[]): string {
  const head = ['first : second', 'in flight', 'rounds', 'operations/s', 'CPU per operation', 'p50']
  const rows = summaries.map(({ name, inFlight, rounds, ratios }) => [
    name,
    String(inFlight),
    String(rounds),
    withInterval(ratios.perSecond),
    withInterval(ratios.cpuMs),
    withInterval(ratios.p50Ms),
  ])
  return toTable([head, ...rows])
}

/** `network`, `chaincode`, `gateway`, `bench`: what the columns of the second table add up. */
const kinds = ['network', 'chaincode', 'gateway', 'bench'] as const

export function renderArms(summaries: readonly Summary[]): string {
  const head = ['comparison', 'arm', 'op/s', 'p50 ms', 'p95 ms', 'CPU ms/op', ...kinds, 'failed']
  const rows = summaries.flatMap(({ name, arms }) =>
    arms.map((arm) => {
      const cpu = Object.entries(arm.cpuMsByProcess)
      const ofKind = (kind: string): number =>
        sum(cpu.filter(([process]) => process.startsWith(kind)).map(([, value]) => value))
      const failed = Object.entries(arm.failures).map(([code, count]) => `${count} ${code}`)
      const numbers = [arm.perSecond, arm.p50Ms, arm.p95Ms, arm.cpuMs, ...kinds.map(ofKind)]
      return [name, arm.name, ...numbers.map(round), failed.length === 0 ? '0' : failed.join(', ')]
    }),
  )
  return toTable([head, ...rows])
}

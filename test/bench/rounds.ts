import { MedledgerError } from 'medledger-chaincode/api'
import { cpuBetween, readCpu, type Counted, type CpuTimes } from './processes.ts'
import { interleaved } from './statistics.ts'

/** One way of doing the work that a comparison is about. */
export interface Arm {
  readonly name: string
  /** Whose CPU time is the arm's, besides the bench's own. */
  readonly processes: readonly Counted[]
  /** One operation; rejects when it did not do its work. */
  readonly run: () => Promise<unknown>
  /** Resolves when all that the operations set off is over; its CPU time is theirs. */
  readonly settled?: () => Promise<void>
}

/** Two arms that differ in one thing. */
export interface Comparison {
  readonly name: string
  /** What one operation is, for the reader. */
  readonly operation: string
  readonly inFlight: number
  readonly arms: readonly [Arm, Arm]
}

/** What one arm did in one round. */
export interface Round {
  readonly operations: number
  /** How often an operation failed, by error code. */
  readonly failures: Readonly<Record<string, number>>
  readonly seconds: number
  readonly latenciesMs: readonly number[]
  readonly cpuMs: CpuTimes
}

export interface Measured {
  readonly comparison: Comparison
  /** The rounds of each arm, in order; the n-th of both ran side by side. */
  readonly rounds: readonly [readonly Round[], readonly Round[]]
}

export interface Schedule {
  /** Blocks of four rounds: ABBA. */
  readonly blocks: number
  /** After this long no further block of a comparison is begun, however many are left; one there always is. */
  readonly enoughMs?: number
  readonly roundMs: number
  readonly warmUpMs: number
}

function codeOf(error: unknown): string {
  if (error instanceof MedledgerError) return error.code
  return error instanceof Error ? error.message.slice(0, 80) : String(error)
}

/** Keeps as many operations in flight as asked for until the time is over, and waits for the last of them. */
async function runRound(arm: Arm, inFlight: number, durationMs: number): Promise<Round> {
  const latenciesMs: number[] = []
  const failures: Record<string, number> = {}
  const before = readCpu(arm.processes)
  const began = performance.now()
  const work = async (): Promise<void> => {
    do {
      const start = performance.now()
      try {
        await arm.run()
        latenciesMs.push(performance.now() - start)
      } catch (error) {
        const code = codeOf(error)
        failures[code] = (failures[code] ?? 0) + 1
      }
    } while (performance.now() - began < durationMs)
  }
  await Promise.all(Array.from({ length: inFlight }, work))
  const seconds = (performance.now() - began) / 1000
  await arm.settled?.()
  const cpuMs = cpuBetween(before, readCpu(arm.processes))
  return { operations: latenciesMs.length, failures, seconds, latenciesMs, cpuMs }
}

/** Runs both arms in turn, each after a warm-up that does not count. */
export async function measure(comparison: Comparison, schedule: Schedule): Promise<Measured> {
  const { arms, inFlight } = comparison
  const rounds: [Round[], Round[]] = [[], []]
  const end = performance.now() + (schedule.enoughMs ?? Number.POSITIVE_INFINITY)
  for (const arm of arms) await runRound(arm, inFlight, schedule.warmUpMs)
  for (let block = 0; block < schedule.blocks; block += 1) {
    if (block > 0 && performance.now() >= end) break
    for (const which of interleaved(1))
      rounds[which].push(await runRound(arms[which], inFlight, schedule.roundMs))
  }
  return { comparison, rounds }
}

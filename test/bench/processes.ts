import { readFileSync } from 'node:fs'

/** A process whose CPU time is counted; several of one name count together. */
export interface CountedProcess {
  readonly name: string
  readonly pid: number
}

/** CPU milliseconds by the name of the process. */
export type CpuTimes = Readonly<Record<string, number>>

/** Linux counts in ticks of 10 ms (USER_HZ, which is 100 on every architecture that matters here). */
const tickMs = 10

/**
 * User and system time in /proc/<pid>/stat (proc_pid_stat(5), fields 14 and 15); the name before them is in brackets
 * and may hold anything. A process that is gone counts nothing more.
 */
export function cpuMsIn(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * tickMs
}

function cpuMsOf(pid: number): number {
  try {
    return cpuMsIn(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return 0
  }
}

/** What the processes have used so far, and this one, as `bench`. */
export function readCpu(processes: readonly CountedProcess[]): CpuTimes {
  const { user, system } = process.cpuUsage()
  const times: Record<string, number> = { bench: (user + system) / 1000 }
  for (const { name, pid } of processes) times[name] = (times[name] ?? 0) + cpuMsOf(pid)
  return times
}

export const cpuBetween = (before: CpuTimes, after: CpuTimes): CpuTimes =>
  Object.fromEntries(
    Object.entries(after).map(([name, time]) => [name, Math.max(0, time - (before[name] ?? 0))]),
  )

import { readFileSync } from 'node:fs'

/** A process whose CPU time is counted; several of one name count together. */
export interface CountedProcess {
  readonly name: string
  readonly pid: number
}

/** A container whose CPU time is counted, with all that runs in it. */
export interface CountedContainer {
  readonly name: string
  /** Docker's id of it, whole. */
  readonly container: string
}

export type Counted = CountedProcess | CountedContainer

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

/** Where the kernel counts a container's CPU time, in nanoseconds (cgroup v1) or as `usage_usec` (v2). */
const containerFiles = (id: string): readonly string[] => [
  `/sys/fs/cgroup/cpuacct/docker/${id}/cpuacct.usage`,
  `/sys/fs/cgroup/system.slice/docker-${id}.scope/cpu.stat`,
]

export function containerMsIn(text: string): number {
  const microseconds = /^usage_usec (\d+)$/m.exec(text)?.[1]
  return microseconds === undefined ? Number(text) / 1e6 : Number(microseconds) / 1000
}

function containerMsOf(id: string): number {
  for (const file of containerFiles(id)) {
    try {
      return containerMsIn(readFileSync(file, 'utf8'))
    } catch {
      // The other one, or it is gone.
    }
  }
  return 0
}

/** What the processes have used so far, and this one, as `bench`. */
export function readCpu(processes: readonly Counted[]): CpuTimes {
  const { user, system } = process.cpuUsage()
  const times: Record<string, number> = { bench: (user + system) / 1000 }
  for (const counted of processes) {
    const { name } = counted
    const ms = 'pid' in counted ? cpuMsOf(counted.pid) : containerMsOf(counted.container)
    times[name] = (times[name] ?? 0) + ms
  }
  return times
}

export const cpuBetween = (before: CpuTimes, after: CpuTimes): CpuTimes =>
  Object.fromEntries(
    Object.entries(after).map(([name, time]) => [name, Math.max(0, time - (before[name] ?? 0))]),
  )

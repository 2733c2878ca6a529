import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { ProcessPlan } from './parts.ts'

export type ChildState = 'stopped' | 'running' | 'waiting'

/** One process of an instance, with its log. */
export interface Child {
  readonly name: string
  readonly state: ChildState
  readonly pid: number | undefined
  /** Starts it; without effect when it runs. */
  start(): void
  /** Asks it to end, and ends it after a grace period; it stays stopped. */
  stop(): Promise<void>
  send(message: object): void
}

export interface ChildOptions {
  readonly logs: string
  readonly onMessage?: (message: unknown) => void
  /**
   * It ended without having been asked to; the reason is one line, and `succeeded` says that its exit code was 0.
   * Returns whether to start it again.
   */
  readonly onCrash: (name: string, reason: string, succeeded: boolean) => boolean
  /** After each change of state. */
  readonly onChange: () => void
}

const graceMs = 5000
const firstDelayMs = 250
const longestDelayMs = 8000
/** A process that ran for this long has recovered: its next crash counts as the first. */
const steadyMs = 30_000
const largestLogBytes = 10 * 1024 * 1024

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0

function openLog(file: string): { readonly descriptor: number; readonly offset: number } {
  if (sizeOf(file) > largestLogBytes) renameSync(file, `${file}.1`)
  return { descriptor: openSync(file, 'a', 0o600), offset: sizeOf(file) }
}

/** The last line that says something: no stack frame, not Node's farewell. Our parts print one clear line. */
export function lastWords(text: string): string | undefined {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .findLast((line) => line !== '' && !/^\s|^Node\.js v|^[}\]]/.test(line))
}

function readTail(file: string, offset: number): string {
  const descriptor = openSync(file, 'r')
  try {
    const buffer = Buffer.alloc(Math.min(16_384, Math.max(0, sizeOf(file) - offset)))
    readSync(descriptor, buffer, 0, buffer.length, Math.max(offset, sizeOf(file) - buffer.length))
    return buffer.toString('utf8')
  } finally {
    closeSync(descriptor)
  }
}

function launch(plan: ProcessPlan, descriptor: number): ChildProcess {
  // A process group of its own: Ctrl-C in a terminal is for the supervisor, which stops the parts in their order.
  return spawn(process.execPath, plan.command, {
    cwd: plan.directory,
    env: plan.environment,
    detached: true,
    stdio: ['ignore', descriptor, descriptor, 'ipc'],
  })
}

async function end(running: ChildProcess): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  running.once('exit', () => resolve())
  if (running.exitCode !== null || running.signalCode !== null) return
  running.kill('SIGTERM')
  const timer = setTimeout(() => running.kill('SIGKILL'), graceMs)
  await promise
  clearTimeout(timer)
}

/** A process that is watched over: started again when it crashes, until it is stopped. */
export function createChild(plan: ProcessPlan, options: ChildOptions): Child {
  const file = join(options.logs, `${plan.name}.log`)
  let running: ChildProcess | undefined
  let isWanted = false
  let crashes = 0
  let timer: NodeJS.Timeout | undefined

  const onExit = (child: ChildProcess, how: string, offset: number, startedAt: number): void => {
    if (running !== child) return
    running = undefined
    if (isWanted) {
      crashes = performance.now() - startedAt > steadyMs ? 0 : crashes + 1
      // Who was killed said nothing about it.
      const words = child.signalCode === null ? lastWords(readTail(file, offset)) : undefined
      const reason = words ?? `it ended with ${how}`
      isWanted = options.onCrash(plan.name, reason, child.exitCode === 0)
      if (isWanted) timer = setTimeout(start, Math.min(firstDelayMs * 2 ** crashes, longestDelayMs))
    }
    options.onChange()
  }
  const start = (): void => {
    isWanted = true
    if (running !== undefined) return
    clearTimeout(timer)
    timer = undefined
    const { descriptor, offset } = openLog(file)
    const child = launch(plan, descriptor)
    closeSync(descriptor)
    running = child
    const startedAt = performance.now()
    child.on('exit', (code, signal) => onExit(child, signal ?? `exit code ${code}`, offset, startedAt))
    child.on('error', (error) => onExit(child, error.message, offset, startedAt))
    if (options.onMessage) child.on('message', options.onMessage)
    options.onChange()
  }
  return {
    name: plan.name,
    get state() {
      if (running !== undefined) return 'running'
      return timer !== undefined && isWanted ? 'waiting' : 'stopped'
    },
    get pid() {
      return running?.pid
    },
    start,
    async stop() {
      isWanted = false
      clearTimeout(timer)
      timer = undefined
      const child = running
      if (child === undefined) return
      await end(child)
      running = undefined
      options.onChange()
    },
    send(message) {
      // A process that is just ending takes no message; whoever waits for an answer has a deadline.
      if (running?.connected === true) running.send(message, () => undefined)
    },
  }
}

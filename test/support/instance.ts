import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { medledger, repository } from './command-line.ts'
import { poll } from './poll.ts'

/** A running instance of the product, as `npm start` makes it. */
export interface RunningInstance {
  readonly data: string
  readonly process: ChildProcess
  /** What it has printed so far. */
  readonly output: () => string
  /** Ends it as Ctrl-C does; resolves with its exit code. */
  readonly interrupt: () => Promise<number | null>
}

/** Starts an instance, of this source tree unless another is named, and waits for its line that begins with `ready`. */
export async function startInstance(
  data: string,
  args: readonly string[],
  tree = repository,
): Promise<RunningInstance> {
  const child = spawn(process.execPath, ['scripts/medledger.js', 'start', '--data', data, ...args], {
    cwd: tree,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  const ended = new Promise<number | null>((resolve) => {
    child.on('exit', (code) => resolve(code))
  })
  try {
    await poll('the line "ready"', () => readiness(output, child), { deadlineMs: 90_000 })
  } catch (error) {
    child.kill('SIGTERM')
    throw new Error(`${String(error)}\n${output}`, { cause: error })
  }
  return {
    data,
    process: child,
    output: () => output,
    interrupt() {
      child.kill('SIGINT')
      return ended
    },
  }
}

function readiness(output: string, child: ChildProcess): true | undefined {
  if (child.exitCode !== null) throw new Error(`the instance ended with code ${child.exitCode}`)
  return /^ready/m.test(output) ? true : undefined
}

/** The processes of a running instance, supervisor first. */
export function processesOf(data: string): number[] {
  const { pid, parts } = JSON.parse(readFileSync(join(data, 'instance.json'), 'utf8')) as {
    readonly pid: number
    readonly parts: readonly { readonly pid?: number }[]
  }
  return [pid, ...parts.flatMap((part) => (part.pid === undefined ? [] : [part.pid]))]
}

/** The process of one part of an instance on the embedded network. Errors: when there is none. */
export function processOf(data: string, part: string): number {
  const { parts } = JSON.parse(readFileSync(join(data, 'instance.json'), 'utf8')) as {
    readonly parts: readonly { readonly name: string; readonly pid?: number }[]
  }
  const pid = parts.find(({ name }) => name === part)?.pid
  if (pid === undefined) throw new Error(`${part} is no process that runs`)
  return pid
}

/** Stops or starts one part of a running instance. */
export async function control(data: string, action: 'stop' | 'start', part: string): Promise<void> {
  const { code, stderr } = await medledger([action, part, '--data', data])
  if (code !== 0) throw new Error(`medledger ${action} ${part} ended with ${code}: ${stderr}`)
}

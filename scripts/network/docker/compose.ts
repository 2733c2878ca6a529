import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'

/** How Docker Compose is called: version 2 as a plugin of docker, or the program of version 1. */
export type ComposeCommand = readonly [program: string, ...args: string[]]

export interface ComposeOptions {
  readonly command: ComposeCommand
  /** Folder of `docker-compose.yml`. */
  readonly directory: string
  readonly project: string
  readonly environmentFile: string
}

/** What a program printed, and how it ended. */
export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface RunOptions {
  /** Hears each line of standard output as it comes. */
  readonly onLine?: (line: string) => void
  /** Hears standard error as it comes. */
  readonly onError?: (text: string) => void
  readonly directory?: string
}

/** Runs a program without a shell. Errors: when it cannot be started. */
export async function run(
  [program = '', ...args]: readonly string[],
  { onLine, onError, directory }: RunOptions = {},
): Promise<Ended> {
  const child = spawn(program, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] })
  let err = ''
  let out = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
    onError?.(text)
  })
  const lines = createInterface(child.stdout)
  lines.on('line', (line) => {
    out += `${line}\n`
    onLine?.(line)
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code: code ?? 1, out, err }
}

/** Whether a program can be run and says so by its exit code. */
async function works(command: readonly string[]): Promise<boolean> {
  try {
    return (await run(command)).code === 0
  } catch {
    return false
  }
}

/** The Compose of this machine. Errors: one line that says what to install. */
export async function findCompose(): Promise<ComposeCommand> {
  if (!(await works(['docker', 'version'])))
    throw new Error(
      'Docker does not answer: install Docker Engine, start it, and make sure that this user may use it (`docker version`).',
    )
  if (await works(['docker', 'compose', 'version'])) return ['docker', 'compose']
  if (await works(['docker-compose', 'version'])) return ['docker-compose']
  throw new Error('Docker Compose is missing: install the plugin of version 2, or docker-compose 1.29.')
}

/** One container of the network. */
export interface ContainerState {
  readonly service: string
  readonly running: boolean
  /** `healthy`, `unhealthy` or `starting`; empty without a health check. */
  readonly health: string
  /** Memory that it uses, in bytes; undefined when it is stopped. */
  readonly memoryBytes?: number
}

export interface Compose {
  /** Runs a command of Compose. Errors: one line with the last thing that it said. */
  run(args: readonly string[], options?: RunOptions): Promise<string>
  /** Runs a command of Compose that may fail; gives its exit code. */
  attempt(args: readonly string[], options?: RunOptions): Promise<number>
  /** Id of a service's container. Errors: when it has none. */
  container(service: string): Promise<string>
  /** The containers there are, stopped ones included, sorted by service. */
  containers(): Promise<readonly ContainerState[]>
}

/** The last line that says something, for an error of one line. */
const lastLine = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .findLast((line) => line !== '') ?? 'it said nothing'

export function createCompose({ command, directory, project, environmentFile }: ComposeOptions): Compose {
  const common = [
    ...command,
    '--project-name',
    project,
    '--env-file',
    environmentFile,
    '--file',
    'docker-compose.yml',
    '--profile',
    'development',
  ]
  const runCompose = async (args: readonly string[], options: RunOptions = {}): Promise<string> => {
    const { code, out, err } = await run([...common, ...args], { ...options, directory })
    if (code !== 0) throw new Error(`docker compose ${args[0]} failed: ${lastLine(err === '' ? out : err)}`)
    return out
  }
  return {
    run: runCompose,
    attempt: async (args, options) => (await run([...common, ...args], { ...options, directory })).code,
    async container(service) {
      const labels = [`project=${project}`, `service=${service}`, 'oneoff=False']
      const filters = labels.flatMap((label) => ['--filter', `label=com.docker.compose.${label}`])
      const [id = ''] = (await docker(['ps', '--all', '--quiet', ...filters])).split('\n')
      if (id === '')
        throw new Error(`${service} has no container: bring the network up with medledger network up.`)
      return id
    },
    async containers() {
      const filter = `label=com.docker.compose.project=${project}`
      const ids = (await docker(['ps', '--all', '--quiet', '--filter', filter])).split('\n').filter(Boolean)
      if (ids.length === 0) return []
      const inspected = JSON.parse(await docker(['inspect', ...ids])) as readonly InspectedContainer[]
      const memory = await memoryOf(ids)
      return inspected
        .filter(({ Config }) => Config.Labels['com.docker.compose.oneoff'] !== 'True')
        .map(({ Id, Config, State }) => ({
          service: Config.Labels['com.docker.compose.service'] ?? '',
          running: State.Running && !State.Paused,
          health: State.Health?.Status ?? '',
          ...(memory.has(Id) && { memoryBytes: memory.get(Id) ?? 0 }),
        }))
        .toSorted((one, other) => (one.service < other.service ? -1 : 1))
    },
  }
}

interface InspectedContainer {
  readonly Id: string
  readonly Config: { readonly Labels: Readonly<Record<string, string>> }
  readonly State: {
    readonly Running: boolean
    readonly Paused: boolean
    readonly Health?: { readonly Status: string }
  }
}

/** Runs docker itself. Errors: one line with the last thing that it said. */
export async function docker(args: readonly string[]): Promise<string> {
  const { code, out, err } = await run(['docker', ...args])
  if (code !== 0) throw new Error(`docker ${args[0]} failed: ${lastLine(err === '' ? out : err)}`)
  return out
}

/**
 * Runs docker itself with a file as its standard input or output, whatever is in it. Errors: one line with the last thing that
 * it said.
 */
export async function dockerWithFile(
  args: readonly string[],
  { from, to }: { readonly from?: string; readonly to?: string },
): Promise<void> {
  const input = from === undefined ? undefined : await open(from, 'r')
  const output = to === undefined ? undefined : await open(to, 'wx', 0o600)
  try {
    await runBetween(args, input?.fd, output?.fd)
    await output?.sync()
  } finally {
    await input?.close()
    await output?.close()
  }
}

async function runBetween(
  args: readonly string[],
  input: number | undefined,
  output: number | undefined,
): Promise<void> {
  const child = spawn('docker', args, { stdio: [input ?? 'ignore', output ?? 'ignore', 'pipe'] })
  let err = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`docker ${args[0]} failed: ${lastLine(err)}`)
}

const units: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

async function memoryOf(ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const format = '{{.ID}} {{.MemUsage}}'
  const text = await docker(['stats', '--no-stream', '--no-trunc', '--format', format, ...ids])
  const rows = text.split('\n').flatMap((line): [string, number][] => {
    const found = /^([0-9a-f]{64}) ([\d.]+)([A-Za-z]+) \//.exec(line)
    if (found === null) return []
    const [, id = '', amount = '0', unit = 'B'] = found
    const bytes = Math.round(Number(amount) * (units[unit] ?? 1))
    return bytes === 0 ? [] : [[id, bytes]]
  })
  return new Map(rows)
}

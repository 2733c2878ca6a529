import { Interrupted, startInstance } from '../../start/start.ts'
import type { TopologyName } from '../../start/topologies.ts'
import { exitCodes, Failure } from '../exit-codes.ts'
import type { Output } from '../output.ts'

export interface StartCommandOptions {
  readonly data: string
  readonly port?: number
  readonly reset?: true
  readonly demo: boolean
  readonly topology?: TopologyName
}

/** npm takes what stands before `--` for settings of its own, and tells of it in the environment only. */
function requireNothingKeptByNpm(environment: NodeJS.ProcessEnv): void {
  if (environment.npm_lifecycle_event !== 'start') return
  const settings = ['data', 'port', 'reset', 'topology', 'demo']
  const kept = settings.filter((name) => environment[`npm_config_${name}`] !== undefined)
  if (kept.length === 0) return
  const options = kept.map((name) => (name === 'demo' ? '--no-demo' : `--${name}`)).join(', ')
  const message = `npm has kept ${options} to itself; options go after --, as in npm start -- --port 7800.`
  throw new Failure(exitCodes.badInput, message)
}

/** `medledger start`: runs an instance until it is stopped. Errors: exit 1 with one line; 2 for options that npm has kept. */
export async function start(options: StartCommandOptions, output: Output): Promise<void> {
  requireNothingKeptByNpm(process.env)
  const { data, port, reset, demo, topology } = options
  try {
    const running = await startInstance(
      {
        data,
        demo,
        reset: reset === true,
        ...(port !== undefined && { port }),
        ...(topology && { topology }),
      },
      { isTerminal: output.isTerminal, write: output.out, now: () => performance.now() },
    )
    await running.stopped
  } catch (error) {
    if (error instanceof Interrupted) return
    throw new Failure(exitCodes.error, (error as Error).message, { cause: error })
  }
}

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

/** `medledger start`: runs an instance until it is stopped. Errors: exit 1 with one line. */
export async function start(options: StartCommandOptions, output: Output): Promise<void> {
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

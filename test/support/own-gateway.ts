import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gatewayPlan } from '../../scripts/start/parts.ts'
import { pathsIn } from '../../scripts/start/paths.ts'
import { prepare, type Prepared } from '../../scripts/start/prepare.ts'
import { readInstanceSettings } from '../../scripts/start/settings.ts'
import { control } from './instance.ts'
import { poll } from './poll.ts'

/** A gateway that the test has started itself, so that it sees how it ends. */
export interface OwnGateway {
  signal(signal: NodeJS.Signals): void
  /** Its exit code; undefined while it runs. */
  readonly exitCode: () => number | null | undefined
  /** Lines of its log. */
  log(): string
}

/** What an instance has been started from. */
export async function preparedOf(data: string): Promise<Prepared> {
  const paths = pathsIn(data)
  return prepare(await readInstanceSettings(paths), paths)
}

/** Stops an instance's gateway and starts another process of the same program in its place. */
export async function startOwnGateway(
  prepared: Prepared,
  organisation: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<OwnGateway> {
  const { paths } = prepared
  await control(paths.root, 'stop', `gateway-${organisation}`)
  const plan = gatewayPlan(prepared, organisation)
  const file = join(paths.logs, `own-${organisation}.log`)
  const log = openSync(file, 'w')
  let isReady = false
  let code: number | null | undefined
  const child = spawn(process.execPath, [...plan.command], {
    cwd: plan.directory,
    env: { ...plan.environment, ...environment },
    stdio: ['ignore', log, log, 'ipc'],
  })
  closeSync(log)
  child.on('message', () => {
    isReady = true
  })
  child.on('exit', (exitCode) => {
    code = exitCode
  })
  await poll(`the gateway of ${organisation}`, () => {
    if (code !== undefined) throw new Error(`it ended with ${code}: ${readFileSync(file, 'utf8')}`)
    return isReady ? true : undefined
  })
  return {
    signal: (signal) => void child.kill(signal),
    exitCode: () => code,
    log: () => readFileSync(file, 'utf8'),
  }
}

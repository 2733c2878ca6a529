import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import type { Constitution } from 'medledger-chaincode/api'
import { gatewayPlan } from '../../scripts/start/parts.ts'
import type { Prepared } from '../../scripts/start/prepare.ts'
import { control, startInstance } from './instance.ts'
import { openNetwork, type Network } from './network.ts'
import { preparedOf } from './own-gateway.ts'
import { poll } from './poll.ts'

const entry = fileURLToPath(new URL('killable-gateway.ts', import.meta.url))

/** A step of a gateway, e.g. `order.send RequestAccess`, and which one of that name since the recording began. */
export interface KillPoint {
  readonly label: string
  readonly occurrence: number
}

/** A gateway in a process of its own that dies at the step that it is told. */
export interface KillableGateway {
  start(): Promise<void>
  /** Undefined takes an earlier point back. */
  arm(point: KillPoint | undefined): Promise<void>
  isRunning(): boolean
  /** Forgets the steps so far. */
  record(): void
  steps(): readonly string[]
  /** Rows of its database. */
  rows<Row>(table: 'outbox' | 'releases'): Row[]
  stop(): void
}

/** An instance of the product whose gateways are killable ones. */
export interface KillRig {
  readonly network: Network
  readonly gateways: Readonly<Record<string, KillableGateway>>
  close(): Promise<void>
}

function killable(prepared: Prepared, organisation: string): KillableGateway {
  const plan = gatewayPlan(prepared, organisation)
  const database = join(prepared.paths.gateway(organisation).data, 'gateway.sqlite')
  let child: ChildProcess | undefined
  let steps: string[] = []
  let armed = false

  const isRunning = (): boolean => child?.exitCode === null && child.signalCode === null
  return {
    isRunning,
    async start() {
      const log = openSync(join(prepared.paths.logs, `killable-${organisation}.log`), 'a')
      let isReady = false
      const started = spawn(process.execPath, [entry], {
        cwd: plan.directory,
        env: plan.environment,
        stdio: ['ignore', log, log, 'ipc'],
      })
      closeSync(log)
      child = started
      started.on('message', (message: { readonly type: string; readonly label?: string }) => {
        if (message.type === 'ready') isReady = true
        if (message.type === 'armed') armed = true
        if (message.label !== undefined) steps.push(message.label)
      })
      const ready = (): true | undefined => {
        if (!isRunning()) throw new Error(`the gateway of ${organisation} has ended`)
        return isReady ? true : undefined
      }
      await poll(`the gateway of ${organisation}`, ready, { deadlineMs: 90_000 })
    },
    async arm(point) {
      armed = false
      child?.send({ ...(point !== undefined && { kill: point }) }, () => undefined)
      await poll('the gateway to be armed', () => (armed || !isRunning() ? true : undefined))
    },
    record() {
      steps = []
    },
    steps: () => steps,
    rows<Row>(table: string) {
      const opened = new DatabaseSync(database, { readOnly: true })
      try {
        opened.exec('PRAGMA busy_timeout = 2000')
        return opened.prepare(`SELECT * FROM ${table}`).all() as Row[]
      } finally {
        opened.close()
      }
    },
    stop: () => void child?.kill('SIGKILL'),
  }
}

/** Starts an instance without demonstration data, and killable gateways in place of its own. */
export async function startKillRig(firstPort: number): Promise<KillRig> {
  const data = await mkdtemp(join(tmpdir(), 'medledger-kill-'))
  const instance = await startInstance(data, ['--no-demo', '--port', String(firstPort)])
  const cleanUps = [
    async () => {
      await instance.interrupt()
      await rm(data, { recursive: true, force: true })
    },
  ]
  const close = async (): Promise<void> => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp()
  }
  try {
    return { ...(await takeOver(data, cleanUps)), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function takeOver(data: string, cleanUps: (() => Promise<void>)[]): Promise<Omit<KillRig, 'close'>> {
  const record = JSON.parse(readFileSync(join(data, 'instance.json'), 'utf8')) as {
    readonly topology: { readonly constitution: Constitution }
    readonly gateways: readonly { readonly organisation: string; readonly url: string }[]
  }
  const prepared = await preparedOf(data)
  const { constitution } = record.topology
  const names = constitution.organisations.map(({ name }) => name)
  for (const name of names) await control(data, 'stop', `gateway-${name}`)
  const gateways = Object.fromEntries(names.map((name) => [name, killable(prepared, name)]))
  cleanUps.push(async () => {
    for (const gateway of Object.values(gateways)) gateway.stop()
  })
  await Promise.all(Object.values(gateways).map((gateway) => gateway.start()))
  const addresses = Object.fromEntries(record.gateways.map(({ organisation, url }) => [organisation, url]))
  return {
    network: await openNetwork({ kind: 'embedded', constitution, gateways: addresses, data }),
    gateways,
  }
}

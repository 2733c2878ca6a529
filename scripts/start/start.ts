import { appendFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { allPorts, defaultFirstPort } from '../network/topology.ts'
import { addressesOf } from './addresses.ts'
import { bootstrapPlanOf } from './bootstrap-steps.ts'
import { renderBox } from './box.ts'
import { runChecklist, type ChecklistOutput, type ChecklistStep } from './checklist.ts'
import { serveControl, type ControlServer } from './control.ts'
import { demoStep, loadDemo, storyDocument } from './demo.ts'
import {
  readMarker,
  resetDirectory,
  takeDirectory,
  topologyOf,
  writeMarker,
  type Marker,
} from './directory.ts'
import { removeInstance, writeInstance } from './instance.ts'
import { openJournal, type Journal } from './journal.ts'
import { defaultDirectory, pathsIn, type Paths } from './paths.ts'
import { requireFreePorts } from './ports.ts'
import { prepare, type Prepared } from './prepare.ts'
import { createSupervisor, type Supervisor } from './supervisor.ts'
import type { TopologyName } from './topologies.ts'

export interface StartOptions {
  readonly data: string
  readonly port?: number
  readonly reset: boolean
  readonly demo: boolean
  readonly topology?: TopologyName
}

export interface StartOutput extends ChecklistOutput {
  readonly now: () => number
}

/** A running instance. */
export interface Running {
  /** Resolves when everything has been stopped, by a signal or by `medledger stop`. */
  readonly stopped: Promise<void>
  stop(): void
}

/** Starts an instance and shows how. Errors: one line each; what had been started is stopped again. */
export async function startInstance(options: StartOptions, output: StartOutput): Promise<Running> {
  const begin = output.now()
  const paths = pathsIn(resolve(options.data))
  const lock = await takeDirectory(paths)
  const cleanUps: (() => Promise<void> | void)[] = [() => lock.release()]
  const stopped = Promise.withResolvers<void>()
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      for (const cleanUp of cleanUps.toReversed()) await cleanUp()
      stopped.resolve()
    })()
    return stopping
  }
  const interrupted = untilSignal(() => void stop())
  try {
    const marker = await settle(paths, options)
    await Promise.race([bringUp({ paths, marker, options, output, cleanUps, begin, stop }), interrupted])
  } catch (error) {
    await stop()
    throw error
  }
  return { stopped: stopped.promise, stop: () => void stop() }
}

/** npm passes on the signal that a terminal has already sent to everybody: what comes so soon is the same Ctrl-C. */
const sameSignalMs = 1000

/** Stops on the usual signals; a later one ends at once. Rejects when the first comes while starting. */
function untilSignal(stop: () => void): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => undefined)
  let first: number | undefined
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (first !== undefined) {
        if (performance.now() - first > sameSignalMs) process.exit(1)
        return
      }
      first = performance.now()
      stop()
      reject(new Interrupted())
    })
  }
  return promise
}

/** The start was interrupted on purpose; everything has been stopped again. */
export class Interrupted extends Error {
  constructor() {
    super('Stopped.')
    this.name = 'Interrupted'
  }
}

/** What the directory is for, from what it says and what was asked for. */
async function settle(paths: Paths, { port, topology, reset }: StartOptions): Promise<Marker> {
  if (reset) await resetDirectory(paths)
  const known = await readMarker(paths)
  requireEmbedded(paths, known)
  const marker = {
    topology: topology ?? known?.topology ?? 'demo',
    firstPort: port ?? known?.firstPort ?? defaultFirstPort,
  }
  if (known !== undefined) requireSame(paths, known, marker)
  await requireFreePorts(allPorts(topologyOf(marker)))
  await writeMarker(paths, marker)
  return marker
}

function requireEmbedded({ root }: Paths, known: Marker | undefined): void {
  if (known?.network === 'docker')
    throw new Error(`${root} has a network of containers: see medledger network, or use another --data.`)
}

/** Errors: one line when a directory's instance would become another one. */
function requireSame({ root }: Paths, known: Marker, marker: Marker): void {
  if (known.topology !== marker.topology)
    throw new Error(`${root} has the topology ${known.topology}: use another --data, or --reset.`)
  // The ledger knows people by the addresses of their identity providers.
  if (known.firstPort !== marker.firstPort)
    throw new Error(`${root} has the ports from ${known.firstPort} on: use another --data, or --reset.`)
}

interface BringUp {
  readonly paths: Paths
  readonly marker: Marker
  readonly options: StartOptions
  readonly output: StartOutput
  readonly cleanUps: (() => Promise<void> | void)[]
  readonly begin: number
  readonly stop: () => Promise<void>
}

interface Started {
  readonly prepared: Prepared
  /** Whether the ledger lacks placements, keys or people. */
  readonly isNew: boolean
  readonly supervisor: Supervisor
}

async function bringUp(context: BringUp): Promise<void> {
  const { paths, marker, options, output, cleanUps, begin, stop } = context
  let started: Started | undefined
  const get = (): Started => {
    if (started === undefined) throw new Error('The instance has not been prepared.')
    return started
  }
  const steps: ChecklistStep[] = [
    {
      title: 'Certificates, keys and settings',
      run: async () => {
        const prepared = await prepare(topologyOf(marker), paths)
        started = await watchOver(prepared, cleanUps, stop)
      },
    },
    {
      title: 'Network and chaincode of three organisations',
      run: async () => {
        const { supervisor, isNew } = get()
        const network = supervisor.startNetwork()
        supervisor.launchProviders()
        // They find the network when it is there. On a new one they would only compete with the bootstrap.
        if (!isNew) supervisor.launchGateways()
        await network
      },
    },
    {
      title: 'Placements, issuer keys and people',
      run: async () => (get().isNew ? get().supervisor.runBootstrap() : undefined),
    },
    {
      title: 'Gateways and identity providers',
      run: async () => {
        get().supervisor.launchGateways()
        await get().supervisor.gatewaysReady()
      },
    },
    ...(options.demo ? [{ title: 'Demonstration documents', run: () => demonstrate(get()) }] : []),
  ]
  await runChecklist(steps, output)
  const { supervisor, prepared } = get()
  supervisor.settle()
  output.write(
    renderBox({
      title: 'Medledger: embedded network, invented data, not for real patients.',
      addresses: addressesOf(prepared.topology),
      people: prepared.people,
      document: options.demo ? storyDocument : undefined,
      dataOption: paths.root === resolve(defaultDirectory) ? '' : ` --data ${paths.root}`,
      stop: 'Stop with Ctrl-C.',
    }),
  )
  const seconds = ((output.now() - begin) / 1000).toFixed(1)
  output.write(`ready after ${seconds} s: ${supervisor.gateways.map(({ url }) => url).join(' ')}\n`)
}

/** Creates supervisor, control socket and record, each with what undoes it. */
async function watchOver(
  prepared: Prepared,
  cleanUps: BringUp['cleanUps'],
  stop: () => Promise<void>,
): Promise<Started> {
  const { paths, topology } = prepared
  const file = join(paths.logs, 'supervisor.log')
  const log = (line: string): void =>
    appendFileSync(file, `${new Date().toISOString()} ${line}\n`, { mode: 0o600 })
  let control: ControlServer | undefined
  let recording: Promise<void> = Promise.resolve()
  let isOver = false
  const record = (): void => {
    if (control === undefined || isOver) return
    const { path } = control
    recording = recording.then(() =>
      writeInstance(paths, {
        network: 'embedded',
        pid: process.pid,
        control: path,
        topology,
        gateways: [...supervisor.gateways],
        parts: [...supervisor.processes()],
      }),
    )
  }
  const supervisor = createSupervisor(prepared, { log, onChange: record })
  control = await serveControl(paths.control, { ...supervisor, stopAll: () => void stop() })
  cleanUps.push(async () => {
    isOver = true
    await recording
    await removeInstance(paths)
    await control?.close()
  })
  cleanUps.push(() => supervisor.stopEverything())
  record()
  return { prepared, supervisor, isNew: isIncomplete(prepared, await openJournal(paths.journal)) }
}

/** Whether the bootstrap has anything to do: a warm start has not. */
function isIncomplete({ topology, issuers, people }: Prepared, journal: Journal): boolean {
  const { first, rest } = bootstrapPlanOf(topology, issuers, people)
  return [...first, ...rest].some(({ key }) => !journal.has(key))
}

async function demonstrate({ prepared, supervisor }: Started): Promise<void> {
  const { topology, people, paths } = prepared
  // Opened again, because the bootstrap process has written to it since.
  const journal = await openJournal(paths.journal)
  if (journal.has(demoStep)) return
  const { constitution } = topology
  const secret = (await readFile(paths.developmentSecret, 'utf8')).trim()
  await loadDemo({ constitution, gateways: supervisor.gateways, people, secret })
  await journal.add(demoStep)
}

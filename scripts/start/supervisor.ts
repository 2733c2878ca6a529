import { portsOf } from '../network/topology.ts'
import { localUrl } from './addresses.ts'
import { createChild, type Child } from './child.ts'
import type { ControlHandler } from './control.ts'
import { createNetworkParts, type NetworkParts } from './network-parts.ts'
import { createPartControl } from './part-control.ts'
import { bootstrapPlan, chaincodePlan, gatewayPlan, networkPlan, providerPlan } from './parts.ts'
import type { Prepared } from './prepare.ts'
import type { GatewayAddress } from './topologies.ts'
import { isOpen, isReady, waitUntil } from './wait.ts'

/** The processes of one instance, started in their order and watched over. */
export interface Supervisor extends Omit<ControlHandler, 'stopAll'> {
  readonly gateways: readonly GatewayAddress[]
  /** Starts network and chaincode; resolves when every chaincode has registered with its peer. */
  startNetwork(): Promise<void>
  /** Runs the bootstrap to its end. Errors: its last words. */
  runBootstrap(): Promise<void>
  /** Starts the gateways without waiting for them. */
  launchGateways(): void
  /** Starts the identity providers without waiting for them. */
  launchProviders(): void
  /** Resolves when every gateway and every identity provider serves. */
  gatewaysReady(): Promise<void>
  /** From now on what crashes is started again, instead of ending the start. */
  settle(): void
  /** Gateways first, so that nothing new reaches a network that is closing. */
  stopEverything(): Promise<void>
  processes(): readonly { readonly name: string; readonly pid?: number }[]
}

export interface SupervisorOptions {
  readonly log: (line: string) => void
  readonly onChange: () => void
}

const startTimeoutMs = 60_000
const pollMs = 100

const isNotice = (message: unknown, type: string): boolean =>
  typeof message === 'object' && message !== null && (message as { type?: unknown }).type === type

interface Processes {
  readonly network: Child
  readonly chaincodes: readonly Child[]
  readonly gateways: readonly Child[]
  readonly providers: readonly Child[]
  readonly networkParts: NetworkParts
  readonly networkReady: Promise<void>
  /** Rejects with the reason when a process ends before `settle`; those who wait race with it. */
  readonly failure: Promise<never>
  settle(): void
}

/** The processes, and what happens when one of them crashes: the start fails, or later it is started again. */
function createProcesses(
  prepared: Prepared,
  { log, onChange }: SupervisorOptions,
  onListening: () => void,
): Processes {
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => undefined)
  const networkReady = Promise.withResolvers<void>()
  let isSettled = false
  const common = {
    logs: prepared.paths.logs,
    onChange,
    onCrash(name: string, reason: string): boolean {
      log(`${name} ended: ${reason}`)
      if (name === 'network') networkParts.lost()
      if (!isSettled) failure.reject(new Error(reason))
      return isSettled
    },
  }
  const onMessage = (message: unknown): void => {
    networkParts.receive(message)
    if (isNotice(message, 'ready')) networkReady.resolve()
    if (isNotice(message, 'listening')) onListening()
  }
  const network = createChild(networkPlan(prepared), { ...common, onMessage })
  const networkParts = createNetworkParts((message) => network.send(message))
  const names = organisationsOf(prepared)
  return {
    network,
    networkParts,
    chaincodes: names.map((name) => createChild(chaincodePlan(prepared, name), common)),
    gateways: names.map((name) => createChild(gatewayPlan(prepared, name), common)),
    providers: names.map((name) => createChild(providerPlan(prepared, name), common)),
    networkReady: networkReady.promise,
    failure: failure.promise,
    settle() {
      isSettled = true
    },
  }
}

const organisationsOf = ({ topology }: Prepared): readonly string[] =>
  topology.constitution.organisations.map(({ name }) => name)

/** Creates the processes of an instance without starting any. */
export function createSupervisor(prepared: Prepared, options: SupervisorOptions): Supervisor {
  const processes = createProcesses(prepared, options, () => parts.keepStopped())
  const { network, chaincodes, gateways, providers, networkParts, failure } = processes
  const children = [...gateways, ...chaincodes, ...providers]
  const organisations = organisationsOf(prepared)
  const parts = createPartControl({
    children,
    network,
    inNetwork: ['orderer', ...organisations.map((name) => `peer-${name}`)],
    networkParts,
    answers: (part) => answering(part, prepared),
    log: options.log,
  })
  const addresses = organisations.map((organisation) => ({
    organisation,
    url: localUrl(portsOf(prepared.topology, organisation).gateway),
  }))
  const orFailure = <Value>(work: Promise<Value>): Promise<Value> => Promise.race([work, failure])

  return {
    ...parts,
    gateways: addresses,
    async startNetwork() {
      for (const child of [network, ...chaincodes]) child.start()
      await orFailure(withTimeout(processes.networkReady, 'The network did not become ready'))
    },
    runBootstrap: () => orFailure(runBootstrap(prepared)),
    launchGateways() {
      for (const child of gateways) child.start()
    },
    launchProviders() {
      for (const child of providers) child.start()
    },
    gatewaysReady: () =>
      orFailure(
        Promise.all([allReady(addresses), ...providers.map(({ name }) => answering(name, prepared))]).then(
          () => undefined,
        ),
      ),
    settle: () => processes.settle(),
    async stopEverything() {
      processes.settle()
      await Promise.all([...gateways, ...providers].map((child) => child.stop()))
      await network.stop()
      await Promise.all(chaincodes.map((child) => child.stop()))
    },
    processes: () =>
      [network, ...children].map(({ name, pid }) => (pid === undefined ? { name } : { name, pid })),
  }
}

const patience = { timeoutMs: startTimeoutMs, intervalMs: pollMs } as const

async function allReady(addresses: readonly GatewayAddress[]): Promise<void> {
  const waits = addresses.map(({ url, organisation }) =>
    waitUntil(`That the gateway of ${organisation} is ready`, () => isReady(url), patience),
  )
  await Promise.all(waits)
}

/** A gateway answers when it says that it is ready, the others when their port is open. */
async function answering(part: string, { topology }: Prepared): Promise<void> {
  const organisation = part.slice(part.indexOf('-') + 1)
  const ports = portsOf(topology, organisation)
  const isAnswering = part.startsWith('gateway-')
    ? () => isReady(localUrl(ports.gateway))
    : () => isOpen(part.startsWith('provider-') ? ports.provider : ports.chaincode)
  await waitUntil(`That ${part} answers`, isAnswering, patience)
}

async function withTimeout(work: Promise<void>, what: string): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(new Error(`${what} within ${startTimeoutMs / 1000} s.`)),
    startTimeoutMs,
  )
  try {
    await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}

/** The bootstrap process ends by itself; only another exit code than 0 is a crash. */
function runBootstrap(prepared: Prepared): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  createChild(bootstrapPlan(prepared), {
    logs: prepared.paths.logs,
    onCrash(_name, reason, succeeded) {
      if (succeeded) resolve()
      else reject(new Error(reason))
      return false
    },
    onChange: () => undefined,
  }).start()
  return promise
}

import './quiet-sdk.ts'
import { fork, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  DefaultEventHandlerStrategies,
  Gateway,
  type Contract,
  type GatewayOptions,
  type Network,
} from 'fabric-network'
import {
  chaincodeCommand,
  chaincodeEnvironment,
} from '../../../../scripts/network/embedded/chaincode/environment.ts'
import type { Credentials, KeyPair } from '../../../../scripts/network/issue.ts'
import { connectionProfile, credentialsOf } from '../../../../scripts/network/profile.ts'
import type { Topology } from '../../../../scripts/network/topology.ts'

const probe = fileURLToPath(new URL('../../../support/chaincode-probe', import.meta.url))
const networkMain = fileURLToPath(new URL('../../../../scripts/network/embedded/main.ts', import.meta.url))

/** A directory that is removed at the end of the test file. */
export function temporaryDirectory(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'medledger-network-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

const pollMs = 10

/** Resolves when the condition holds. Errors: after the deadline, naming what was waited for. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 10_000,
): Promise<void> {
  const end = Date.now() + deadlineMs
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what} did not come about within ${deadlineMs} ms`)
    await new Promise((resolve) => {
      setTimeout(resolve, pollMs)
    })
  }
}

/** Resolves with the process's exit code or signal. */
export const exited = (child: ChildProcess): Promise<number | string | null> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode ?? child.signalCode)
    else child.once('exit', (code, signal) => resolve(code ?? signal))
  })

/** Starts an organisation's chaincode process. */
export function startChaincode(
  topology: Topology,
  credentials: Credentials,
  organisation: string,
): ChildProcess {
  return spawn(process.execPath, [...chaincodeCommand()], {
    cwd: probe,
    env: {
      ...process.env,
      CORE_CHAINCODE_LOGGING_LEVEL: 'CRITICAL',
      ...chaincodeEnvironment(topology, credentials, organisation),
    },
    stdio: 'ignore',
  })
}

/** The network in a process of its own. */
export interface NetworkProcess {
  readonly child: ChildProcess
  /** The first notice of this type, or an error with what the process said when it ended before. */
  readonly notice: (type: string) => Promise<{ readonly heights: Record<string, number> }>
}

export function startNetworkProcess(settings: {
  topology: Topology
  credentialsDirectory: string
  directory: string
}): NetworkProcess {
  const file = join(settings.credentialsDirectory, 'settings.json')
  writeFileSync(file, JSON.stringify(settings))
  const child = fork(networkMain, [file], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] })
  const notices = new Map<string, { heights: Record<string, number> }>()
  let errors = ''
  child.on('message', (message: { type: string; heights: Record<string, number> }) => {
    notices.set(message.type, message)
  })
  child.stderr?.on('data', (content: Buffer) => {
    errors += content.toString()
  })
  return {
    child,
    async notice(type) {
      await eventually(`the notice ${type}`, () => {
        if (child.exitCode !== null) throw new Error(errors.trim())
        return notices.has(type)
      })
      return notices.get(type) ?? { heights: {} }
    },
  }
}

export interface ClientConnection {
  readonly gateway: Gateway
  readonly network: Network
  readonly contract: Contract
}

/** A client of an organisation, through the unmodified SDK. */
export async function connectClient(
  topology: Topology,
  credentials: Credentials,
  organisation: string,
  identity: { readonly mspId: string; readonly pair: KeyPair } = {
    mspId: credentialsOf(credentials, organisation).mspId,
    pair: credentialsOf(credentials, organisation).gateway,
  },
): Promise<ClientConnection> {
  const gateway = new Gateway()
  const { certificate, privateKey } = identity.pair
  const options: GatewayOptions = {
    identity: {
      type: 'X.509',
      mspId: identity.mspId,
      credentials: { certificate, privateKey },
    } as GatewayOptions['identity'] & object,
    discovery: { enabled: false },
    eventHandlerOptions: {
      strategy: DefaultEventHandlerStrategies.MSPID_SCOPE_ANYFORTX,
      commitTimeout: 10,
      endorseTimeout: 10,
    },
    queryHandlerOptions: { timeout: 5 },
    'connection-options': { 'grpc-wait-for-ready-timeout': 500 },
  }
  await gateway.connect({ ...connectionProfile(topology, credentials, organisation) }, options)
  const network = await gateway.getNetwork(topology.constitution.channel)
  return { gateway, network, contract: network.getContract(topology.chaincode.name) }
}

/** The text of what a promise is rejected with; empty when it is not. */
export const failureOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => '',
    (error: Error) => error.message,
  )

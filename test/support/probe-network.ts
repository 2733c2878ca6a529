import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  connectFabric,
  type FabricTimeouts,
  type LedgerLogLine,
  type LedgerTransport,
} from '../../gateway/src/ledger/index.ts'
import {
  chaincodeCommand,
  chaincodeEnvironment,
  startEmbeddedNetwork,
  type EmbeddedNetwork,
} from '../../scripts/network/embedded/index.ts'
import type { FabricIdentity } from '../../gateway/src/ledger/fabric/identity.ts'
import { issueCredentials } from '../../scripts/network/issue.ts'
import { credentialsOf } from '../../scripts/network/profile.ts'
import { demoTopology } from '../../scripts/network/topology.ts'

/** An embedded network whose chaincode is the probe. */
export interface ProbeNetwork {
  readonly network: EmbeddedNetwork
  readonly lines: readonly LedgerLogLine[]
  /** Halts an organisation's chaincode process, so that its peer is there but does not answer. */
  halt(organisation: string): void
  resume(organisation: string): void
  /** Who an organisation's gateway is on the channel. */
  identityOf(organisation: string): FabricIdentity
  connect(organisation: string, timeouts?: FabricTimeouts): Promise<LedgerTransport>
  close(): Promise<void>
}

const probeFolder = fileURLToPath(new URL('ledger-probe', import.meta.url))

const stopped = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else {
      child.once('exit', () => resolve())
      child.kill('SIGKILL')
    }
  })

export async function startProbeNetwork(firstPort: number): Promise<ProbeNetwork> {
  const topology = demoTopology(firstPort)
  const directory = await mkdtemp(join(tmpdir(), 'medledger-probe-'))
  const credentials = await issueCredentials(topology, join(directory, 'credentials'))
  const network = await startEmbeddedNetwork({
    topology,
    credentials,
    directory: join(directory, 'network'),
    log: () => undefined,
  })
  const chaincodes = new Map(
    topology.constitution.organisations.map(({ name }) => [
      name,
      spawn(process.execPath, [...chaincodeCommand()], {
        cwd: probeFolder,
        env: { ...process.env, ...chaincodeEnvironment(topology, credentials, name) },
        stdio: 'ignore',
      }),
    ]),
  )
  const identityOf = (organisation: string): FabricIdentity => {
    const { mspId, gateway } = credentialsOf(credentials, organisation)
    return { mspId, certificate: gateway.certificate, privateKey: gateway.privateKey }
  }
  const connections: LedgerTransport[] = []
  const lines: LedgerLogLine[] = []
  const close = async (): Promise<void> => {
    for (const connection of connections) connection.close()
    await network.close()
    await Promise.all([...chaincodes.values()].map(stopped))
    await rm(directory, { recursive: true, force: true })
  }
  await network.chaincodeReady()
  return {
    network,
    lines,
    identityOf,
    halt: (organisation) => void chaincodes.get(organisation)?.kill('SIGSTOP'),
    resume: (organisation) => void chaincodes.get(organisation)?.kill('SIGCONT'),
    async connect(organisation, timeouts = {}) {
      const connection = await connectFabric({
        ...timeouts,
        profile: network.connectionProfile(organisation),
        channel: topology.constitution.channel,
        chaincode: topology.chaincode.name,
        mspOf: (name) => credentialsOf(credentials, name).mspId,
        organisation,
        identity: identityOf(organisation),
        log: (line) => void lines.push(line),
      })
      connections.push(connection)
      return connection
    },
    close,
  }
}

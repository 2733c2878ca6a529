import { readFile } from 'node:fs/promises'
import { readIfPresent, replaceFile, writeBytesOnce } from '../../development/index.ts'
import { genesisBlock } from '../../network/docker/channel.ts'
import type { Compared } from '../../network/docker/compare.ts'
import type { Inspected } from '../../network/docker/inspect.ts'
import { portsOf, type Topology } from '../../network/topology.ts'
import { localUrl } from '../addresses.ts'
import { demoStep, loadDemo } from '../demo.ts'
import { writeInstance } from '../instance.ts'
import { openJournal } from '../journal.ts'
import { prepare, type Prepared } from '../prepare.ts'
import type { GatewayAddress } from '../topologies.ts'
import { isReady, waitUntil } from '../wait.ts'
import { containerUser, writeContainerFolders } from './folders.ts'
import type { DockerNetwork } from './open.ts'

/** Says how far a step is. */
export type Progress = (line: string) => void

export const gatewaysOf = (topology: Topology): readonly GatewayAddress[] =>
  topology.constitution.organisations.map(({ name }) => ({
    organisation: name,
    url: localUrl(portsOf(topology, name).gateway),
  }))

/** Writes certificates, keys, passwords, settings and the channel's first block where they are missing. */
export async function prepareFiles({ paths, topology }: DockerNetwork): Promise<Prepared> {
  const prepared = await prepare(topology, paths)
  await writeBytesOnce(paths.genesis, () => genesisBlock(topology, prepared.credentials, Date.now()))
  await writeContainerFolders(prepared)
  return prepared
}

/** A handful of invented people are asked for by tests and measurements. */
const demonstration = {
  MEDLEDGER_RATE_LIMIT_PERSON: '1000000',
  MEDLEDGER_RATE_LIMIT_ORGANISATION: '100000000',
  MEDLEDGER_RATE_LIMIT_REFUSED_TOKENS: '1000000',
}

/** The variables of `docker-compose.yml`; they come before all others, since Compose reads this file for every command. */
export async function writeEnvironment({ paths, topology }: Omit<DockerNetwork, 'compose'>): Promise<void> {
  const { uid, gid } = containerUser()
  const variables = {
    MEDLEDGER_STATE: paths.root,
    MEDLEDGER_USER: `${uid}:${gid}`,
    MEDLEDGER_OPERATOR: `${process.getuid?.() ?? uid}:${process.getgid?.() ?? gid}`,
    MEDLEDGER_CHAINCODE_ID: topology.chaincode.packageId,
    MEDLEDGER_DEVELOPMENT: 'true',
    MEDLEDGER_GATEWAYS: gatewaysOf(topology)
      .map(({ url }) => url)
      .join(' '),
    ...Object.fromEntries(
      topology.constitution.organisations.map(({ name }) => [
        `MEDLEDGER_PORT_${name.toUpperCase()}`,
        portsOf(topology, name).gateway,
      ]),
    ),
    ...demonstration,
  }
  const text = Object.entries(variables)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
  if ((await readIfPresent(paths.composeEnvironment)) !== text)
    await replaceFile(paths.composeEnvironment, text)
}

interface Line {
  readonly done?: string
  readonly inspected?: readonly Inspected[]
  readonly compared?: Compared
  readonly failed?: string
}

/** Runs the network's own commands in a container of the network; gives the last line, which says what was found. */
async function runInside(
  { compose, paths }: DockerNetwork,
  action: 'deploy' | 'inspect' | 'compare',
  progress: Progress,
): Promise<Line> {
  let last: Line = {}
  const onLine = (text: string): void => {
    const line = readLine(text)
    if (line === undefined) return
    last = line
    if (line.done !== undefined) progress(line.done)
  }
  const program = ['node', 'scripts/network/docker/main.ts', action, paths.networkSettings, paths.genesis]
  try {
    await compose.run(['run', '--rm', '-T', 'operator', ...program], { onLine })
  } catch (error) {
    throw last.failed === undefined ? error : new Error(last.failed, { cause: error })
  }
  return last
}

function readLine(text: string): Line | undefined {
  try {
    return JSON.parse(text) as Line
  } catch {
    return undefined
  }
}

/** Has orderers and peers join, and the chaincode installed, approved and committed; nothing is done twice. */
export const deploy = async (network: DockerNetwork, progress: Progress): Promise<void> =>
  void (await runInside(network, 'deploy', progress))

/** What peers and orderers say of themselves. */
export async function inspectNodes(network: DockerNetwork): Promise<readonly Inspected[]> {
  const { inspected = [] } = await runInside(network, 'inspect', () => {})
  return inspected
}

/** Compares the peers' chains, block by block. Errors: one line when a peer does not answer. */
export async function comparePeers(network: DockerNetwork): Promise<Compared> {
  const { compared } = await runInside(network, 'compare', () => {})
  if (compared === undefined) throw new Error('The comparison ended without a result.')
  return compared
}

/** Opens the placements and registers keys and people, with the operators' certificates. */
export async function bootstrap({ compose, paths }: DockerNetwork, progress: Progress): Promise<void> {
  const program = ['node', 'scripts/start/bootstrap.ts', paths.root]
  await compose.run(['run', '--rm', '-T', 'operator', ...program], {
    onLine: (line) => {
      if (line.endsWith(' is done')) progress(line)
    },
  })
}

/** Writes down where the network is, for the command line to find it. */
export const record = ({ paths, topology }: DockerNetwork): Promise<void> =>
  writeInstance(paths, { network: 'docker', topology, gateways: [...gatewaysOf(topology)] })

/** Hands in the demonstration documents, once. */
export async function demonstrate({ topology, people, paths }: Prepared): Promise<void> {
  const journal = await openJournal(paths.journal)
  if (journal.has(demoStep)) return
  const secret = (await readFile(paths.developmentSecret, 'utf8')).trim()
  const { constitution } = topology
  await loadDemo({ constitution, gateways: gatewaysOf(topology), people, secret })
  await journal.add(demoStep)
}

/** How long the gateways may take until they can serve. */
const readyMs = 120_000
const pollMs = 500

/** Errors: one line that names a gateway that does not become ready. */
export async function waitForGateways({ topology }: DockerNetwork): Promise<void> {
  await Promise.all(
    gatewaysOf(topology).map(({ organisation, url }) =>
      waitUntil(
        `The gateway of ${organisation} being ready (see medledger network logs)`,
        () => isReady(url),
        {
          timeoutMs: readyMs,
          intervalMs: pollMs,
        },
      ),
    ),
  )
}

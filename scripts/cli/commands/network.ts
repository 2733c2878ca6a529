import { Interrupted } from '../../start/start.ts'
import { resolve } from 'node:path'
import { backUp } from '../../start/docker/backup.ts'
import { refreshProviders } from '../../start/docker/folders.ts'
import { restoreNetwork } from '../../start/docker/restore.ts'
import { networkDown } from '../../start/docker/down.ts'
import { openDockerNetwork, type DockerNetwork } from '../../start/docker/open.ts'
import { networkState, type NetworkState } from '../../start/docker/state.ts'
import { comparePeers, deploy } from '../../start/docker/steps.ts'
import { networkUp, type NetworkOutput } from '../../start/docker/up.ts'
import type { TopologyName } from '../../start/topologies.ts'
import { exitCodes, Failure } from '../exit-codes.ts'
import type { CommonOptions } from '../options.ts'
import { table, writeJson, type Output } from '../output.ts'

export interface UpOptions extends CommonOptions {
  readonly port?: number
  readonly topology?: TopologyName
  readonly demo: boolean
}

/** Errors of what is below the command line, as one line with exit code 1. */
async function asFailure<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Failure || error instanceof Interrupted) throw error
    throw new Failure(exitCodes.error, (error as Error).message, { cause: error })
  }
}

const open = (data: string): Promise<DockerNetwork> =>
  openDockerNetwork(data).catch((error: unknown) => {
    throw new Failure(exitCodes.badInput, (error as Error).message, { cause: error })
  })

const progressTo =
  ({ err }: Pick<Output, 'err'>) =>
  (line: string): void =>
    err(`  ${line}\n`)

/** `medledger network up`: from nothing, or from where it was interrupted. */
export const up = ({ data, port, topology, demo }: UpOptions, output: Output): Promise<void> =>
  asFailure(() =>
    networkUp(
      { data, demo, ...(port !== undefined && { port }), ...(topology && { topology }) },
      networkOutput(output),
    ),
  )

/** `medledger network deploy`: joins, installs, approves and commits what is missing. */
export const networkDeploy = ({ data, json }: CommonOptions, output: Output): Promise<void> =>
  asFailure(async () => {
    const network = await open(data)
    const done: string[] = []
    await deploy(network, (line) => {
      done.push(line)
      if (!json) output.out(`${line}\n`)
    })
    if (json) writeJson(output, { done })
    else if (done.length === 0) output.out('Everything is deployed already.\n')
  })

/** `medledger network status`: exit code 5 when something does not work. */
export const networkStatus = ({ data, json }: CommonOptions, output: Output): Promise<void> =>
  asFailure(async () => {
    const state = await networkState(await open(data))
    if (json) writeJson(output, state)
    else output.out(render(state))
    if (!state.works) throw new Failure(exitCodes.unavailable, 'Something does not work or is stopped.')
  })

const networkOutput = (output: Output): NetworkOutput => ({
  // Steps report what they do line by line, which a moving checklist would overwrite.
  isTerminal: false,
  write: output.out,
  now: () => performance.now(),
  progress: progressTo(output),
})

/** `medledger network backup`: into a new folder, while nothing is submitted. */
export const backup = (directory: string, { data, json }: CommonOptions, output: Output): Promise<void> =>
  asFailure(async () => {
    const { taken, heights, files } = await backUp(await open(data), resolve(directory), progressTo(output))
    if (json) writeJson(output, { taken, heights, files: Object.keys(files).length })
    else
      output.out(
        `${resolve(directory)} has the network as of ${taken}. Keep its folder "keys" apart from the rest: who has both can ` +
          'read what has been destroyed since.\n',
      )
  })

/** `medledger network restore`: a network from a backup, in a new data directory. */
export const restore = (directory: string, { data }: CommonOptions, output: Output): Promise<void> =>
  asFailure(() => restoreNetwork({ from: directory, data }, networkOutput(output)))

/** `medledger network compare`: exit code 6 when the peers' chains are not the same. */
export const compare = ({ data, json }: CommonOptions, output: Output): Promise<void> =>
  asFailure(async () => {
    const compared = await comparePeers(await open(data))
    const { blocks, transactions, valid, differences } = compared
    if (json) writeJson(output, compared)
    else {
      output.out(differences.map((line) => `${line}\n`).join(''))
      output.out(`${blocks} blocks with ${transactions} transactions (${valid} valid) at every peer, `)
      output.out(`${differences.length} differences\n`)
    }
    if (differences.length > 0) throw new Failure(exitCodes.verificationFailed, 'The peers differ.')
  })

const mebibytes = (bytes: number | undefined): string =>
  bytes === undefined ? '' : `${Math.round(bytes / 1024 ** 2)} MiB`

function render({ works, fabric, containers, nodes, gateways, certificates }: NetworkState): string {
  return [
    `${works ? 'ready' : 'not ready'}, Hyperledger Fabric ${fabric ?? 'unknown'}\n`,
    table(
      ['container', 'state', 'memory'],
      containers.map(({ service, running, health, memoryBytes }) => [
        service,
        running ? health || 'running' : 'stopped',
        mebibytes(memoryBytes),
      ]),
    ),
    table(
      ['organisation', 'peer', 'newest block', 'chaincode', 'orderer'],
      nodes.map(({ organisation, peer, orderer }) => [
        organisation,
        'fault' in peer ? peer.fault : `height ${peer.height}`,
        'fault' in peer ? '' : peer.hash.slice(0, 16),
        'fault' in peer ? '' : chaincodeState(peer),
        orderer === null
          ? 'none'
          : 'fault' in orderer
            ? orderer.fault
            : `${orderer.status}, height ${orderer.height}`,
      ]),
    ),
    table(
      ['gateway', 'address', ''],
      gateways.map(({ organisation, url, state }) => [organisation, url, state]),
    ),
    table(
      ['the next certificates to expire', 'on', 'days left'],
      certificates.map(({ name, expires, daysLeft }) => [name, expires, String(daysLeft)]),
    ),
  ].join('\n')
}

const chaincodeState = ({
  installed,
  sequence,
}: {
  readonly installed: boolean
  readonly sequence: number | null
}): string => {
  if (!installed) return 'not installed'
  return sequence === null ? 'another definition' : `sequence ${sequence}`
}

/** `medledger network down`: with `--volumes` nothing is left. */
export const down = (
  { data, json, volumes }: CommonOptions & { readonly volumes?: true },
  output: Output,
): Promise<void> =>
  asFailure(async () => {
    await networkDown(await open(data), volumes === true)
    if (json) writeJson(output, { down: true, volumes: volumes === true })
    else
      output.out(
        volumes
          ? 'The network is gone, with its ledgers, databases and keys.\n'
          : 'The network is stopped. Its ledgers, databases and keys are kept: medledger network up goes on.\n',
      )
  })

/** `medledger network logs`: what the containers have said. */
export const logs = (
  part: string | undefined,
  { data, lines }: CommonOptions & { readonly lines: string },
  output: Output,
): Promise<void> =>
  asFailure(async () => {
    const { compose } = await open(data)
    const services = part === undefined ? [] : [part]
    await compose.run(['logs', '--no-color', '--tail', lines, ...services], {
      onLine: (line) => output.out(`${line}\n`),
    })
  })

/** `medledger network run`: another command of this program, from inside the network. Its exit code is this one's. */
export const runInside = async (
  args: readonly string[],
  { data }: CommonOptions,
  output: Output,
): Promise<void> => {
  const { compose, paths } = await open(data)
  const program = ['node', 'scripts/medledger.js', ...args, '--data', paths.root]
  const code = await compose.attempt(['run', '--rm', '-T', 'operator', ...program], {
    onLine: (line) => output.out(`${line}\n`),
    onError: output.err,
  })
  await refreshProviders(paths)
  if (code !== 0) throw new Failure(code as Failure['exitCode'], `The command ended with ${code}.`)
}

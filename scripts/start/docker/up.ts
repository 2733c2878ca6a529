import { resolve } from 'node:path'
import { allPorts } from '../../network/topology.ts'
import { addressesOf } from '../addresses.ts'
import { renderBox } from '../box.ts'
import { runChecklist, type ChecklistOutput } from '../checklist.ts'
import { storyDocument } from '../demo.ts'
import { readMarker, takeDirectory, topologyOf, writeMarker, type Marker } from '../directory.ts'
import { defaultDirectory, pathsIn, type Paths } from '../paths.ts'
import { requireFreePorts } from '../ports.ts'
import type { Prepared } from '../prepare.ts'
import type { TopologyName } from '../topologies.ts'
import { provideImages } from './images.ts'
import { composeFor, type DockerNetwork } from './open.ts'
import {
  bootstrap,
  demonstrate,
  deploy,
  gatewaysOf,
  prepareFiles,
  record,
  waitForGateways,
  writeEnvironment,
  type Progress,
} from './steps.ts'

/** Apart from those of the embedded network, so that both can run. */
export const defaultDockerPort = 7810

export interface UpOptions {
  readonly data: string
  readonly port?: number
  readonly topology?: TopologyName
  readonly demo: boolean
}

export interface NetworkOutput extends ChecklistOutput {
  readonly progress: Progress
}

/** Errors: one line when the directory is for something else. */
async function settle(paths: Paths, { port, topology }: UpOptions): Promise<Marker> {
  const known = await readMarker(paths)
  if (known !== undefined && known.network !== 'docker')
    throw new Error(`${paths.root} is an embedded instance's: use another --data.`)
  const marker: Marker = {
    topology: topology ?? known?.topology ?? 'demo',
    firstPort: port ?? known?.firstPort ?? defaultDockerPort,
    network: 'docker',
  }
  requireSame(paths, known, marker)
  await writeMarker(paths, marker)
  return marker
}

function requireSame({ root }: Paths, known: Marker | undefined, marker: Marker): void {
  if (known === undefined) return
  if (known.topology === marker.topology && known.firstPort === marker.firstPort) return
  throw new Error(
    `${root} has the topology ${known.topology} and the ports from ${known.firstPort} on: use another --data.`,
  )
}

/**
 * Brings the network up, from nothing or from wherever it was interrupted; a repeat changes nothing. Errors: one line that says
 * what did not work; what has been done stays, and the next `up` goes on from there.
 */
export async function networkUp(options: UpOptions, output: NetworkOutput): Promise<void> {
  const begin = output.now()
  const paths = pathsIn(resolve(options.data))
  const lock = await takeDirectory(paths)
  try {
    const topology = topologyOf(await settle(paths, options))
    await writeEnvironment({ paths, topology })
    await bringUp({ paths, topology, compose: await composeFor(paths) }, options, output)
    const seconds = ((output.now() - begin) / 1000).toFixed(1)
    const urls = gatewaysOf(topology).map(({ url }) => url)
    output.write(`ready after ${seconds} s: ${urls.join(' ')}\n`)
  } finally {
    lock.release()
  }
}

async function bringUp(network: DockerNetwork, options: UpOptions, output: NetworkOutput): Promise<void> {
  const { paths, topology, compose } = network
  const { progress } = output
  let prepared: Prepared | undefined
  const get = (): Prepared => {
    if (prepared === undefined) throw new Error('The network has not been prepared.')
    return prepared
  }
  const services = (...parts: string[]): string[] =>
    topology.constitution.organisations.flatMap(({ name }) => parts.map((part) => `${part}-${name}`))
  const start = (...parts: string[]): Promise<string> =>
    compose.run(['up', '--detach', '--no-build', ...services(...parts)])
  const steps = [
    {
      title: 'Certificates, channel and settings',
      run: async () => {
        if ((await compose.containers()).length === 0) await requireFreePorts(allPorts(topology))
        prepared = await prepareFiles(network)
      },
    },
    { title: 'Images', run: () => provideImages(network, progress) },
    {
      title: 'Orderers, peers, chaincode and databases',
      run: async () => void (await start('orderer', 'peer', 'chaincode', 'database')),
    },
    { title: 'Channel and chaincode definition', run: () => deploy(network, progress) },
    { title: 'Placements, issuer keys and people', run: () => bootstrap(network, progress) },
    {
      title: 'Gateways and identity providers',
      run: async () => {
        await start('gateway', 'provider')
        await waitForGateways(network)
        await record(network)
      },
    },
    ...(options.demo ? [{ title: 'Demonstration documents', run: () => demonstrate(get()) }] : []),
  ]
  await runChecklist(steps, output)
  output.write(
    renderBox({
      title: 'Medledger on Hyperledger Fabric: invented data, not for real patients.',
      addresses: addressesOf(topology),
      people: get().people,
      document: options.demo ? storyDocument : undefined,
      dataOption: paths.root === resolve(defaultDirectory) ? '' : ` --data ${paths.root}`,
      stop: `Stop with: npm run --silent medledger -- network down --data ${paths.root}`,
    }),
  )
}

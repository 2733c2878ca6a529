import { cp, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { allPorts } from '../../network/topology.ts'
import { readMarker, takeDirectory, topologyOf } from '../directory.ts'
import { pathsIn, type Paths } from '../paths.ts'
import { requireFreePorts } from '../ports.ts'
import { dumpsIn, fillFrom, isKept, nodesIn, readBackup, requireHeights } from './backup.ts'
import { provideImages } from './images.ts'
import { composeFor, openDockerNetwork, type DockerNetwork } from './open.ts'
import { prepareFiles, writeEnvironment } from './steps.ts'
import { networkUp, type NetworkOutput } from './up.ts'

export interface RestoreOptions {
  /** Folder of the backup. */
  readonly from: string
  /** A data directory that holds nothing yet. */
  readonly data: string
}

/**
 * Makes a network from a backup, in a new data directory, and brings it up. Errors: one line; what was begun is removed with
 * `medledger network down --volumes`.
 */
export async function restoreNetwork(options: RestoreOptions, output: NetworkOutput): Promise<void> {
  const directory = resolve(options.from)
  const manifest = await readBackup(directory)
  const paths = pathsIn(resolve(options.data))
  await requireNothing(paths)
  const lock = await takeDirectory(paths)
  try {
    const state = join(directory, 'state')
    // What is made anew does not come from a backup, whoever has put it there.
    await cp(state, paths.root, { recursive: true, filter: (path) => isKept(state, path) })
    await fill(await networkIn(paths), directory, output)
  } finally {
    lock.release()
  }
  await networkUp({ data: paths.root, demo: false }, output)
  await requireHeights(await openDockerNetwork(paths.root), manifest)
}

async function requireNothing({ root }: Paths): Promise<void> {
  const names = await readdir(root).catch(() => [])
  if (names.length > 0) throw new Error(`${root} is not empty: restore into a new --data directory.`)
}

async function networkIn(paths: Paths): Promise<DockerNetwork> {
  const marker = await readMarker(paths)
  if (marker?.network !== 'docker') throw new Error('The backup is not of a network of containers.')
  const topology = topologyOf(marker)
  await requireFreePorts(allPorts(topology))
  await writeEnvironment({ paths, topology })
  return { paths, topology, compose: await composeFor(paths) }
}

async function fill(network: DockerNetwork, directory: string, { progress }: NetworkOutput): Promise<void> {
  const { topology, compose } = network
  await prepareFiles(network)
  await provideImages(network, progress)
  const databases = new Set(dumpsIn(topology).map(({ name }) => `database-${name}`))
  await compose.run(['up', '--no-start', '--no-build', ...nodesIn(topology), ...databases])
  await fillFrom(network, directory, progress)
}

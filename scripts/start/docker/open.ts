import { createHash } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createCompose, findCompose, type Compose } from '../../network/docker/compose.ts'
import type { Topology } from '../../network/topology.ts'
import { readMarker, topologyOf } from '../directory.ts'
import { pathsIn, type Paths } from '../paths.ts'

/*
 * The network of containers: Fabric itself under Docker Compose. What is here runs on the machine that has Docker; what
 * needs a peer or an orderer runs in a short-lived container of the network, since these are not published.
 */

/** Folder of `docker-compose.yml`. */
export const repository = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')

/** A data directory of a network of containers, and the Compose that runs it. */
export interface DockerNetwork {
  readonly paths: Paths
  readonly topology: Topology
  readonly compose: Compose
}

/** Distinguishes the containers, volumes and networks of a data directory from those of another. */
export const projectOf = ({ root }: Paths): string =>
  `medledger-${createHash('sha256').update(root).digest('hex').slice(0, 8)}`

/** Errors: one line when there is no Docker or no Compose. */
export const composeFor = async (paths: Paths): Promise<Compose> =>
  createCompose({
    command: await findCompose(),
    directory: repository,
    project: projectOf(paths),
    environmentFile: paths.composeEnvironment,
  })

/** Opens what `up` has made in a data directory. Errors: one line when it is none. */
export async function openDockerNetwork(data: string): Promise<DockerNetwork> {
  const paths = pathsIn(resolve(data))
  const marker = await readMarker(paths)
  if (marker?.network !== 'docker')
    throw new Error(`${paths.root} has no network of containers: make one with medledger network up.`)
  return { paths, topology: topologyOf(marker), compose: await composeFor(paths) }
}

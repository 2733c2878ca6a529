import type { Topology } from '../network/topology.ts'
import { readMarker, topologyOf } from './directory.ts'
import type { Paths } from './paths.ts'

/** The topology of a data directory. Errors: one line when it is not one. */
export async function readInstanceSettings(paths: Paths): Promise<Topology> {
  const marker = await readMarker(paths)
  if (marker === undefined) throw new Error(`${paths.root} is not a Medledger data directory.`)
  return topologyOf(marker)
}

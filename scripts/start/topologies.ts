import { demoTopology, narrowTopology, type NetworkKind, type Topology } from '../network/topology.ts'

/** The topologies that an instance can have, by the name given to `--topology`. */
export const topologies = { demo: demoTopology, narrow: narrowTopology } as const satisfies Record<
  string,
  (firstPort?: number, kind?: NetworkKind) => Topology
>
export type TopologyName = keyof typeof topologies

export const topologyNames = Object.keys(topologies) as readonly TopologyName[]

/** The addresses of the gateways, in the order of the organisations. */
export interface GatewayAddress {
  readonly organisation: string
  readonly url: string
}

import { hostOf } from './names.ts'
import { ordererPort, portsOf, type Topology } from './topology.ts'

/** Where the parts listen in their containers, each of which has an address of its own. */
export const containerPorts = {
  peer: 7051,
  orderer: 7050,
  /** The orderer's channel participation, over mutual TLS. */
  participation: 7053,
  chaincode: 9999,
  gateway: 8080,
  exchange: 8443,
  metrics: 9464,
  database: 5432,
} as const

/** What gateways and operators connect to. */
export type ReachablePart = 'peer' | 'orderer' | 'exchange'

/** `host:port` of a part, as a gateway of its network reaches it. Errors: RangeError when there is no such organisation. */
export function addressOf(topology: Topology, part: ReachablePart, organisation: string): string {
  if (topology.kind === 'docker') return `${hostOf(part, organisation)}:${containerPorts[part]}`
  const ports = portsOf(topology, organisation)
  return `localhost:${part === 'orderer' ? ordererPort(topology) : ports[part]}`
}

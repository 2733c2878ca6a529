import { X509Certificate } from 'node:crypto'
import type { ContainerState } from '../../network/docker/compose.ts'
import type { Inspected } from '../../network/docker/inspect.ts'
import { issueCredentials, type KeyPair, type OrganisationCredentials } from '../../network/issue.ts'
import type { GatewayAddress } from '../topologies.ts'
import { readReadiness } from '../wait.ts'
import type { DockerNetwork } from './open.ts'
import { gatewaysOf, inspectNodes } from './steps.ts'

export interface CertificateState {
  /** Organisation and part. */
  readonly name: string
  /** ISO 8601, UTC. */
  readonly expires: string
  readonly daysLeft: number
}

export interface NetworkState {
  readonly works: boolean
  /** What the peers say their version is; null when they say different ones or none. */
  readonly fabric: string | null
  readonly containers: readonly ContainerState[]
  readonly nodes: readonly Inspected[]
  readonly gateways: readonly (GatewayAddress & { readonly state: string })[]
  /** Those that expire first. */
  readonly certificates: readonly CertificateState[]
}

const shownCertificates = 5
const dayMs = 86_400_000

/** Asks containers, nodes and gateways. Errors: when Docker does not answer. */
export async function networkState(network: DockerNetwork): Promise<NetworkState> {
  const containers = await network.compose.containers()
  const [nodes, gateways, fabric, certificates] = await Promise.all([
    containers.some(({ running }) => running) ? inspectNodes(network).catch(() => []) : [],
    Promise.all(gatewaysOf(network.topology).map(askGateway)),
    peerVersion(network, containers),
    expiring(network),
  ])
  const works =
    containers.length > 0 &&
    containers.every(({ running, health }) => running && health !== 'unhealthy') &&
    nodes.length > 0 &&
    nodes.every(isWhole) &&
    gateways.every(({ state }) => state === 'ready')
  return { works, fabric, containers, nodes, gateways, certificates }
}

const isWhole = ({ peer, orderer }: Inspected): boolean =>
  !('fault' in peer) &&
  peer.installed &&
  peer.sequence !== null &&
  (orderer === null || !('fault' in orderer))

async function askGateway(gateway: GatewayAddress): Promise<GatewayAddress & { readonly state: string }> {
  const readiness = await readReadiness(gateway.url)
  if (readiness === undefined) return { ...gateway, state: 'no answer' }
  const { ready, degraded, broken } = readiness
  const state = ready ? (degraded ? 'degraded' : 'ready') : 'not ready'
  return { ...gateway, state: broken.length === 0 ? state : `${state}: ${broken.join(', ')}` }
}

async function peerVersion(
  { compose }: DockerNetwork,
  containers: readonly ContainerState[],
): Promise<string | null> {
  const peers = containers.filter(({ service, running }) => running && service.startsWith('peer-'))
  const said = await Promise.all(
    peers.map(async ({ service }) => {
      const text = await compose.run(['exec', '-T', service, 'peer', 'version']).catch(() => '')
      return /Version: (\S+)/.exec(text)?.[1] ?? ''
    }),
  )
  const [version = '', ...others] = new Set(said)
  return version === '' || others.length > 0 ? null : version
}

async function expiring({ paths, topology }: DockerNetwork): Promise<readonly CertificateState[]> {
  const credentials = await issueCredentials(topology, paths.credentials)
  const all = [...credentials].flatMap(([organisation, own]) =>
    pairsOf(own).map(([part, { certificate }]) => {
      const expires = new X509Certificate(certificate).validToDate
      const daysLeft = Math.floor((expires.getTime() - Date.now()) / dayMs)
      return { name: `${organisation} ${part}`, expires: expires.toISOString(), daysLeft }
    }),
  )
  return all.toSorted((one, other) => (one.expires < other.expires ? -1 : 1)).slice(0, shownCertificates)
}

const pairsOf = ({
  ca,
  tlsCa,
  peer,
  orderer,
  gateway,
  operator,
  admin,
  tls,
}: OrganisationCredentials): readonly (readonly [string, KeyPair])[] => [
  ...Object.entries({ ca, tlsCa, peer, orderer, gateway, operator, admin }),
  ...Object.entries(tls).map(([part, pair]) => [`${part}, TLS`, pair] as const),
]

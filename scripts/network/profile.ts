import type { Credentials, OrganisationCredentials } from './issue.ts'
import { hostOf } from './names.ts'
import { ordererPort, portsOf, type Topology } from './topology.ts'

/** How a client of fabric-network reaches one peer or orderer. */
export interface ProfileEndpoint {
  readonly url: string
  readonly mspid?: string
  readonly tlsCACerts: { readonly pem: string }
  readonly grpcOptions: Readonly<Record<string, string | number>>
}

/** fabric-network's static connection profile, as far as the gateways use it. */
export interface ConnectionProfile {
  readonly name: string
  readonly version: string
  readonly client: { readonly organization: string }
  readonly organizations: Readonly<
    Record<string, { readonly mspid: string; readonly peers: readonly string[] }>
  >
  readonly peers: Readonly<Record<string, ProfileEndpoint>>
  readonly orderers: Readonly<Record<string, ProfileEndpoint>>
  readonly channels: Readonly<
    Record<
      string,
      {
        readonly orderers: readonly string[]
        readonly peers: Readonly<Record<string, Record<string, never>>>
      }
    >
  >
}

/** The SDK's own default is 3 s, which a request that waits for a slow endorser would not survive. */
const requestTimeoutMs = 30_000

/** Without these a client needs 5 s to find a server that has been restarted. */
const reconnection = { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 1000 }

/** Errors: RangeError when there are no credentials of this name. */
export function credentialsOf(credentials: Credentials, organisation: string): OrganisationCredentials {
  const found = credentials.get(organisation)
  if (found === undefined) throw new RangeError(`there are no credentials of an organisation ${organisation}`)
  return found
}

const endpoint = (host: string, port: number, tlsCa: string): ProfileEndpoint => ({
  url: `grpcs://localhost:${port}`,
  tlsCACerts: { pem: tlsCa },
  grpcOptions: { 'ssl-target-name-override': host, requestTimeout: requestTimeoutMs, ...reconnection },
})

/**
 * The static profile with which an organisation's clients reach the network; discovery has to be off.
 * Errors: RangeError when the topology or the credentials lack an organisation.
 */
export function connectionProfile(
  topology: Topology,
  credentials: Credentials,
  organisation: string,
): ConnectionProfile {
  const { channel, organisations } = topology.constitution
  const own = credentialsOf(credentials, organisation)
  const ordererHost = hostOf('orderer', topology.orderer)
  const ordering = credentialsOf(credentials, topology.orderer)
  const peers = organisations.map(({ name }) => {
    const tlsCa = credentialsOf(credentials, name).tlsCa.certificate
    return [
      hostOf('peer', name),
      endpoint(hostOf('peer', name), portsOf(topology, name).peer, tlsCa),
    ] as const
  })
  return {
    name: 'medledger',
    version: '1.0.0',
    client: { organization: own.mspId },
    organizations: Object.fromEntries(
      organisations.map(({ name, mspId }) => [mspId, { mspid: mspId, peers: [hostOf('peer', name)] }]),
    ),
    peers: Object.fromEntries(peers),
    orderers: {
      [ordererHost]: {
        mspid: ordering.mspId,
        ...endpoint(ordererHost, ordererPort(topology), ordering.tlsCa.certificate),
      },
    },
    channels: {
      [channel]: {
        orderers: [ordererHost],
        peers: Object.fromEntries(peers.map(([host]) => [host, {}])),
      },
    },
  }
}

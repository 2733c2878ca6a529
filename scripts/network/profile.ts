import type { Credentials, OrganisationCredentials } from './issue.ts'
import { hostOf } from './names.ts'
import { addressOf } from './reach.ts'
import type { Topology } from './topology.ts'

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

type Endpoint = readonly [host: string, endpoint: ProfileEndpoint]

function endpoint(
  topology: Topology,
  credentials: Credentials,
  part: 'peer' | 'orderer',
  organisation: string,
): Endpoint {
  const host = hostOf(part, organisation)
  const { mspId, tlsCa } = credentialsOf(credentials, organisation)
  return [
    host,
    {
      url: `grpcs://${addressOf(topology, part, organisation)}`,
      ...(part === 'orderer' && { mspid: mspId }),
      tlsCACerts: { pem: tlsCa.certificate },
      grpcOptions: { 'ssl-target-name-override': host, requestTimeout: requestTimeoutMs, ...reconnection },
    },
  ]
}

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
  const peers = organisations.map(({ name }) => endpoint(topology, credentials, 'peer', name))
  const orderers = topology.orderers.map((name) => endpoint(topology, credentials, 'orderer', name))
  return {
    name: 'medledger',
    version: '1.0.0',
    client: { organization: own.mspId },
    organizations: Object.fromEntries(
      organisations.map(({ name, mspId }) => [mspId, { mspid: mspId, peers: [hostOf('peer', name)] }]),
    ),
    peers: Object.fromEntries(peers),
    orderers: Object.fromEntries(orderers),
    channels: {
      [channel]: {
        orderers: orderers.map(([host]) => host),
        peers: Object.fromEntries(peers.map(([host]) => [host, {}])),
      },
    },
  }
}

/** One node of a connection profile. */
export interface ProfileNode {
  readonly url: string
  readonly tlsCACerts?: { readonly pem?: string; readonly path?: string }
  readonly grpcOptions?: Readonly<Record<string, string | number>>
}

/** The parts of a static Fabric connection profile that matter here; it names every peer and orderer. */
export interface ConnectionProfile {
  readonly organizations: Readonly<
    Record<string, { readonly mspid: string; readonly peers?: readonly string[] }>
  >
  readonly peers: Readonly<Record<string, ProfileNode>>
  readonly orderers: Readonly<Record<string, ProfileNode>>
}

/**
 * The largest answers that are read, decompressed, in bytes; the SDK's default is none. What other organisations' nodes answer
 * must not fill this gateway's memory: a proposal's result has at most the 10 MB of a transaction, and some more around it. The own
 * peer's blocks come with private data, for which no orderer sets a limit.
 */
const largestAnswer = { foreign: 32 * 1024 * 1024, own: 128 * 1024 * 1024 } as const

/**
 * A node that is away must be noticed in a second and one that is back found in another: the SDK waits 3 s for each,
 * and gRPC's own back-off grows to two minutes. What the profile itself says comes first.
 */
const grpcDefaults = {
  'grpc-wait-for-ready-timeout': 1000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
  requestTimeout: 3000,
  'grpc.max_receive_message_length': largestAnswer.foreign,
} as const

const withDefaults = (
  nodes: Readonly<Record<string, ProfileNode>>,
  own: ReadonlySet<string> = new Set(),
): Record<string, ProfileNode> =>
  Object.fromEntries(
    Object.entries(nodes).map(([name, node]) => {
      const large = own.has(name) ? { 'grpc.max_receive_message_length': largestAnswer.own } : {}
      return [name, { ...node, grpcOptions: { ...grpcDefaults, ...large, ...node.grpcOptions } }]
    }),
  )

export interface PreparedProfile extends Record<string, unknown> {
  readonly organizations: Record<string, { mspid: string; peers: readonly string[] }>
  readonly peers: Record<string, ProfileNode>
  readonly orderers: Record<string, ProfileNode>
  readonly channels: Record<string, { orderers: string[]; peers: string[] }>
}

/**
 * The profile as the SDK gets it: every node on the channel, quick reconnection, limits, nothing left to discovery.
 * @param mspId of the own organisation
 */
export function prepareProfile(profile: ConnectionProfile, channel: string, mspId: string): PreparedProfile {
  const own = Object.values(profile.organizations).filter((organisation) => organisation.mspid === mspId)
  const ownPeers = new Set(own.flatMap(({ peers = [] }) => peers))
  return {
    organizations: Object.fromEntries(
      Object.entries(profile.organizations).map(([name, { mspid, peers }]) => [
        name,
        { mspid, peers: peers ?? [] },
      ]),
    ),
    peers: withDefaults(profile.peers, ownPeers),
    orderers: withDefaults(profile.orderers),
    channels: { [channel]: { orderers: Object.keys(profile.orderers), peers: Object.keys(profile.peers) } },
  }
}

import type { Credentials } from '../issue.ts'
import { credentialsOf } from '../profile.ts'
import { sha256 } from './digest.ts'
import { anyOf, toPolicyMessage, type Required } from './policy.ts'
import { build, common, encode, encoded, etcdraft, msp, orderer, peer, timestampOf } from './message.ts'
import { orderersOf, readersOf, writersOf } from './channel-policies.ts'

/** How the orderer cuts blocks; part of the channel's configuration. */
export interface BatchOptions {
  readonly maxMessages: number
  readonly preferredBytes: number
  readonly absoluteBytes: number
  readonly timeoutMs: number
}

export interface OrganisationConfiguration {
  readonly mspId: string
  readonly authority: string
  readonly tlsAuthority: string
  /** The authority's revocation lists, PEM. */
  readonly revocations: readonly string[]
}

/** What a channel's configuration says of an organisation. Errors: RangeError when it has no credentials. */
export function organisationConfiguration(credentials: Credentials, name: string): OrganisationConfiguration {
  const { mspId, ca, tlsCa, revocations } = credentialsOf(credentials, name)
  return { mspId, authority: ca.certificate, tlsAuthority: tlsCa.certificate, revocations }
}

/** Where a node listens. */
export interface NodeAddress {
  readonly host: string
  readonly port: number
}

export interface ApplicationConfiguration extends OrganisationConfiguration {
  /** Its peer, by which those of other organisations find it: without one no private value reaches them. */
  readonly anchorPeer?: NodeAddress
}

export interface OrdererConfiguration {
  readonly organisation: OrganisationConfiguration
  readonly address: NodeAddress
}

/** How the orderers agree: one has nobody to agree with. */
export type Consensus =
  | { readonly type: 'solo' }
  | {
      readonly type: 'etcdraft'
      /** What the others know each orderer by (PEM), in the order of the orderers. */
      readonly tlsCertificates: readonly string[]
      readonly tickMs: number
      /** Ticks without the leader's heartbeat after which an orderer stands for election. */
      readonly electionTicks: number
    }

export interface ChannelConfiguration {
  readonly channel: string
  readonly organisations: readonly ApplicationConfiguration[]
  readonly orderers: readonly OrdererConfiguration[]
  readonly consensus: Consensus
  readonly batch: BatchOptions
}

const adminsOnly = 'Admins'

const policyTypes = common.Policy.PolicyType
const { ANY, MAJORITY } = common.ImplicitMetaPolicy.Rule

const toPolicy = (type: number, value: Buffer): common.ConfigPolicy =>
  build(common.ConfigPolicy, { modPolicy: adminsOnly, policy: build(common.Policy, { type, value }) })

const signedByAny = (...required: readonly Required[]): common.ConfigPolicy =>
  toPolicy(policyTypes.SIGNATURE, encode(toPolicyMessage(anyOf(required))))

const implicit = (rule: typeof ANY | typeof MAJORITY, subPolicy: string): common.ConfigPolicy =>
  toPolicy(policyTypes.IMPLICIT_META, encoded(common.ImplicitMetaPolicy, { rule, subPolicy }))

interface GroupParts {
  readonly values?: Readonly<Record<string, Uint8Array>>
  readonly policies: Readonly<Record<string, common.ConfigPolicy>>
  readonly groups?: Readonly<Record<string, common.ConfigGroup>>
}

function toGroup({ values = {}, policies, groups = {} }: GroupParts): common.ConfigGroup {
  const group = build(common.ConfigGroup, { modPolicy: adminsOnly })
  for (const [name, value] of Object.entries(values))
    group.getValuesMap().set(name, build(common.ConfigValue, { modPolicy: adminsOnly, value }))
  for (const [name, policy] of Object.entries(policies)) group.getPoliciesMap().set(name, policy)
  for (const [name, inner] of Object.entries(groups)) group.getGroupsMap().set(name, inner)
  return group
}

function capability(name: string): Buffer {
  const message = new common.Capabilities()
  message.getCapabilitiesMap().set(name, new common.Capability())
  return encode(message)
}

/** `msp.MSPConfig` with NodeOUs, so that a certificate's OU says what its holder is. */
export function mspConfiguration({
  mspId,
  authority,
  tlsAuthority,
  revocations,
}: OrganisationConfiguration): Buffer {
  const unit = (organizationalUnitIdentifier: string): msp.FabricOUIdentifier =>
    build(msp.FabricOUIdentifier, { organizationalUnitIdentifier })
  const config = encoded(msp.FabricMSPConfig, {
    name: mspId,
    rootCertsList: [Buffer.from(authority)],
    tlsRootCertsList: [Buffer.from(tlsAuthority)],
    revocationListList: revocations.map((list) => Buffer.from(list)),
    cryptoConfig: build(msp.FabricCryptoConfig, {
      signatureHashFamily: 'SHA2',
      identityIdentifierHashFunction: 'SHA256',
    }),
    fabricNodeOus: build(msp.FabricNodeOUs, {
      enable: true,
      clientOuIdentifier: unit('client'),
      peerOuIdentifier: unit('peer'),
      adminOuIdentifier: unit('admin'),
      ordererOuIdentifier: unit('orderer'),
    }),
  })
  return encoded(msp.MSPConfig, { type: 0, config })
}

/** The group of an organisation among those that use the channel. */
export function applicationOrganisation(organisation: ApplicationConfiguration): common.ConfigGroup {
  const { mspId, anchorPeer } = organisation
  const anchorPeersList = anchorPeer && [build(peer.AnchorPeer, { ...anchorPeer })]
  return toGroup({
    values: {
      MSP: mspConfiguration(organisation),
      ...(anchorPeersList && { AnchorPeers: encoded(peer.AnchorPeers, { anchorPeersList }) }),
    },
    policies: {
      Readers: signedByAny(...readersOf(mspId)),
      Writers: signedByAny(...writersOf(mspId)),
      Admins: signedByAny({ mspId, role: 'admin' }),
      Endorsement: signedByAny({ mspId, role: 'peer' }),
    },
  })
}

function ordererOrganisation({ organisation, address }: OrdererConfiguration): common.ConfigGroup {
  const { mspId } = organisation
  const endpoint = `${address.host}:${address.port}`
  return toGroup({
    values: {
      MSP: mspConfiguration(organisation),
      Endpoints: encoded(common.OrdererAddresses, { addressesList: [endpoint] }),
    },
    policies: {
      Readers: signedByAny(...readersOf(mspId)),
      Writers: signedByAny(...orderersOf(mspId)),
      Admins: signedByAny({ mspId, role: 'admin' }),
    },
  })
}

const groupPolicies = {
  Readers: implicit(ANY, 'Readers'),
  Writers: implicit(ANY, 'Writers'),
  Admins: implicit(MAJORITY, 'Admins'),
}

/** Fabric's own figures (configtx.yaml) but for the times. */
const raft = { maxInflightBlocks: 5, snapshotIntervalSize: 16 * 1024 * 1024 }

function consensusType(consensus: Consensus, orderers: readonly OrdererConfiguration[]): Buffer {
  if (consensus.type === 'solo') return encoded(orderer.ConsensusType, { type: 'solo' })
  const consentersList = orderers.map(({ address }, index) => {
    const tlsCertificate = Buffer.from(consensus.tlsCertificates[index] ?? '')
    return build(etcdraft.Consenter, {
      ...address,
      clientTlsCert: tlsCertificate,
      serverTlsCert: tlsCertificate,
    })
  })
  const options = build(etcdraft.Options, {
    tickInterval: `${consensus.tickMs}ms`,
    electionTick: consensus.electionTicks,
    heartbeatTick: 1,
    ...raft,
  })
  const metadata = encoded(etcdraft.ConfigMetadata, { consentersList, options })
  return encoded(orderer.ConsensusType, { type: 'etcdraft', metadata })
}

function ordererGroup({ orderers, consensus, batch }: ChannelConfiguration): common.ConfigGroup {
  return toGroup({
    values: {
      Capabilities: capability('V2_0'),
      ConsensusType: consensusType(consensus, orderers),
      BatchSize: encoded(orderer.BatchSize, {
        maxMessageCount: batch.maxMessages,
        absoluteMaxBytes: batch.absoluteBytes,
        preferredMaxBytes: batch.preferredBytes,
      }),
      BatchTimeout: encoded(orderer.BatchTimeout, { timeout: `${batch.timeoutMs}ms` }),
    },
    policies: { ...groupPolicies, BlockValidation: implicit(ANY, 'Writers') },
    groups: Object.fromEntries(orderers.map((one) => [one.organisation.mspId, ordererOrganisation(one)])),
  })
}

const applicationGroup = ({ organisations }: ChannelConfiguration): common.ConfigGroup =>
  toGroup({
    values: { Capabilities: capability('V2_5') },
    policies: {
      ...groupPolicies,
      Endorsement: implicit(MAJORITY, 'Endorsement'),
      LifecycleEndorsement: implicit(MAJORITY, 'Endorsement'),
    },
    groups: Object.fromEntries(
      organisations.map((organisation) => [organisation.mspId, applicationOrganisation(organisation)]),
    ),
  })

/** Fabric's only width of the tree over a block's data: all of it in one hash. */
const hashingWidth = 0xffffffff

/** The channel's configuration transaction, the only one of its genesis block. */
export function genesisEnvelope(configuration: ChannelConfiguration, now: number): Buffer {
  const channelGroup = toGroup({
    values: {
      Capabilities: capability('V2_0'),
      HashingAlgorithm: encoded(common.HashingAlgorithm, { name: 'SHA256' }),
      BlockDataHashingStructure: encoded(common.BlockDataHashingStructure, { width: hashingWidth }),
    },
    policies: groupPolicies,
    groups: { Application: applicationGroup(configuration), Orderer: ordererGroup(configuration) },
  })
  const nonce = sha256(Buffer.from(configuration.channel)).subarray(0, 24)
  const header = build(common.Header, {
    channelHeader: encoded(common.ChannelHeader, {
      type: common.HeaderType.CONFIG,
      version: 1,
      timestamp: timestampOf(now),
      channelId: configuration.channel,
      txId: sha256(nonce).toString('hex'),
    }),
    signatureHeader: encoded(common.SignatureHeader, { nonce }),
  })
  const data = encoded(common.ConfigEnvelope, { config: build(common.Config, { channelGroup }) })
  return encoded(common.Envelope, { payload: encoded(common.Payload, { header, data }) })
}

import { sha256 } from './digest.ts'
import { anyOf, toPolicyMessage, type Required } from './policy.ts'
import { build, common, encode, encoded, msp, orderer, timestampOf } from './message.ts'
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

export interface ChannelConfiguration {
  readonly channel: string
  readonly organisations: readonly OrganisationConfiguration[]
  readonly orderer: OrganisationConfiguration
  /** Where the orderer listens, `host:port`. */
  readonly ordererEndpoint: string
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

function applicationOrganisation(organisation: OrganisationConfiguration): common.ConfigGroup {
  const { mspId } = organisation
  return toGroup({
    values: { MSP: mspConfiguration(organisation) },
    policies: {
      Readers: signedByAny(...readersOf(mspId)),
      Writers: signedByAny(...writersOf(mspId)),
      Admins: signedByAny({ mspId, role: 'admin' }),
      Endorsement: signedByAny({ mspId, role: 'peer' }),
    },
  })
}

function ordererOrganisation(organisation: OrganisationConfiguration, endpoint: string): common.ConfigGroup {
  const { mspId } = organisation
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

function ordererGroup(configuration: ChannelConfiguration): common.ConfigGroup {
  const { orderer: organisation, ordererEndpoint, batch } = configuration
  return toGroup({
    values: {
      Capabilities: capability('V2_0'),
      ConsensusType: encoded(orderer.ConsensusType, { type: 'solo' }),
      BatchSize: encoded(orderer.BatchSize, {
        maxMessageCount: batch.maxMessages,
        absoluteMaxBytes: batch.absoluteBytes,
        preferredMaxBytes: batch.preferredBytes,
      }),
      BatchTimeout: encoded(orderer.BatchTimeout, { timeout: `${batch.timeoutMs}ms` }),
    },
    policies: { ...groupPolicies, BlockValidation: implicit(ANY, 'Writers') },
    groups: { [organisation.mspId]: ordererOrganisation(organisation, ordererEndpoint) },
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

import { collectionPackage } from '../fabric/collections.ts'
import { lifecycleName, type Definition } from '../fabric/definition.ts'
import { build, bytes, common, decode, encode, encoded, lifecycle, peer } from '../fabric/message.ts'
import { toPolicyMessage } from '../fabric/policy.ts'
import type { Administrator } from './administration.ts'
import { PeerRefusal } from './proposal.ts'

/*
 * What an administrator asks of Fabric's own chaincodes: cscc joins channels, qscc tells of a ledger, _lifecycle installs,
 * approves and commits chaincode (core/scc/cscc, core/scc/qscc, core/chaincode/lifecycle).
 */

const text = (value: string): Buffer => Buffer.from(value)

const call = (
  chaincode: string,
  channel: string,
  name: string,
  ...args: readonly Uint8Array[]
): { channel: string; chaincode: string; args: readonly Uint8Array[] } => ({
  channel,
  chaincode,
  args: [text(name), ...args],
})

/** Names of the channels that a peer has joined. */
export async function joinedChannels(administrator: Administrator): Promise<readonly string[]> {
  const answer = await administrator.ask(call('cscc', '', 'GetChannels'))
  return decode(peer.ChannelQueryResponse, answer)
    .getChannelsList()
    .map((info) => info.getChannelId())
}

export const joinChannel = async (administrator: Administrator, genesis: Buffer): Promise<void> =>
  void (await administrator.ask(call('cscc', '', 'JoinChain', genesis)))

/** How much of a channel a peer has, and the hash of its newest block in hexadecimal. */
export interface ChainInfo {
  readonly height: number
  readonly hash: string
}

export async function chainInfo(administrator: Administrator, channel: string): Promise<ChainInfo> {
  const answer = await administrator.ask(call('qscc', channel, 'GetChainInfo', text(channel)))
  const info = decode(common.BlockchainInfo, answer)
  return {
    height: info.getHeight(),
    hash: bytes(info.getCurrentblockhash_asU8()).toString('hex'),
  }
}

/** Ids of the packages that a peer has. */
export async function installedPackages(administrator: Administrator): Promise<readonly string[]> {
  const args = encoded(lifecycle.QueryInstalledChaincodesArgs, {})
  const answer = await administrator.ask(call(lifecycleName, '', 'QueryInstalledChaincodes', args))
  return decode(lifecycle.QueryInstalledChaincodesResult, answer)
    .getInstalledChaincodesList()
    .map((installed) => installed.getPackageId())
}

export async function install(administrator: Administrator, content: Buffer): Promise<void> {
  const args = encoded(lifecycle.InstallChaincodeArgs, { chaincodeInstallPackage: content })
  await administrator.ask(call(lifecycleName, '', 'InstallChaincode', args))
}

/** What all that agree on a definition must say alike. */
export const definitionFields = (
  definition: Definition,
): {
  name: string
  version: string
  endorsementPlugin: string
  validationPlugin: string
  validationParameter: Buffer
  collections: peer.CollectionConfigPackage
} => ({
  name: definition.name,
  version: definition.version,
  endorsementPlugin: 'escc',
  validationPlugin: 'vscc',
  validationParameter: encoded(peer.ApplicationPolicy, {
    signaturePolicy: toPolicyMessage(definition.policy),
  }),
  collections: decode(peer.CollectionConfigPackage, collectionPackage(definition)),
})

/** A definition as it is on the channel. */
export interface CommittedDefinition {
  readonly sequence: number
  readonly version: string
  /** Whether it is the very definition asked about. */
  readonly isSame: boolean
}

const notFound = 404

/** Undefined when none has been committed. */
export async function committedDefinition(
  administrator: Administrator,
  channel: string,
  definition: Definition,
): Promise<CommittedDefinition | undefined> {
  const args = encoded(lifecycle.QueryChaincodeDefinitionArgs, { name: definition.name })
  try {
    const answer = await administrator.ask(call(lifecycleName, channel, 'QueryChaincodeDefinition', args))
    const found = decode(lifecycle.QueryChaincodeDefinitionResult, answer)
    const wanted = definitionFields(definition)
    const collections = found.getCollections()
    const isSame =
      found.getVersion() === wanted.version &&
      bytes(found.getValidationParameter_asU8()).equals(wanted.validationParameter) &&
      collections !== undefined &&
      encode(collections).equals(encode(wanted.collections))
    return { sequence: found.getSequence(), version: found.getVersion(), isSame }
  } catch (error) {
    if (error instanceof PeerRefusal && (error.status === notFound || /is not defined/.test(error.message)))
      return undefined
    throw error
  }
}

/** The package with which an organisation has approved a definition; undefined when it has not approved this sequence. */
export async function approvedPackage(
  administrator: Administrator,
  channel: string,
  { name }: Pick<Definition, 'name'>,
  sequence: number,
): Promise<string | undefined> {
  const args = encoded(lifecycle.QueryApprovedChaincodeDefinitionArgs, { name, sequence })
  try {
    const answer = await administrator.ask(
      call(lifecycleName, channel, 'QueryApprovedChaincodeDefinition', args),
    )
    return decode(lifecycle.QueryApprovedChaincodeDefinitionResult, answer)
      .getSource()
      ?.getLocalPackage()
      ?.getPackageId()
  } catch (error) {
    if (error instanceof PeerRefusal) return undefined
    throw error
  }
}

/** Approves a definition for the administrator's organisation, whose peer is to run this package. */
export async function approve(
  administrator: Administrator,
  channel: string,
  definition: Definition,
  { sequence, packageId }: { readonly sequence: number; readonly packageId: string },
): Promise<void> {
  const localPackage = build(lifecycle.ChaincodeSource.Local, { packageId })
  const args = encoded(lifecycle.ApproveChaincodeDefinitionForMyOrgArgs, {
    ...definitionFields(definition),
    sequence,
    source: build(lifecycle.ChaincodeSource, { localPackage }),
  })
  await administrator.submit(call(lifecycleName, channel, 'ApproveChaincodeDefinitionForMyOrg', args))
}

/** MSP ids of the organisations that have approved exactly this definition. */
export async function approvals(
  administrator: Administrator,
  channel: string,
  definition: Definition,
  sequence: number,
): Promise<readonly string[]> {
  const args = encoded(lifecycle.CheckCommitReadinessArgs, { ...definitionFields(definition), sequence })
  const answer = await administrator.ask(call(lifecycleName, channel, 'CheckCommitReadiness', args))
  const found: string[] = []
  decode(lifecycle.CheckCommitReadinessResult, answer)
    .getApprovalsMap()
    .forEach((approved, mspId) => void (approved && found.push(mspId)))
  return found
}

/** Commits a definition that a majority has approved, endorsed by these organisations' peers. */
export async function commit(
  administrator: Administrator,
  channel: string,
  definition: Definition,
  { sequence, endorsers }: { readonly sequence: number; readonly endorsers: readonly string[] },
): Promise<void> {
  const args = encoded(lifecycle.CommitChaincodeDefinitionArgs, { ...definitionFields(definition), sequence })
  await administrator.submit(call(lifecycleName, channel, 'CommitChaincodeDefinition', args), endorsers)
}

import {
  lifecycleName,
  systemVersion,
  type ChainDefinition,
  type CollectionDefinition,
  type PolicyReference,
} from '../../fabric/definition.ts'
import { bytes, decode, encode, lifecycle, peer } from '../../fabric/message.ts'
import { readPolicyMessage, type Policy } from '../../fabric/policy.ts'
import { fromOrdered, publicSpace, toOrdered } from '../ledger/keys.ts'
import type { NamespaceSet, Write } from '../ledger/read-write-set.ts'
import type { StateView } from '../ledger/state.ts'
import { chaincodeType, fieldKey, metadataKey } from './lifecycle.ts'

/*
 * What a chain says of its chaincodes in the state of `_lifecycle`, as Fabric's peers read it
 * (core/chaincode/lifecycle, deployedcc_infoprovider.go and serializer.go).
 */

/**
 * The definition of a chaincode; undefined when there is none by which anything could be valid.
 * Errors: Error naming what this network does not support, or what cannot be read.
 */
export type Definitions = (name: string) => ChainDefinition | undefined

type Rule = Policy | PolicyReference

const unsupported = (what: string): Error => new Error(`${what} is not supported by the embedded network`)

type StateData = InstanceType<typeof lifecycle.StateData>
const { TypeCase } = lifecycle.StateData

/** A field that is not there reads like one without content, as in Fabric. */
function readField(content: Uint8Array, wanted: number): StateData {
  const data = decode(lifecycle.StateData, content)
  const allowed: readonly number[] = [wanted, TypeCase.TYPE_NOT_SET]
  if (!allowed.includes(data.getTypeCase())) throw unsupported('a field of another type')
  return data
}

const readBytes = (content: Uint8Array): Buffer => bytes(readField(content, TypeCase.BYTES).getBytes_asU8())

const readSequence = (content: Uint8Array): number => readField(content, TypeCase.INT64).getInt64()

function readVersion(content: Uint8Array): string {
  const info = decode(lifecycle.ChaincodeEndorsementInfo, readBytes(content))
  if (info.getEndorsementPlugin() !== 'escc')
    throw unsupported(`the endorsement plugin '${info.getEndorsementPlugin()}'`)
  if (info.getInitRequired()) throw unsupported('init_required')
  return info.getVersion()
}

/** `protos.ApplicationPolicy`. */
function readRule(content: Uint8Array): Rule {
  const message = decode(peer.ApplicationPolicy, content)
  const signed = message.getSignaturePolicy()
  if (signed !== undefined) return readPolicyMessage(signed)
  const reference = message.getChannelConfigPolicyReference()
  if (!reference.startsWith('/Channel/')) throw unsupported(`the policy reference '${reference}'`)
  return { reference }
}

/** Undefined when a plugin or a policy lacks, and so every transaction is of an invalid chaincode (dispatcher.go). */
function readValidation(content: Uint8Array): Rule | undefined {
  const info = decode(lifecycle.ChaincodeValidationInfo, readBytes(content))
  const parameter = info.getValidationParameter_asU8()
  if (info.getValidationPlugin() === '' || parameter.length === 0) return undefined
  if (info.getValidationPlugin() !== 'vscc')
    throw unsupported(`the validation plugin '${info.getValidationPlugin()}'`)
  return readRule(parameter)
}

function readMembers(config: peer.StaticCollectionConfig): ReadonlySet<string> {
  const message = config.getMemberOrgsPolicy()?.getSignaturePolicy()
  const { count, rules } = message === undefined ? { count: 0, rules: [] } : readPolicyMessage(message)
  const members = rules.flatMap((rule) => ('mspId' in rule && rule.role === 'member' ? [rule.mspId] : []))
  if (count !== 1 || members.length < rules.length)
    throw unsupported('a member_orgs_policy other than any member of some organisations')
  return new Set(members)
}

type CollectionFields = Omit<CollectionDefinition<Rule>, 'policy'> & { readonly own: Rule | undefined }

function readCollection(config: peer.StaticCollectionConfig): CollectionFields {
  const name = config.getName()
  const policy = config.getEndorsementPolicy()
  const own = policy === undefined ? Buffer.alloc(0) : encode(policy)
  try {
    if (config.getBlockToLive() !== 0) throw unsupported('block_to_live')
    if (config.getRequiredPeerCount() !== 0) throw unsupported('required_peer_count')
    return {
      name,
      members: readMembers(config),
      own: own.length === 0 ? undefined : readRule(own),
      memberOnlyRead: config.getMemberOnlyRead(),
      memberOnlyWrite: config.getMemberOnlyWrite(),
    }
  } catch (error) {
    throw new Error(`collection ${name}: ${(error as Error).message}`, { cause: error })
  }
}

const readCollections = (content: Uint8Array): readonly CollectionFields[] =>
  decode(peer.CollectionConfigPackage, readBytes(content))
    .getConfigList()
    .flatMap((config) => config.getStaticCollectionConfig() ?? [])
    .map(readCollection)

function checkMetadata(content: Uint8Array): void {
  const type = decode(lifecycle.StateMetadata, content).getDatatype()
  if (type !== chaincodeType) throw unsupported(`a definition of type '${type}'`)
}

const readers: Readonly<Record<string, (content: Uint8Array) => unknown>> = {
  Sequence: readSequence,
  EndorsementInfo: readVersion,
  ValidationInfo: readValidation,
  Collections: readCollections,
}

function naming<Value>(name: string, read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    throw new Error(`the definition of chaincode ${name}: ${(error as Error).message}`, { cause: error })
  }
}

const nothing = Buffer.alloc(0)

/** Fabric's own chaincode for definitions, which is defined by being there. */
const lifecycleDefinition: ChainDefinition = {
  name: lifecycleName,
  version: systemVersion,
  sequence: 0,
  policy: { reference: '/Channel/Application/LifecycleEndorsement' },
  collections: new Map(),
}

function readDefinition(name: string, state: Pick<StateView, 'get'>): ChainDefinition | undefined {
  const valueOf = (key: string): Buffer | undefined =>
    state.get(publicSpace(lifecycleName), toOrdered(key))?.value
  const fieldOf = (field: string): Buffer => valueOf(fieldKey(name, field)) ?? nothing
  const metadata = valueOf(metadataKey(name))
  if (metadata === undefined) return undefined
  checkMetadata(metadata)
  const policy = readValidation(fieldOf('ValidationInfo'))
  if (policy === undefined) return undefined
  const collections = readCollections(fieldOf('Collections')).map(
    ({ own, ...rest }): CollectionDefinition<Rule> => ({ ...rest, policy: own ?? policy }),
  )
  return {
    name,
    sequence: readSequence(fieldOf('Sequence')),
    version: readVersion(fieldOf('EndorsementInfo')),
    policy,
    // Of two with one name Fabric takes the first.
    collections: new Map(collections.toReversed().map((collection) => [collection.name, collection])),
  }
}

/** The definitions in a state, each read once: whoever changes the state of `_lifecycle` makes them anew. */
export function createDefinitions(state: Pick<StateView, 'get'>): Definitions {
  const known = new Map([[lifecycleName, lifecycleDefinition]])
  return (name) => {
    const found = known.get(name) ?? naming(name, () => readDefinition(name, state))
    // Names that are not defined are without number.
    if (found !== undefined) known.set(name, found)
    return found
  }
}

/** Names of metadata and of fields; neither part has a slash. */
const names = /^namespaces\/(?:metadata\/([^/]*)|fields\/([^/]*)\/([^/]*))$/

function checkWrite({ key, value }: Write): void {
  const [, defined, name = '', field = ''] = names.exec(fromOrdered(key)) ?? []
  if (defined !== undefined) naming(defined, () => value && checkMetadata(value))
  else if (Object.hasOwn(readers, field)) naming(name, () => readers[field]?.(value ?? nothing))
}

/**
 * Checks what a transaction writes about chaincodes, so that no definition comes onto the chain that the peers could not
 * act by. Errors: Error naming what this network does not support.
 */
export function checkDefinitions(namespaces: readonly NamespaceSet[]): void {
  const own = namespaces.find(({ namespace }) => namespace === lifecycleName)
  for (const write of own?.writes ?? []) checkWrite(write)
}

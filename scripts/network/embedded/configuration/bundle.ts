import { mspConfiguration, type BatchOptions } from '../../fabric/genesis.ts'
import { bytes, common, decode, msp, orderer, type MessageType, type Message } from '../../fabric/message.ts'
import type { ChannelPolicies } from '../../fabric/channel-policies.ts'
import type { MetaPolicy, Policy } from '../../fabric/policy.ts'
import { createMembership, type Membership } from '../msp/membership.ts'
import { layOut, nameOf, type Element, type Elements } from './elements.ts'
import { modificationPolicy, policyAt } from './policies.ts'

/** A channel's configuration, as one block has brought it: Fabric's `channelconfig.Bundle`. */
export interface Bundle {
  /** Counts the updates; 0 is the genesis block's. */
  readonly sequence: number
  readonly elements: Elements
  readonly membership: Membership
  /** The groups of the organisations that use the channel, by MSP id. */
  readonly organisations: ReadonlyMap<string, readonly string[]>
  readonly policies: ChannelPolicies
  readonly batch: BatchOptions
}

const application = ['Channel', 'Application'] as const
const ordering = ['Channel', 'Orderer'] as const

/** What a value must be: this network knows no other; undefined is any. */
const supportedValues: Readonly<Record<string, string | undefined>> = {
  '/Channel/HashingAlgorithm': 'SHA256',
  '/Channel/BlockDataHashingStructure': undefined,
  '/Channel/Capabilities': 'V2_0',
  '/Channel/Application/Capabilities': 'V2_5',
  '/Channel/Orderer/Capabilities': 'V2_0',
  '/Channel/Orderer/ConsensusType': 'solo',
  '/Channel/Orderer/BatchSize': undefined,
  '/Channel/Orderer/BatchTimeout': undefined,
}

const organisationValues: ReadonlySet<string> = new Set(['MSP', 'AnchorPeers', 'Endpoints'])

const unsupported = (what: string): Error => new Error(`${what} is not supported by the embedded network`)

const pathOf = ({ path }: Element): string => `/${path.join('/')}`

const readings: Readonly<Record<string, (content: Buffer) => string>> = {
  HashingAlgorithm: (content) => decode(common.HashingAlgorithm, content).getName(),
  ConsensusType: (content) => decode(orderer.ConsensusType, content).getType(),
  Capabilities: (content) =>
    [...decode(common.Capabilities, content).getCapabilitiesMap().keys()].toSorted().join(),
}

/** Errors: Error naming a value, or what it says, when this network would not act by it. */
function checkValue(element: Element): void {
  const name = pathOf(element)
  const key = element.path.at(-1) ?? ''
  const isOfOrganisation = element.path.length === 4 && organisationValues.has(key)
  if (!isOfOrganisation && !Object.hasOwn(supportedValues, name)) throw unsupported(name)
  const expected = supportedValues[name]
  const found = readings[key]?.(element.content)
  if (expected !== undefined && found !== expected) throw unsupported(`${name} ${found}`)
}

/** Errors: Error naming a group that this network knows nothing of. */
function checkGroup(element: Element): void {
  const [, kind] = element.path
  const isKnown = kind === undefined || kind === 'Application' || kind === 'Orderer'
  if (!isKnown || element.path.length > 3) throw unsupported(pathOf(element))
}

function checkElements(elements: Elements): void {
  // Without it Fabric has a rule of its own for definitions (lifecycle.go, LifecycleEndorsementPolicyAsBytes).
  if (policyAt([...application, 'LifecycleEndorsement'], elements) === undefined)
    throw unsupported('a channel without the policy /Channel/Application/LifecycleEndorsement')
  for (const element of elements.values()) {
    if (element.kind === 'value') checkValue(element)
    else if (element.kind === 'group') checkGroup(element)
    // A policy that cannot be read would count as one that never holds.
    else policyAt(element.path, elements)
    if (modificationPolicy(element, elements) === undefined)
      throw new Error(`the configuration has no policy ${element.modPolicy} for ${pathOf(element)}`)
  }
}

/** An MSP of a configuration: root certificate and revocation lists, PEM. */
interface MspParts {
  readonly authority: string
  readonly revocations: readonly string[]
}

/** Errors: Error when the MSP is not of the one form that membership.ts knows. */
function readMsp(content: Buffer): MspParts & { readonly mspId: string } {
  const config = decode(msp.FabricMSPConfig, decode(msp.MSPConfig, content).getConfig_asU8())
  const toText = (value: Uint8Array | undefined): string => bytes(value ?? Buffer.alloc(0)).toString()
  const mspId = config.getName()
  const parts = {
    mspId,
    authority: toText(config.getRootCertsList_asU8()[0]),
    tlsAuthority: toText(config.getTlsRootCertsList_asU8()[0]),
    revocations: config.getRevocationListList_asU8().map(toText),
  }
  if (!mspConfiguration(parts).equals(content))
    throw unsupported(
      `the MSP of ${mspId} (anything but one root certificate, one TLS root certificate, revocation lists and Fabric’s NodeOUs)`,
    )
  return parts
}

function readMsps(elements: Elements): Pick<Bundle, 'membership' | 'organisations'> {
  const found = new Map<string, MspParts>()
  const organisations = new Map<string, readonly string[]>()
  for (const { kind, path, content } of elements.values()) {
    if (kind !== 'value' || path.length !== 4 || path[3] !== 'MSP') continue
    const { mspId, ...parts } = readMsp(content)
    const known = found.get(mspId)
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(parts))
      throw new Error(`the configuration has two different MSPs of the id ${mspId}`)
    found.set(mspId, parts)
    if (path[1] === 'Application') organisations.set(mspId, path.slice(0, -1))
  }
  const membership = createMembership(
    new Map([...found].map(([mspId, { authority }]) => [mspId, authority])),
    new Map([...found].map(([mspId, { revocations }]) => [mspId, revocations])),
  )
  return { membership, organisations }
}

function readPolicies(elements: Elements): ChannelPolicies {
  const at = (...path: readonly string[]): Policy | MetaPolicy => {
    const policy = policyAt(path, elements)
    if (policy === undefined) throw new Error(`the configuration has no policy /${path.join('/')}`)
    return policy
  }
  return {
    applicationReaders: at(...application, 'Readers'),
    applicationWriters: at(...application, 'Writers'),
    readers: at('Channel', 'Readers'),
    writers: at('Channel', 'Writers'),
    blockValidation: at(...ordering, 'BlockValidation'),
  }
}

const durations: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 }

/** Go's notation as far as a batch needs it: a number and one of ms, s and m. */
function readDuration(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? []
  const factor = durations[unit]
  if (factor === undefined) throw unsupported(`a batch timeout of ${text}`)
  return Number(number) * factor
}

function readBatch(elements: Elements): BatchOptions {
  const read = <M extends Message>(name: string, type: MessageType<M>): M => {
    const element = elements.get(nameOf('value', [...ordering, name]))
    if (element === undefined) throw new Error(`the configuration has no ${name}`)
    return decode(type, element.content)
  }
  const size = read('BatchSize', orderer.BatchSize)
  const batch = {
    maxMessages: size.getMaxMessageCount(),
    preferredBytes: size.getPreferredMaxBytes(),
    absoluteBytes: size.getAbsoluteMaxBytes(),
    timeoutMs: readDuration(read('BatchTimeout', orderer.BatchTimeout).getTimeout()),
  }
  // With these no envelope could be ordered any more, not even the one that mends them (channelconfig/orderer.go).
  const [zero] = Object.entries(batch).find(([, value]) => value === 0) ?? []
  if (zero !== undefined) throw new Error(`the configuration has a batch with ${zero} 0`)
  if (batch.preferredBytes > batch.absoluteBytes)
    throw new Error('the configuration prefers larger batches than it allows')
  return batch
}

/** Errors: Error naming what is missing, or what this network does not support. */
export function createBundle(elements: Elements, sequence: number): Bundle {
  checkElements(elements)
  return {
    sequence,
    elements,
    ...readMsps(elements),
    policies: readPolicies(elements),
    batch: readBatch(elements),
  }
}

/** Errors: as {@link createBundle}; Error when it is no `common.ConfigEnvelope`. */
export function readBundle(content: Uint8Array): Bundle {
  const config = decode(common.ConfigEnvelope, content).getConfig()
  if (config === undefined) throw new Error('config envelope has nil config')
  return createBundle(layOut(config.getChannelGroup()), config.getSequence())
}

import { bytes, common, decode } from '../../fabric/message.ts'
import { holds, type Principal } from '../../fabric/policy.ts'
import type { Membership } from '../msp/membership.ts'
import { signersOf } from '../msp/signers.ts'
import { checkKey, layOut, type Element, type Elements } from './elements.ts'
import { modificationPolicy } from './policies.ts'

/* What an update makes of a configuration (common/configtx/update.go). Errors carry Fabric's texts. */

/** A configuration as updates see it. */
export interface Current {
  readonly channel: string
  readonly elements: Elements
  readonly membership: Membership
}

/** Those whose signatures under an update hold, each once. */
const updateSigners = (update: common.ConfigUpdateEnvelope, membership: Membership): Principal[] =>
  signersOf(
    update.getSignaturesList(),
    (item) => {
      const header = bytes(item.getSignatureHeader_asU8())
      return {
        identity: decode(common.SignatureHeader, header).getCreator_asU8(),
        content: Buffer.concat([header, update.getConfigUpdate_asU8()]),
        signature: item.getSignature_asU8(),
      }
    },
    membership,
  )

function checkReadSet(readSet: Elements, current: Elements): void {
  for (const [name, { version }] of readSet) {
    const existing = current.get(name)
    if (existing === undefined)
      throw new Error(`existing config does not contain element for ${name} but was in the read set`)
    if (existing.version !== version)
      throw new Error(
        `proposed update requires that key ${name} be at version ${version}, but it is currently at version ${existing.version}`,
      )
  }
}

/** What the update changes: what it does not say to have read in the very version that it writes. */
const deltaOf = (readSet: Elements, writeSet: Elements): Elements =>
  new Map([...writeSet].filter(([name, { version }]) => readSet.get(name)?.version !== version))

function checkModPolicy(name: string, modPolicy: string): void {
  if (modPolicy === '') throw new Error(`invalid mod_policy for element ${name}: mod_policy not set`)
  for (const part of modPolicy.replace(/^\//, '').split('/')) checkKey(part)
}

function checkChange(
  name: string,
  element: Element,
  elements: Elements,
  signers: readonly Principal[],
): void {
  checkModPolicy(name, element.modPolicy)
  const existing = elements.get(name)
  if (existing === undefined) {
    if (element.version === 0) return
    throw new Error(`attempted to set key ${name} to version ${element.version}, but key does not exist`)
  }
  if (element.version !== existing.version + 1)
    throw new Error(
      `attempt to set key ${name} to version ${element.version}, but key is at version ${existing.version}`,
    )
  const policy = modificationPolicy(existing, elements)
  if (policy === undefined)
    throw new Error(`unexpected missing policy ${existing.modPolicy} for item ${name}`)
  if (!holds(policy, signers)) throw new Error(`policy for ${name} not satisfied`)
}

function checkDelta(delta: Elements, elements: Elements, signers: readonly Principal[]): void {
  if (delta.size === 0) throw new Error('delta set was empty -- update would have no effect')
  for (const [name, element] of delta) checkChange(name, element, elements, signers)
}

/** What can be reached from the root: an update removes an element by a group that does not name it any more. */
function reachable(elements: Elements): Elements {
  const found = new Map<string, Element>()
  const visit = (name: string): void => {
    const element = elements.get(name)
    if (element === undefined) throw new Error(`missing element at path: ${name}`)
    found.set(name, element)
    for (const child of element.children) visit(child)
  }
  const [root] = layOut(new common.ConfigGroup()).keys()
  visit(root ?? '')
  return found
}

/** Errors: Error that says, before what went wrong, in which step it did. */
export function within<Value>(step: string, take: () => Value): Value {
  try {
    return take()
  } catch (error) {
    throw new Error(`${step}: ${(error as Error).message}`, { cause: error })
  }
}

/**
 * The configuration after an update that its policies allow.
 * @param envelope `common.ConfigUpdateEnvelope`
 * Errors: Error with Fabric's text when the update is not sound, not of this channel, late, or not signed by enough.
 */
export function applyUpdate(envelope: Uint8Array, { channel, elements, membership }: Current): Elements {
  const update = decode(common.ConfigUpdateEnvelope, envelope)
  const content = decode(common.ConfigUpdate, update.getConfigUpdate_asU8())
  if (content.getChannelId() !== channel)
    throw new Error(
      `ConfigUpdate for channel '${content.getChannelId()}' but envelope for channel '${channel}'`,
    )
  const readSet = within('error mapping ReadSet', () => layOut(content.getReadSet()))
  within('error validating ReadSet', () => checkReadSet(readSet, elements))
  const writeSet = within('error mapping WriteSet', () => layOut(content.getWriteSet()))
  const delta = deltaOf(readSet, writeSet)
  within('error validating DeltaSet', () => checkDelta(delta, elements, updateSigners(update, membership)))
  return reachable(new Map([...elements, ...delta]))
}

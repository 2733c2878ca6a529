import { randomBytes } from 'node:crypto'
import {
  bytes,
  build,
  common,
  decode,
  encode,
  encoded,
  timestampOf,
} from '../../scripts/network/fabric/message.ts'
import type { Signer } from '../../scripts/network/fabric/signer.ts'
import {
  layOut,
  toTree,
  type Element,
  type Elements,
} from '../../scripts/network/embedded/configuration/elements.ts'

/* Configuration updates as an administrator's tools make them (configtxlator's compute_update), and as nobody should. */

/** A copy of a configuration's tree that may be changed. */
export const treeOf = (elements: Elements): common.ConfigGroup =>
  decode(common.ConfigGroup, encode(toTree(elements)))

const isSame = (one: Element, other: Element): boolean =>
  one.modPolicy === other.modPolicy &&
  one.content.equals(other.content) &&
  one.children.join() === other.children.join()

/** The wanted configuration with the versions that an update must give to what is changed. */
function withVersions(current: Elements, wanted: Elements): Elements {
  const version = (name: string, element: Element): number => {
    const existing = current.get(name)
    if (existing === undefined) return 0
    return isSame(existing, element) ? existing.version : existing.version + 1
  }
  return new Map(
    [...wanted].map(([name, element]) => [name, { ...element, version: version(name, element) }]),
  )
}

export interface UpdateOptions {
  readonly channel: string
  readonly current: Elements
  /** Changes a copy of the current configuration into the wanted one. */
  readonly change: (tree: common.ConfigGroup) => void
  /** Administrators who agree. */
  readonly signers: readonly Signer[]
  /** Who sends it. */
  readonly sender: Signer
}

/** A signed `CONFIG_UPDATE` envelope. */
export function updateEnvelope({ channel, current, change, signers, sender }: UpdateOptions): Buffer {
  const tree = treeOf(current)
  change(tree)
  const configUpdate = encoded(common.ConfigUpdate, {
    channelId: channel,
    readSet: toTree(current),
    writeSet: toTree(withVersions(current, layOut(tree))),
  })
  const signaturesList = signers.map((signer) => {
    const signatureHeader = encoded(common.SignatureHeader, {
      creator: signer.identity,
      nonce: randomBytes(24),
    })
    return build(common.ConfigSignature, {
      signatureHeader,
      signature: signer.sign(signatureHeader, configUpdate),
    })
  })
  const header = build(common.Header, {
    channelHeader: encoded(common.ChannelHeader, {
      type: common.HeaderType.CONFIG_UPDATE,
      channelId: channel,
      timestamp: timestampOf(Date.now()),
    }),
    signatureHeader: encoded(common.SignatureHeader, { creator: sender.identity, nonce: randomBytes(24) }),
  })
  const data = encoded(common.ConfigUpdateEnvelope, { configUpdate, signaturesList })
  const payload = encoded(common.Payload, { header, data })
  return encoded(common.Envelope, { payload, signature: sender.sign(payload) })
}

/** A group of a tree by its path below the root. Errors: RangeError when there is none. */
export function groupAt(tree: common.ConfigGroup, ...path: readonly string[]): common.ConfigGroup {
  return path.reduce((group, name) => {
    const found = group.getGroupsMap().get(name)
    if (found === undefined) throw new RangeError(`the configuration has no group ${path.join('/')}`)
    return found
  }, tree)
}

/** Gives a value of a group other bytes. */
export function setValue(group: common.ConfigGroup, name: string, content: Buffer): void {
  const value = build(common.ConfigValue, { modPolicy: 'Admins', value: bytes(content) })
  group.getValuesMap().set(name, value)
}

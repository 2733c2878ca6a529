import { common, decode } from '../../fabric/message.ts'
import { readPolicyMessage, type MetaPolicy, type Policy } from '../../fabric/policy.ts'
import { nameOf, type Element, type Elements } from './elements.ts'

const { PolicyType } = common.Policy
const { Rule } = common.ImplicitMetaPolicy

/** How many of the policies below must hold (common/policies/implicitmeta.go). */
function thresholdOf(rule: number, count: number): number {
  if (rule === Rule.ANY) return Math.min(1, count)
  if (rule === Rule.ALL) return count
  if (rule === Rule.MAJORITY) return Math.floor(count / 2) + 1
  throw new Error(`an implicit policy has the unknown rule ${rule}`)
}

function implicitPolicy(content: Uint8Array, group: readonly string[], elements: Elements): MetaPolicy {
  const message = decode(common.ImplicitMetaPolicy, content)
  const children = elements.get(nameOf('group', group))?.children ?? []
  const groups = children.flatMap((name) => {
    const child = elements.get(name)
    return child?.kind === 'group' ? [child] : []
  })
  const of = groups.flatMap(({ path }) => policyAt([...path, message.getSubPolicy()], elements) ?? [])
  return { threshold: thresholdOf(message.getRule(), groups.length), of }
}

/**
 * The policy at a path, with those that it is made of; undefined when there is none.
 * Errors: Error naming what is not supported.
 */
export function policyAt(path: readonly string[], elements: Elements): Policy | MetaPolicy | undefined {
  const found = elements.get(nameOf('policy', path))
  if (found === undefined) return undefined
  const message = decode(common.Policy, found.content)
  const content = message.getValue_asU8()
  switch (message.getType()) {
    case PolicyType.SIGNATURE:
      return readPolicyMessage(decode(common.SignaturePolicyEnvelope, content))
    case PolicyType.IMPLICIT_META:
      return implicitPolicy(content, path.slice(0, -1), elements)
    default:
      throw new Error(`policies of type ${message.getType()} are not supported`)
  }
}

/** The policy by which an element may be changed (configtx/update.go, policyForItem); undefined when there is none. */
export function modificationPolicy(
  { kind, path, modPolicy }: Element,
  elements: Elements,
): Policy | MetaPolicy | undefined {
  if (modPolicy === '') return undefined
  if (modPolicy.startsWith('/')) return policyAt(modPolicy.slice(1).split('/'), elements)
  const group = kind === 'group' ? path : path.slice(0, -1)
  return policyAt([...group, ...modPolicy.split('/')], elements)
}

import type { ChainDefinition, PolicyReference } from '../../fabric/definition.ts'
import { anyOf, holds, type MetaPolicy, type Policy } from '../../fabric/policy.ts'
import type { Definitions } from '../channel/definitions.ts'
import type { Bundle } from '../configuration/bundle.ts'
import { policyAt } from '../configuration/policies.ts'
import type { NamespaceSet } from './read-write-set.ts'
import { code, type ValidationCode } from './validation-code.ts'
import type { CheckedTransaction } from './verify-signatures.ts'

/** By what endorsements are judged: what the blocks before have brought. */
export interface EndorsementContext {
  readonly definitionOf: Definitions
  configuration(): Bundle
}

type Endorsers = CheckedTransaction['endorsers']

const isWriting = ({ writes, collections }: NamespaceSet): boolean =>
  writes.length > 0 || collections.some((collection) => collection.writes.length > 0)

/** A policy of the channel, and one that never holds where there is none of this name (core/policy/application.go). */
function resolve(rule: Policy | PolicyReference, context: EndorsementContext): Policy | MetaPolicy {
  if (!('reference' in rule)) return rule
  const path = rule.reference.slice(1).split('/')
  return policyAt(path, context.configuration().elements) ?? { threshold: 1, of: [] }
}

const implicitPrefix = '_implicit_org_'

/**
 * The policy of a collection: its own, or for an organisation's implicit one that organisation's `Endorsement`
 * (deployedcc_infoprovider.go). No chaincode gets to an implicit one here; Fabric's administrators approve definitions there.
 */
function policyOf(
  collection: string,
  { collections }: ChainDefinition,
  context: EndorsementContext,
): Policy | MetaPolicy | undefined {
  if (!collection.startsWith(implicitPrefix)) {
    const found = collections.get(collection)
    return found && resolve(found.policy, context)
  }
  const mspId = collection.slice(implicitPrefix.length)
  const { elements, organisations } = context.configuration()
  const group = organisations.get(mspId)
  return group && (policyAt([...group, 'Endorsement'], elements) ?? anyOf([{ mspId, role: 'member' }]))
}

/**
 * Whether those endorsed whom the policies of a namespace ask for: the chaincode's policy for public writes and for a
 * transaction that writes nothing, each collection's own policy for what is written there (validator_keylevel.go).
 */
function isEndorsed(
  { collections, writes }: Pick<NamespaceSet, 'collections' | 'writes'>,
  endorsers: Endorsers,
  definition: ChainDefinition,
  context: EndorsementContext,
): boolean {
  const written = collections.filter((collection) => collection.writes.length > 0)
  const needsChaincodePolicy = writes.length > 0 || written.length === 0
  if (needsChaincodePolicy && !holds(resolve(definition.policy, context), endorsers)) return false
  return written.every(({ collection }) => {
    const policy = policyOf(collection, definition, context)
    return policy !== undefined && holds(policy, endorsers)
  })
}

const nothing = { collections: [], writes: [] }

/**
 * Every namespace that is written must have a definition, and those endorsed whom it asks for; the namespace of the
 * chaincode also when it is not written. The version under which it was endorsed is not compared (v20's dispatcher).
 */
export function judgeEndorsements(
  { action, endorsers }: CheckedTransaction,
  context: EndorsementContext,
): ValidationCode {
  if (action === undefined) return code.INVALID_ENDORSER_TRANSACTION
  const setOf = (name: string): NamespaceSet | undefined =>
    action.namespaces.find(({ namespace }) => namespace === name)
  const written = action.namespaces.filter(isWriting).map(({ namespace }) => namespace)
  const judged = [...new Set([action.chaincode, ...written])].map((name) => {
    const definition = context.definitionOf(name)
    if (definition === undefined) return code.INVALID_CHAINCODE
    const isSatisfied = isEndorsed(setOf(name) ?? nothing, endorsers, definition, context)
    return isSatisfied ? code.VALID : code.ENDORSEMENT_POLICY_FAILURE
  })
  // Fabric's order is that of a Go map, so that either code may come first there; what is unknown is said first here.
  if (judged.includes(code.INVALID_CHAINCODE)) return code.INVALID_CHAINCODE
  return judged.find((value) => value !== code.VALID) ?? code.VALID
}

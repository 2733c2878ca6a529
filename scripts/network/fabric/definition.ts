import { chaincodeEndorsers, collectionsOf } from 'medledger-chaincode/api'
import type { Topology } from '../topology.ts'
import { endorsementPolicy, type Policy } from './policy.ts'

/** A policy of the channel's configuration, by its path: Fabric's `channel_config_policy_reference`. */
export interface PolicyReference {
  /** From the root: `/Channel/Application/Endorsement`. */
  readonly reference: string
}

/** A private data collection of a chaincode. */
export interface CollectionDefinition<Rule = Policy> {
  readonly name: string
  /** MSP ids whose peers hold the values. */
  readonly members: ReadonlySet<string>
  /** Replaces the chaincode's policy for what a transaction writes in this collection. */
  readonly policy: Rule
  /** Peers let only clients of the members read here; hashes are for everybody. */
  readonly memberOnlyRead: boolean
  /** Peers let only clients of the members write, delete and purge here. */
  readonly memberOnlyWrite: boolean
}

/** A chaincode as its channel has agreed on it. */
export interface Definition<Rule = Policy> {
  readonly name: string
  readonly version: string
  readonly policy: Rule
  readonly collections: ReadonlyMap<string, CollectionDefinition<Rule>>
}

/** A definition as a chain has it. */
export interface ChainDefinition extends Definition<Policy | PolicyReference> {
  /** Counts the definitions of this chaincode, from 1. */
  readonly sequence: number
}

export const lifecycleName = '_lifecycle'

/** The version under which Fabric's own chaincodes endorse. */
export const systemVersion = 'syscc'

/** MSP id of an organisation's name. Errors: RangeError when the topology has no such organisation. */
export function mspIdOf({ constitution }: Topology, name: string): string {
  const organisation = constitution.organisations.find((candidate) => candidate.name === name)
  if (organisation === undefined) throw new RangeError(`the topology has no organisation ${name}`)
  return organisation.mspId
}

/** The chaincode that a topology runs, with its collections. */
export function definitionOf(topology: Topology): Definition {
  const { constitution, chaincode } = topology
  const toMspId = (name: string): string => mspIdOf(topology, name)
  const collections = collectionsOf(constitution).map(
    ({ name, members, endorsers, memberOnlyRead, memberOnlyWrite }): CollectionDefinition => ({
      name,
      members: new Set(members.map(toMspId)),
      policy: endorsementPolicy(endorsers, toMspId),
      memberOnlyRead,
      memberOnlyWrite,
    }),
  )
  return {
    name: chaincode.name,
    version: chaincode.version,
    policy: endorsementPolicy(chaincodeEndorsers(constitution), toMspId),
    collections: new Map(collections.map((collection) => [collection.name, collection])),
  }
}

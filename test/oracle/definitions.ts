import { definitionState, fieldKey } from '../../scripts/network/embedded/channel/lifecycle.ts'
import { collectionPackage } from '../../scripts/network/fabric/collections.ts'
import { definitionOf } from '../../scripts/network/fabric/definition.ts'
import { holds } from '../../scripts/network/fabric/policy.ts'
import { build, decode, encode, encoded, lifecycle, peer } from '../../scripts/network/fabric/message.ts'
import type { World } from '../scripts/network/embedded/attacks/world.ts'
import { lifecycleEnvelope, withWest } from '../support/channel-changes.ts'
import type { Drawn, Source } from './kinds.ts'

/*
 * Later definitions of the chaincode: other endorsers, the channel's own policies, policies that hold for nobody. The collections
 * are the same in all of them, as Fabric's peers do not survive a write in one that is not defined.
 */

type Fields = Map<string, Buffer>

const data = (content: Buffer): Buffer => encoded(lifecycle.StateData, { bytes: content })

const referring = (channelConfigPolicyReference: string): peer.ApplicationPolicy =>
  build(peer.ApplicationPolicy, { channelConfigPolicyReference })

/** With another policy of the chaincode's; with none at all, everything is of an invalid chaincode. */
function withPolicy(fields: Fields, name: string, policy: peer.ApplicationPolicy | undefined): Fields {
  const info = encoded(lifecycle.ChaincodeValidationInfo, {
    validationPlugin: 'vscc',
    validationParameter: policy && encode(policy),
  })
  return fields.set(fieldKey(name, 'ValidationInfo'), data(info))
}

/** With another policy of each collection's, or with none of their own. */
function withCollectionPolicies(
  fields: Fields,
  { definition }: World['channel'],
  policy: peer.ApplicationPolicy | undefined,
): Fields {
  const configs = decode(peer.CollectionConfigPackage, collectionPackage(definition))
  for (const config of configs.getConfigList())
    config.getStaticCollectionConfig()?.setEndorsementPolicy(policy)
  return fields.set(fieldKey(definition.name, 'Collections'), data(encode(configs)))
}

/** Definitions, each of which follows the one before. */
export interface Redefinitions {
  next(): Drawn
  /** How probable the next one is: when nothing can be valid by the newest one, it must not last. */
  readonly chance: () => number
  /** Whether two peers can be enough for the chaincode's policy, as they are by the first definition. */
  readonly holdsForTwo: () => boolean
  /** The first one again. */
  first(): Drawn
}

export function createRedefinitions({ world, draw }: Source): Redefinitions {
  const { channel, topology } = world
  const { name } = channel.definition
  let sequence = 1
  let isBarren = false
  const make = (change: (fields: Fields) => Fields): Drawn => {
    sequence += 1
    const fields = change(new Map(definitionState(channel.definition, sequence)))
    const peers = ['north', 'south', 'authority'].map((organisation) => world.of(organisation, 'peer'))
    return { kind: 'definition', envelope: lifecycleEnvelope(fields, world.of('north', 'admin'), peers) }
  }
  const application = '/Channel/Application'
  const fruitful: ReadonlyArray<(fields: Fields) => Fields> = [
    (fields) => fields,
    () => new Map(definitionState(definitionOf(withWest(topology)), sequence)),
    (fields) => withPolicy(fields, name, referring(`${application}/Endorsement`)),
    (fields) => withPolicy(fields, name, referring(`${application}/SouthMSP/Endorsement`)),
    (fields) => withPolicy(fields, name, referring(`${application}/WestMSP/Endorsement`)),
    (fields) => withPolicy(fields, name, referring(`${application}/Writers`)),
    (fields) => withCollectionPolicies(fields, channel, undefined),
    (fields) => withCollectionPolicies(fields, channel, referring(`${application}/Endorsement`)),
    (fields) => withCollectionPolicies(fields, channel, referring(`${application}/Nobody`)),
  ]
  const barren: ReadonlyArray<(fields: Fields) => Fields> = [
    (fields) => withPolicy(fields, name, referring(`${application}/Nobody`)),
    (fields) => withPolicy(fields, name, undefined),
  ]
  return {
    next() {
      isBarren = draw.chance(0.15)
      return make(draw.one(isBarren ? barren : fruitful))
    },
    holdsForTwo() {
      const policy = world.north.definitionOf(name)?.policy
      if (policy === undefined || 'reference' in policy) return false
      return holds(
        policy,
        ['NorthMSP', 'SouthMSP'].map((mspId) => ({ mspId, role: 'peer' })),
      )
    },
    chance: () => (isBarren ? 0.5 : 0.06),
    first: () => make((fields) => fields),
  }
}

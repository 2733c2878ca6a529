import type { CollectionDefinition, Definition } from './definition.ts'
import { build, encoded, peer } from './message.ts'
import { anyOf, toPolicyMessage } from './policy.ts'

function toCollection(collection: CollectionDefinition): peer.CollectionConfig {
  const { name, members, policy, memberOnlyRead, memberOnlyWrite } = collection
  const membership = anyOf([...members].map((mspId) => ({ mspId, role: 'member' as const })))
  const staticCollectionConfig = build(peer.StaticCollectionConfig, {
    name,
    memberOrgsPolicy: build(peer.CollectionPolicyConfig, { signaturePolicy: toPolicyMessage(membership) }),
    requiredPeerCount: 0,
    maximumPeerCount: members.size - 1,
    memberOnlyRead,
    memberOnlyWrite,
    endorsementPolicy: build(peer.ApplicationPolicy, { signaturePolicy: toPolicyMessage(policy) }),
  })
  return build(peer.CollectionConfig, { staticCollectionConfig })
}

/** The collections of a chaincode as the lifecycle's transactions have them: `protos.CollectionConfigPackage`. */
export const collectionPackage = ({ collections }: Pick<Definition, 'collections'>): Buffer =>
  encoded(peer.CollectionConfigPackage, { configList: [...collections.values()].map(toCollection) })

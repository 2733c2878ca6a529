import type { Credentials } from '../../issue.ts'
import { hostOf } from '../../names.ts'
import { credentialsOf } from '../../profile.ts'
import { ordererPort, type Topology } from '../../topology.ts'
import { definitionOf, type Definition } from '../../fabric/definition.ts'
import { createSigner } from '../../fabric/signer.ts'
import {
  genesisEnvelope,
  organisationConfiguration,
  type BatchOptions,
  type ChannelConfiguration,
} from '../../fabric/genesis.ts'
import { definitionEnvelope } from './lifecycle.ts'

/** What all parts of the network agree on. */
export interface Channel {
  readonly name: string
  /** The one with which its directory was made; the chain's own may have been updated since. */
  readonly configuration: ChannelConfiguration
  /** The chaincode that the network runs, likewise as it was first defined. */
  readonly definition: Definition
}

/**
 * Errors: RangeError when an organisation of the topology has no credentials; Error when a revocation list is not its
 * organisation's own.
 */
export function createChannel(topology: Topology, credentials: Credentials, batch: BatchOptions): Channel {
  const { channel, organisations } = topology.constitution
  const [ordering] = topology.orderers
  const configuration: ChannelConfiguration = {
    channel,
    organisations: organisations.map(({ name }) => organisationConfiguration(credentials, name)),
    orderers: [
      {
        organisation: organisationConfiguration(credentials, ordering),
        address: { host: hostOf('orderer', ordering), port: ordererPort(topology) },
      },
    ],
    consensus: { type: 'solo' },
    batch,
  }
  return { name: channel, configuration, definition: definitionOf(topology) }
}

/** The envelopes of the first two blocks: the configuration, and the chaincode definition that all peers endorse. */
export function firstEnvelopes(
  topology: Topology,
  credentials: Credentials,
  { name, configuration, definition }: Channel,
  now: number,
): readonly [Buffer, Buffer] {
  const ordering = credentialsOf(credentials, topology.orderers[0])
  const creator = createSigner(ordering.mspId, ordering.admin)
  const endorsers = topology.constitution.organisations.map((organisation) => {
    const { mspId, peer } = credentialsOf(credentials, organisation.name)
    return createSigner(mspId, peer)
  })
  return [genesisEnvelope(configuration, now), definitionEnvelope(name, definition, creator, endorsers, now)]
}

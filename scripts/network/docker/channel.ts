import { createBlock, encodeBlock, withLastConfig } from '../fabric/block.ts'
import { genesisEnvelope, organisationConfiguration, type ChannelConfiguration } from '../fabric/genesis.ts'
import type { Credentials } from '../issue.ts'
import { hostOf } from '../names.ts'
import { credentialsOf } from '../profile.ts'
import { containerPorts } from '../reach.ts'
import type { Topology } from '../topology.ts'

/**
 * A block is cut when it has waited this long: most of what a lone access takes. Elections begin after two to four seconds
 * without a leader, so that one that is lost is replaced well within what a gateway keeps trying for.
 */
const batch = {
  maxMessages: 100,
  preferredBytes: 2 * 1024 * 1024,
  absoluteBytes: 10 * 1024 * 1024,
  timeoutMs: 250,
}
const tickMs = 200
const electionTicks = 10

function configurationOf(topology: Topology, credentials: Credentials): ChannelConfiguration {
  const { channel, organisations } = topology.constitution
  return {
    channel,
    organisations: organisations.map(({ name }) => ({
      ...organisationConfiguration(credentials, name),
      anchorPeer: { host: hostOf('peer', name), port: containerPorts.peer },
    })),
    orderers: topology.orderers.map((name) => ({
      organisation: organisationConfiguration(credentials, name),
      address: { host: hostOf('orderer', name), port: containerPorts.orderer },
    })),
    consensus: {
      type: 'etcdraft',
      tlsCertificates: topology.orderers.map(
        (name) => credentialsOf(credentials, name).tls.orderer.certificate,
      ),
      tickMs,
      electionTicks,
    },
    batch,
  }
}

/** The block with which orderers and peers join the channel. `now` is in milliseconds since 1970 (UTC). */
export function genesisBlock(topology: Topology, credentials: Credentials, now: number): Buffer {
  const block = createBlock(0, Buffer.alloc(0), [
    genesisEnvelope(configurationOf(topology, credentials), now),
  ])
  return encodeBlock(withLastConfig(block, 0))
}

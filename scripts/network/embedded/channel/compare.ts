import { readEnvelope } from '../ledger/transaction.ts'
import { bytes, common, decode } from '../../fabric/message.ts'
import { mspConfiguration, type ChannelConfiguration } from '../../fabric/genesis.ts'

/** `msp.MSPConfig` of each application organisation in a configuration. */
function readMsps(data: Buffer): ReadonlyMap<string, Buffer> {
  const channel = decode(common.ConfigEnvelope, data).getConfig()?.getChannelGroup()
  const msps = new Map<string, Buffer>()
  channel
    ?.getGroupsMap()
    .get('Application')
    ?.getGroupsMap()
    .forEach((group, mspId) => {
      const value = group.getValuesMap().get('MSP')
      msps.set(mspId, value === undefined ? Buffer.alloc(0) : bytes(value.getValue_asU8()))
    })
  return msps
}

/**
 * Checks that a ledger's genesis block is of this channel and these certificates.
 * Errors: Error naming what differs; such a ledger cannot go on, because nobody could sign for it any more.
 */
export function checkGenesis(envelope: Buffer, configuration: ChannelConfiguration): void {
  const { header, data } = readEnvelope(envelope)
  if (header.channel !== configuration.channel)
    throw new Error(`the ledger is of channel ${header.channel}, not ${configuration.channel}`)
  const found = readMsps(data)
  const mspIds = configuration.organisations.map(({ mspId }) => mspId)
  if ([...found.keys()].toSorted().join() !== mspIds.toSorted().join())
    throw new Error(
      `the ledger is of the organisations ${[...found.keys()].join(', ')}, not ${mspIds.join(', ')}`,
    )
  for (const organisation of configuration.organisations)
    if (found.get(organisation.mspId)?.equals(mspConfiguration(organisation)) !== true)
      throw new Error(
        `the ledger was made with other certificates or revocations of ${organisation.mspId}: restore them, or start with a new directory`,
      )
}

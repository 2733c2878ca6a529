import { readEnvelope } from '../ledger/transaction.ts'
import { common, decode } from '../wire/message.ts'
import { mspConfiguration, type ChannelConfiguration } from './genesis.ts'

/**
 * Checks that a ledger's genesis block is of this channel and these certificates.
 * Errors: Error naming what differs; such a ledger cannot go on, because nobody could sign for it any more.
 */
export function checkGenesis(envelope: Buffer, configuration: ChannelConfiguration): void {
  const { header, data } = readEnvelope(envelope)
  if (header.channel !== configuration.channel)
    throw new Error(`the ledger is of channel ${header.channel}, not ${configuration.channel}`)
  const groups = decode(common.ConfigEnvelope, data).getConfig()?.getChannelGroup()?.getGroupsMap()
  const application = groups?.get('Application')?.getGroupsMap()
  const expected = configuration.organisations.map(({ mspId }) => mspId)
  const found = application === undefined ? [] : [...application.toArray()].map(([mspId]) => mspId)
  if (found.toSorted().join() !== expected.toSorted().join())
    throw new Error(`the ledger is of the organisations ${found.join(', ')}, not ${expected.join(', ')}`)
  for (const organisation of configuration.organisations) {
    const value = application?.get(organisation.mspId)?.getValuesMap().get('MSP')?.getValue_asU8()
    if (value === undefined || !mspConfiguration(organisation).equals(value))
      throw new Error(
        `the ledger was made with other certificates of ${organisation.mspId}: restore them, or start with a new directory`,
      )
  }
}

import { randomBytes } from 'node:crypto'
import { build, common, decode, encode, encoded, timestampOf } from '../../fabric/message.ts'
import type { Signer } from '../../fabric/signer.ts'
import { readEnvelope } from '../ledger/transaction.ts'
import { createBundle, type Bundle } from './bundle.ts'
import { areSame, layOut, toTree, type Elements } from './elements.ts'
import { applyUpdate, within } from './update.ts'

/** What a `CONFIG_UPDATE` asks for, by the configuration in force. Errors: as {@link applyUpdate} and {@link createBundle}. */
function resultOf(update: Uint8Array, channel: string, { elements, membership, sequence }: Bundle): Elements {
  const result = within('error authorizing update', () =>
    applyUpdate(readEnvelope(update).data, { channel, elements, membership }),
  )
  // Whoever would refuse it as a configuration must not let it become one.
  createBundle(result, sequence + 1)
  return result
}

/**
 * The transaction that an orderer makes of an update (msgprocessor, ProcessConfigUpdateMsg): `CONFIG`, with the whole new
 * configuration and the update that led to it.
 * @param update `common.Envelope` of a `CONFIG_UPDATE`
 * Errors: Error with Fabric's text when it is not allowed; Error naming what this network does not support.
 */
export function configurationEnvelope(
  update: Buffer,
  channelId: string,
  current: Bundle,
  signer: Signer,
  now: number,
): Buffer {
  const result = resultOf(update, channelId, current)
  const config = build(common.Config, { sequence: current.sequence + 1, channelGroup: toTree(result) })
  const data = encoded(common.ConfigEnvelope, { config, lastUpdate: decode(common.Envelope, update) })
  const header = build(common.Header, {
    channelHeader: encoded(common.ChannelHeader, {
      type: common.HeaderType.CONFIG,
      channelId,
      timestamp: timestampOf(now),
    }),
    signatureHeader: encoded(common.SignatureHeader, { creator: signer.identity, nonce: randomBytes(24) }),
  })
  const payload = encoded(common.Payload, { header, data })
  return encoded(common.Envelope, { payload, signature: signer.sign(payload) })
}

/** Errors: Error, where google-protobuf would fail an assertion. */
function readConfigEnvelope(envelope: Buffer): common.ConfigEnvelope {
  try {
    return decode(common.ConfigEnvelope, readEnvelope(envelope).data)
  } catch (error) {
    throw new Error('the configuration cannot be read', { cause: error })
  }
}

/** Errors: Error when a `CONFIG` transaction is not what its update makes of the configuration in force. */
export function checkConfiguration(envelope: Buffer, channel: string, current: Bundle): void {
  const content = readConfigEnvelope(envelope)
  const config = content.getConfig()
  const update = content.getLastUpdate()
  if (config === undefined || update === undefined)
    throw new Error('the configuration has no update that it follows from')
  if (config.getSequence() !== current.sequence + 1)
    throw new Error(
      `config currently at sequence ${current.sequence}, cannot validate config at sequence ${config.getSequence()}`,
    )
  const result = resultOf(encode(update), channel, current)
  if (!areSame(result, layOut(config.getChannelGroup())))
    throw new Error('ConfigEnvelope LastUpdate did not produce the supplied config result')
}

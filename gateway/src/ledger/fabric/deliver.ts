import type { Channel, Endorser, EventInfo, IdentityContext } from 'fabric-common'
import type { DeliveredBlock } from '../port.ts'
import type { OpenStream } from './blocks.ts'
import { validationCodeName } from './wire.ts'

/** The SDK's decoded filtered block, as far as it matters; its own types leave the numbers' form open. */
interface FilteredBlock {
  readonly filtered_transactions?: readonly {
    readonly txid: string
    readonly tx_validation_code: number | string
    /** A filtered block has the event without its payload. */
    readonly transaction_actions?: {
      readonly chaincode_actions?: readonly {
        readonly chaincode_event?: { readonly event_name?: string }
      }[]
    } | null
  }[]
}

export function toDeliveredBlock(number: number, { filtered_transactions }: FilteredBlock): DeliveredBlock {
  return {
    number,
    transactions: (filtered_transactions ?? []).map((filtered, position) => {
      const { txid, tx_validation_code: raw, transaction_actions: actions } = filtered
      const code = validationCodeName(raw)
      const valid = code === 'VALID'
      // One chaincode is called in a transaction of this product, and announces one event at the most.
      const name = actions?.chaincode_actions?.[0]?.chaincode_event?.event_name ?? ''
      const event = valid && name !== '' && { event: name }
      return { transactionId: txid, block: number, position, valid, code, ...event }
    }),
  }
}

/** A peer that has the block asked for sends it well within this time. */
const startTimeoutMs = 3000

/**
 * Opens filtered block streams at the first of `peers` that answers. Each gets an event service of its own: one that
 * has failed to start stays in use for ever, and the SDK's listeners above it retry without a pause.
 */
export const deliverFrom = (
  channel: Channel,
  peers: readonly Endorser[],
  identity: IdentityContext,
): OpenStream =>
  async function open(fromBlock, handlers) {
    const service = channel.newEventService('blocks')
    const eventers = peers.map((peer) => {
      const eventer = channel.client.newEventer(peer.name)
      eventer.setEndpoint(peer.endpoint)
      return eventer
    })
    let over = false
    const close = (): void => {
      over = true
      service.close()
      for (const eventer of eventers) eventer.disconnect()
    }
    const onEvent = (error?: Error | null, event?: EventInfo): void => {
      if (over) return
      if (error) {
        over = true
        handlers.end()
      } else if (event?.filteredBlock)
        handlers.block(
          toDeliveredBlock(event.blockNumber.toNumber(), event.filteredBlock as unknown as FilteredBlock),
        )
    }
    try {
      service.setTargets(eventers)
      service.registerBlockListener(onEvent, { unregister: false })
      service.build(identity, {
        blockType: 'filtered',
        ...(fromBlock === undefined ? {} : { startBlock: fromBlock }),
      })
      service.sign(identity)
      await service.send({ requestTimeout: startTimeoutMs })
      return close
    } catch (error) {
      close()
      throw error
    }
  }

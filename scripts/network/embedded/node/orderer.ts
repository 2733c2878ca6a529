import type { Membership } from '../msp/membership.ts'
import { common, encoded, orderer } from '../wire/message.ts'
import { ordererService } from '../wire/services.ts'
import { blockAnswer } from './deliver-answers.ts'
import { createDeliver, createStreams } from './deliver.ts'
import type { Ordering } from './ordering.ts'
import { listen, type RunningServer, type Stream } from './server.ts'

export interface OrdererOptions {
  readonly ordering: Ordering
  readonly channel: string
  readonly membership: Membership
  readonly port: number
  readonly tls: { readonly certificate: string; readonly privateKey: string }
  readonly now: () => number
}

function createBroadcast(ordering: Ordering): (stream: Stream) => void {
  const accept = (envelope: Buffer): Buffer => {
    try {
      return encoded(orderer.BroadcastResponse, ordering.accept(envelope))
    } catch {
      return encoded(orderer.BroadcastResponse, { status: common.Status.INTERNAL_SERVER_ERROR })
    }
  }
  return (stream) => {
    stream.on('data', (envelope: Buffer) => stream.write(accept(envelope)))
    stream.on('end', () => stream.end())
    // A client that goes away in the middle has its answer no more; there is nothing to undo.
    stream.on('error', () => undefined)
  }
}

/** Serves `orderer.AtomicBroadcast`. Errors: when the port is taken. */
export function serveOrderer(options: OrdererOptions): Promise<RunningServer> {
  const { ordering, channel, membership, now } = options
  const streams = createStreams()
  const source = {
    height: () => ordering.blocks.height,
    read: (number: number) => ordering.blocks.read(number),
    onCommit: ordering.onCommit,
  }
  const deliver = createDeliver({
    source,
    channel,
    membership,
    now,
    encode: blockAnswer,
    track: streams.track,
  })
  return listen({
    port: options.port,
    ...options.tls,
    services: [{ methods: ordererService, handlers: { broadcast: createBroadcast(ordering), deliver } }],
    endStreams: streams.end,
  })
}

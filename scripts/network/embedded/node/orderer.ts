import type { Bundle } from '../configuration/bundle.ts'
import { common, encoded, orderer } from '../../fabric/message.ts'
import { ordererService } from '../../fabric/services.ts'
import { blockAnswer } from './deliver-answers.ts'
import { createDeliver, createStreams } from './deliver.ts'
import type { BroadcastAnswer, Ordering } from './ordering.ts'
import { listen, type RunningServer, type Stream } from './server.ts'

export interface OrdererOptions {
  readonly ordering: Pick<Ordering, 'blocks' | 'accept' | 'onCommit'>
  readonly channel: string
  /** The one in force. Its `/Channel/Readers` may ask for blocks. */
  readonly configuration: () => Bundle
  readonly port: number
  readonly tls: { readonly certificate: string; readonly privateKey: string }
  readonly now: () => number
}

function createBroadcast(ordering: Pick<Ordering, 'accept'>): (stream: Stream) => void {
  const accept = (envelope: Buffer): BroadcastAnswer => {
    try {
      return ordering.accept(envelope)
    } catch {
      return { status: common.Status.INTERNAL_SERVER_ERROR, info: '' }
    }
  }
  return (stream) => {
    let hasEnded = false
    const end = (): void => {
      hasEnded = true
      stream.end()
    }
    stream.on('data', (envelope: Buffer) => {
      if (hasEnded) return
      const answer = accept(envelope)
      const isWritten = stream.write(encoded(orderer.BroadcastResponse, answer))
      // A refusal ends the stream, as in Fabric; and who does not read answers is not listened to meanwhile.
      if (answer.status !== common.Status.SUCCESS) end()
      else if (!isWritten) {
        stream.pause()
        stream.once('drain', () => stream.resume())
      }
    })
    stream.on('end', end)
    // A client that goes away in the middle has its answer no more; there is nothing to undo.
    stream.on('error', () => undefined)
  }
}

/** Serves `orderer.AtomicBroadcast`. Errors: when the port is taken. */
export function serveOrderer(options: OrdererOptions): Promise<RunningServer> {
  const { ordering, channel, configuration, now } = options
  const streams = createStreams()
  const source = {
    height: () => ordering.blocks.height,
    read: (number: number) => ordering.blocks.read(number),
    onCommit: ordering.onCommit,
  }
  const deliver = createDeliver({
    source,
    channel,
    admission() {
      const { membership, policies } = configuration()
      return { membership, policy: policies.readers }
    },
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

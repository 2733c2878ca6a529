import type { Duplex } from 'node:stream'
import type { Channel, Endorser, IdentityContext } from 'fabric-common'
import type { FullBlock, UnreadableBlock } from '../port.ts'
import type { OpenStream } from './blocks.ts'
import { toFullBlock } from './full-block.ts'
import { messageAt, readFields } from './protobuf.ts'
import { writeFields } from './wire.ts'

export type BlockContent = FullBlock | UnreadableBlock

interface SignedEnvelope {
  readonly signature: Uint8Array
  readonly payload: Uint8Array
}

type Bytes = (value: Buffer) => Buffer

/** Of the SDK's eventer, what its own types leave out: the gRPC client below it. */
interface Connection {
  readonly service: {
    makeBidiStreamRequest(method: string, serialize: Bytes, deserialize: Bytes): Duplex & { cancel(): void }
  }
}

const method = '/protos.Deliver/DeliverWithPrivateData'
const asIs: Bytes = (value) => value

/** Field of a `DeliverResponse` (peer/events.proto); a status ends the stream. */
const blockAndPrivateData = 4

/**
 * Opens streams of full blocks and their private data at the first of `peers` that can be spoken to. The bytes are read
 * here, and not by the SDK, which ends a stream at a block that it cannot decode and asks for it again for ever.
 */
export const deliverFullFrom = (
  channel: Channel,
  peers: readonly Endorser[],
  { identity, chaincode }: { readonly identity: IdentityContext; readonly chaincode: string },
): OpenStream<BlockContent> =>
  async function open(fromBlock, handlers) {
    const service = channel.newEventService('full blocks')
    service.build(identity, {
      blockType: 'private',
      ...(fromBlock !== undefined && { startBlock: fromBlock }),
    })
    service.sign(identity)
    const { payload, signature } = service.getSignedEnvelope() as SignedEnvelope
    for (const peer of peers) {
      const eventer = channel.client.newEventer(peer.name)
      eventer.setEndpoint(peer.endpoint)
      if (await eventer.checkConnection().catch(() => false)) {
        const connection = eventer as unknown as Connection
        const stream = connection.service.makeBidiStreamRequest(method, asIs, asIs)
        const close = (): void => {
          stream.cancel()
          eventer.disconnect()
        }
        read(stream, { ...handlers, close, chaincode, expected: fromBlock ?? 0 })
        stream.write(writeFields({ 1: payload, 2: signature }))
        return close
      }
      eventer.disconnect()
    }
    throw new Error('no peer is connected')
  }

interface Reader {
  readonly block: (block: BlockContent) => void
  readonly end: () => void
  readonly close: () => void
  readonly chaincode: string
  readonly expected: number
}

function read(stream: Duplex, { block, end, close, chaincode, expected }: Reader): void {
  let next = expected
  let over = false
  const finish = (): void => {
    if (over) return
    over = true
    close()
    end()
  }
  stream.on('data', (answer: Buffer) => {
    if (over) return
    const content = contentOf(answer)
    if (content === 'status') {
      finish()
      return
    }
    const read = toFullBlock(content, chaincode, next)
    next = read.number + 1
    block(read)
  })
  for (const event of ['end', 'error', 'close']) stream.on(event, finish)
}

function contentOf(answer: Buffer): Uint8Array | 'status' {
  try {
    const fields = readFields(answer)
    return fields.contents.has(blockAndPrivateData) ? messageAt(fields, blockAndPrivateData) : 'status'
  } catch {
    // Bytes that no block can be read from.
    return new Uint8Array()
  }
}

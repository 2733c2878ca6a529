import { Client, credentials, Metadata, type CallOptions, type ServiceError } from '@grpc/grpc-js'
import { common, decode, encode, orderer, peer } from '../fabric/message.ts'
import { deliverService, endorserService, ordererService, type RawMethod } from '../fabric/services.ts'

/** Where a node answers, and the authority (PEM) of its TLS certificate, which is in the name of the host. */
export interface NodeEndpoint {
  readonly address: string
  readonly authority: string
}

/** A peer, as an administrator talks to it. */
export interface PeerClient {
  /** Has a signed proposal considered; gives `protos.ProposalResponse`. Errors: gRPC's, when the peer does not answer. */
  propose(signedProposal: Buffer): Promise<Buffer>
  /** The blocks that a signed request asks for (`common.Block`). Errors: gRPC's; Error with the peer's status. */
  deliver(request: Buffer): AsyncGenerator<Buffer>
  close(): void
}

/** What is said to a transaction that is sent to an orderer. */
export interface OrdererAnswer {
  /** `common.Status`; 200 is success. */
  readonly status: number
  readonly info: string
}

export interface OrdererClient {
  /** Sends an envelope to be ordered. Errors: gRPC's, when the orderer does not answer. */
  broadcast(envelope: Buffer): Promise<OrdererAnswer>
  close(): void
}

const peerTimeoutMs = 30_000
const ordererTimeoutMs = 10_000
const deliverTimeoutMs = 600_000

/** A chaincode package or a block fits in. */
const largestMessage = 100 * 1024 * 1024

const connect = ({ address, authority }: NodeEndpoint): Client =>
  new Client(address, credentials.createSsl(Buffer.from(authority)), {
    'grpc.max_receive_message_length': largestMessage,
    'grpc.max_send_message_length': largestMessage,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1000,
  })

const within = (ms: number): CallOptions => ({ deadline: Date.now() + ms })

function unary(client: Client, method: RawMethod, request: Buffer): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  client.makeUnaryRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    request,
    new Metadata({ waitForReady: true }),
    within(peerTimeoutMs),
    (error: ServiceError | null, answer?: Buffer) => {
      if (error === null && answer !== undefined) resolve(answer)
      else reject(error ?? new Error('the node gave no answer'))
    },
  )
  return promise
}

const { SUCCESS } = common.Status

async function* deliver(client: Client, request: Buffer): AsyncGenerator<Buffer> {
  const method = deliverService.deliver
  const stream = client.makeBidiStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    new Metadata({ waitForReady: true }),
    within(deliverTimeoutMs),
  )
  stream.write(request)
  try {
    for await (const content of stream) {
      const answer = decode(peer.DeliverResponse, content as Buffer)
      const block = answer.getBlock()
      if (block !== undefined) yield encode(block)
      else if (answer.getStatus() === SUCCESS) return
      else throw new Error(`the peer gives no blocks: status ${answer.getStatus()}`)
    }
  } finally {
    stream.cancel()
  }
}

export function connectPeer(endpoint: NodeEndpoint): PeerClient {
  const client = connect(endpoint)
  return {
    propose: (proposal) => unary(client, endorserService.processProposal, proposal),
    deliver: (request) => deliver(client, request),
    close: () => client.close(),
  }
}

export function connectOrderer(endpoint: NodeEndpoint): OrdererClient {
  const client = connect(endpoint)
  return {
    broadcast(envelope) {
      const { promise, resolve, reject } = Promise.withResolvers<OrdererAnswer>()
      const { broadcast } = ordererService
      const stream = client.makeBidiStreamRequest(
        broadcast.path,
        broadcast.requestSerialize,
        broadcast.responseDeserialize,
        new Metadata({ waitForReady: true }),
        within(ordererTimeoutMs),
      )
      stream.once('data', (content: Buffer) => {
        const answer = decode(orderer.BroadcastResponse, content)
        resolve({ status: answer.getStatus(), info: answer.getInfo() })
        stream.end()
      })
      stream.once('error', reject)
      stream.once('end', () => reject(new Error('the orderer gave no answer')))
      stream.write(envelope)
      return promise
    },
    close: () => client.close(),
  }
}

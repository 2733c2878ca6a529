import { Client, credentials, type ClientDuplexStream } from '@grpc/grpc-js'
import { build, bytes, decode, encode, encoded, peer, wrap } from '../wire/message.ts'
import { chaincodeService } from '../wire/services.ts'
import { createRequests, messageType, requestError, type Requests } from './requests.ts'
import type { Simulation } from '../ledger/simulate.ts'

export interface ChaincodeConnectionOptions {
  /** `host:port` of the chaincode process. */
  readonly address: string
  /** Its name in its TLS certificate. */
  readonly host: string
  /** What the process has to register as. */
  readonly packageId: string
  readonly channel: string
  /** PEM: the authority of the process's certificate, and what the peer shows of itself. */
  readonly tls: {
    readonly authority: string
    readonly pair: { readonly certificate: string; readonly privateKey: string }
  }
  readonly executeTimeoutMs: number
  readonly log: (line: string) => void
}

export interface Execution {
  readonly response: peer.Response
  readonly event: peer.ChaincodeEvent | undefined
}

/** A peer's connection with its organisation's chaincode process, which may come and go. */
export interface ChaincodeConnection {
  /**
   * Runs a transaction.
   * Errors: Error with Fabric's texts; "could not launch chaincode" when there is no process or it went away, so that
   * nothing was endorsed and the client may try again.
   */
  execute(
    simulation: Simulation,
    transactionId: string,
    input: peer.ChaincodeInput,
    signedProposal: Buffer,
  ): Promise<Execution>
  /** Resolves when a process has registered. Rejects when the connection is closed. */
  ready(): Promise<void>
  close(): void
}

interface Running {
  readonly requests: Requests
  readonly settle: (outcome: Execution | Error) => void
}

type Stream = ClientDuplexStream<Buffer, Buffer>

/** Between two attempts to reach the process; each attempt fails at once when its port is closed. */
const reconnectMs = 250

const dialOptions = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 500,
}

export function createChaincodeConnection(options: ChaincodeConnectionOptions): ChaincodeConnection {
  const { packageId, channel, log } = options
  const { authority, pair } = options.tls
  const security = credentials.createSsl(
    Buffer.from(authority),
    Buffer.from(pair.privateKey),
    Buffer.from(pair.certificate),
  )
  const client = new Client(options.address, security, {
    ...dialOptions,
    'grpc.ssl_target_name_override': options.host,
    'grpc.default_authority': options.host,
  })
  const running = new Map<string, Running>()
  let registered: Stream | undefined
  let ready = Promise.withResolvers<void>()
  let timer: NodeJS.Timeout | undefined
  let isOpen = true
  // Nobody may be waiting when the connection closes.
  const ignoreRejection = (): void => void ready.promise.catch(() => undefined)
  ignoreRejection()

  const send = (stream: Stream, type: number, transactionId: string, payload: Uint8Array): void => {
    stream.write(
      encoded(peer.ChaincodeMessage, { type: type as 0, txid: transactionId, channelId: channel, payload }),
    )
  }
  const unavailable = (reason: string): Error =>
    new Error(`could not launch chaincode ${packageId}: ${reason}`)

  const onRegister = (stream: Stream, payload: Uint8Array): void => {
    const name = decode(peer.ChaincodeID, payload).getName()
    if (name !== packageId) {
      log(`chaincode at ${options.address} registered as ${name}, not as ${packageId}`)
      stream.cancel()
      return
    }
    stream.write(encoded(peer.ChaincodeMessage, { type: messageType.REGISTERED }))
    stream.write(encoded(peer.ChaincodeMessage, { type: messageType.READY }))
    registered = stream
    log(`chaincode ${packageId} is registered at ${options.address}`)
    ready.resolve()
  }

  const onRequest = (stream: Stream, message: peer.ChaincodeMessage): void => {
    const transactionId = message.getTxid()
    const type = message.getType()
    const found = running.get(transactionId)
    try {
      if (found === undefined) throw new Error('no ledger context')
      send(
        stream,
        messageType.RESPONSE,
        transactionId,
        found.requests.answer(type, message.getPayload_asU8()),
      )
    } catch (error) {
      const text = requestError(type, transactionId, error as Error)
      send(stream, messageType.ERROR, transactionId, Buffer.from(text))
    }
  }

  const onMessage = (stream: Stream, content: Buffer): void => {
    const message = decode(peer.ChaincodeMessage, content)
    const payload = message.getPayload_asU8()
    const found = running.get(message.getTxid())
    if (message.getType() === messageType.REGISTER) onRegister(stream, payload)
    else if (message.getType() === messageType.COMPLETED)
      found?.settle({ response: decode(peer.Response, payload), event: message.getChaincodeEvent() })
    else if (message.getType() === messageType.ERROR)
      found?.settle(new Error(`transaction returned with failure: ${bytes(payload).toString()}`))
    else onRequest(stream, message)
  }

  const onLost = (stream: Stream): void => {
    if (stream === registered) {
      registered = undefined
      ready = Promise.withResolvers()
      ignoreRejection()
      log(`chaincode ${packageId} at ${options.address} went away`)
      for (const { settle } of running.values()) settle(unavailable('chaincode stream terminated'))
    }
    if (isOpen) timer ??= setTimeout(dial, reconnectMs)
    else ready.reject(unavailable('the peer is stopped'))
  }

  const dial = (): void => {
    timer = undefined
    const { connect } = chaincodeService
    const stream = client.makeBidiStreamRequest(
      connect.path,
      connect.requestSerialize,
      connect.responseDeserialize,
    )
    let isLost = false
    const lose = (): void => {
      if (!isLost) onLost(stream)
      isLost = true
    }
    stream.on('data', (content: Buffer) => {
      try {
        onMessage(stream, content)
      } catch {
        stream.cancel()
      }
    })
    stream.on('error', lose)
    stream.on('end', lose)
  }
  dial()

  return {
    execute(simulation, transactionId, input, signedProposal) {
      const stream = registered
      if (stream === undefined) return Promise.reject(unavailable('no chaincode process is registered'))
      if (running.has(transactionId))
        return Promise.reject(new Error(`txid: ${transactionId}(${channel}) exists`))
      return new Promise((resolve, reject) => {
        const settle = (outcome: Execution | Error): void => {
          clearTimeout(timeout)
          running.delete(transactionId)
          if (outcome instanceof Error) reject(outcome)
          else resolve(outcome)
        }
        const timeout = setTimeout(
          () => settle(new Error('timeout expired while executing transaction')),
          options.executeTimeoutMs,
        )
        running.set(transactionId, { requests: createRequests(simulation), settle })
        const message = build(peer.ChaincodeMessage, {
          type: messageType.TRANSACTION,
          txid: transactionId,
          channelId: channel,
          payload: encode(input),
        })
        // The proposal goes in as the client signed it.
        stream.write(Buffer.concat([encode(message), wrap(5, signedProposal)]))
      })
    },
    ready: () => ready.promise,
    close() {
      isOpen = false
      clearTimeout(timer)
      for (const { settle } of running.values()) settle(unavailable('the peer is stopped'))
      ready.reject(unavailable('the peer is stopped'))
      registered?.cancel()
      client.close()
    },
  }
}

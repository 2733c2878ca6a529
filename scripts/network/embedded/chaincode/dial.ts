import { Client, credentials, type ClientDuplexStream } from '@grpc/grpc-js'
import { chaincodeService } from '../../fabric/services.ts'

export interface DialOptions {
  /** `host:port` of the chaincode process. */
  readonly address: string
  /** Its name in its TLS certificate. */
  readonly host: string
  /** PEM: the authority of the process's certificate, and what the peer shows of itself. */
  readonly tls: {
    readonly authority: string
    readonly pair: { readonly certificate: string; readonly privateKey: string }
  }
  readonly onMessage: (stream: ChaincodeStream, content: Buffer) => void
  /** Told once of each stream that ended, and of each attempt that failed. */
  readonly onLost: (stream: ChaincodeStream) => void
}

export type ChaincodeStream = ClientDuplexStream<Buffer, Buffer>

/** Between two attempts; an attempt fails at once while the process's port is closed. */
const reconnectMs = 250

const backoff = { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 500 }

/** Keeps a stream to a chaincode process open, again and again, until it is closed. */
export function dialChaincode(options: DialOptions): { close: () => void } {
  const { authority, pair } = options.tls
  const [root, key, certificate] = [authority, pair.privateKey, pair.certificate].map((pem) =>
    Buffer.from(pem),
  )
  const client = new Client(options.address, credentials.createSsl(root, key, certificate), {
    ...backoff,
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    'grpc.ssl_target_name_override': options.host,
    'grpc.default_authority': options.host,
  })
  let current: ChaincodeStream | undefined
  let timer: NodeJS.Timeout | undefined
  let isOpen = true

  const dial = (): void => {
    const { connect } = chaincodeService
    const stream = client.makeBidiStreamRequest(
      connect.path,
      connect.requestSerialize,
      connect.responseDeserialize,
    )
    current = stream
    stream.on('data', (content: Buffer) => {
      try {
        options.onMessage(stream, content)
      } catch {
        stream.cancel()
      }
    })
    const lose = (): void => {
      if (current !== stream) return
      current = undefined
      options.onLost(stream)
      if (isOpen) timer = setTimeout(dial, reconnectMs)
    }
    stream.on('error', lose)
    stream.on('end', lose)
  }
  dial()
  return {
    close() {
      isOpen = false
      clearTimeout(timer)
      current?.cancel()
      client.close()
    },
  }
}

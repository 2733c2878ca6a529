import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import type { RawMethod } from '../../fabric/services.ts'
import { limitCalls, type CallLimits } from './limit-calls.ts'

export type Stream = ServerDuplexStream<Buffer, Buffer>

/** A service with its handlers, bytes in and bytes out. */
export interface RawService {
  readonly methods: Readonly<Record<string, RawMethod>>
  readonly handlers: UntypedServiceImplementation
}

export interface RunningServer {
  /** Ends the streams that are open, then everything else; takes less than a second. */
  close(): Promise<void>
}

export interface ServerOptions {
  readonly port: number
  /** PEM. */
  readonly certificate: string
  readonly privateKey: string
  readonly services: readonly RawService[]
  /** Called first when the server closes: endless streams would otherwise keep it open. */
  readonly endStreams: () => void
  readonly limits?: CallLimits
}

/**
 * Beyond this a request is not even read: a little more than the largest transaction that the orderer takes, where
 * Fabric reads 100 MB from anybody.
 */
export const maximumMessageBytes = 12 * 1024 * 1024

const callLimits: CallLimits = { calls: 1000, requestMs: 10_000 }
const streamsPerConnection = 500
const shutdownMs = 300

const grpcOptions = {
  'grpc.max_receive_message_length': maximumMessageBytes,
  'grpc.max_send_message_length': -1,
  'grpc.max_concurrent_streams': streamsPerConnection,
}

/** Listens on the loopback interface with TLS. Errors: when the port is taken. */
export async function listen(options: ServerOptions): Promise<RunningServer> {
  const interceptors = [limitCalls(options.limits ?? callLimits)]
  const server = new Server({ ...grpcOptions, interceptors })
  for (const { methods, handlers } of options.services) server.addService(methods, handlers)
  const pair = { cert_chain: Buffer.from(options.certificate), private_key: Buffer.from(options.privateKey) }
  const credentials = ServerCredentials.createSsl(null, [pair], false)
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${options.port}`, credentials, (error) => {
      if (error === null) resolve()
      else reject(new Error(`cannot listen on port ${options.port}: ${error.message}`, { cause: error }))
    })
  })
  return {
    async close() {
      options.endStreams()
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          server.forceShutdown()
          resolve()
        }, shutdownMs)
        server.tryShutdown(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    },
  }
}

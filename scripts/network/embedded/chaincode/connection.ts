import type { Simulation } from '../ledger/simulate.ts'
import { build, bytes, decode, encode, encoded, peer, wrap } from '../../fabric/message.ts'
import { dialChaincode, type ChaincodeStream, type DialOptions } from './dial.ts'
import { createExecutions, type Execution, type Executions } from './executions.ts'
import { messageType, requestError } from './requests.ts'

export interface ChaincodeConnectionOptions extends Pick<DialOptions, 'address' | 'host' | 'tls'> {
  /** What the process has to register as. */
  readonly packageId: string
  readonly channel: string
  readonly executeTimeoutMs: number
  readonly log: (line: string) => void
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

type MessageType = ReturnType<peer.ChaincodeMessage['getType']>

/** Answers the messages of a registered process (core/chaincode/handler.go). */
function serve(
  channelId: string,
  executions: Executions,
  stream: ChaincodeStream,
  message: peer.ChaincodeMessage,
): void {
  const txid = message.getTxid()
  const type = message.getType()
  const content = message.getPayload_asU8()
  const send = (answer: MessageType, payload: Uint8Array): void =>
    void stream.write(encoded(peer.ChaincodeMessage, { type: answer, txid, channelId, payload }))
  if (type === messageType.COMPLETED) {
    executions.settle(txid, { response: decode(peer.Response, content), event: message.getChaincodeEvent() })
    return
  }
  if (type === messageType.ERROR) {
    executions.settle(txid, new Error(`transaction returned with failure: ${bytes(content).toString()}`))
    return
  }
  try {
    const requests = executions.requestsOf(txid)
    if (requests === undefined) throw new Error('no ledger context')
    send(messageType.RESPONSE, requests.answer(type, content))
  } catch (error) {
    send(messageType.ERROR, Buffer.from(requestError(type, txid, error as Error)))
  }
}

/** A promise that can be settled from outside, and that nobody needs to wait for. */
function createSignal(): PromiseWithResolvers<void> {
  const signal = Promise.withResolvers<void>()
  signal.promise.catch(() => undefined)
  return signal
}

export function createChaincodeConnection(options: ChaincodeConnectionOptions): ChaincodeConnection {
  const { packageId, channel, log } = options
  const executions = createExecutions(channel, options.executeTimeoutMs)
  let registered: ChaincodeStream | undefined
  let ready = createSignal()
  const unavailable = (reason: string): Error =>
    new Error(`could not launch chaincode ${packageId}: ${reason}`)

  const register = (stream: ChaincodeStream, name: string): void => {
    if (name !== packageId) {
      log(`the chaincode at ${options.address} registered as ${name}, not as ${packageId}`)
      stream.cancel()
      return
    }
    stream.write(encoded(peer.ChaincodeMessage, { type: messageType.REGISTERED }))
    stream.write(encoded(peer.ChaincodeMessage, { type: messageType.READY }))
    registered = stream
    log(`the chaincode at ${options.address} is registered`)
    ready.resolve()
  }
  const connection = dialChaincode({
    ...options,
    onMessage(stream, content) {
      const message = decode(peer.ChaincodeMessage, content)
      if (message.getType() === messageType.REGISTER)
        register(stream, decode(peer.ChaincodeID, message.getPayload_asU8()).getName())
      else if (stream === registered) serve(channel, executions, stream, message)
    },
    onLost(stream) {
      if (stream !== registered) return
      registered = undefined
      ready = createSignal()
      log(`the chaincode at ${options.address} went away`)
      executions.settleAll(unavailable('chaincode stream terminated'))
    },
  })

  return {
    async execute(simulation, transactionId, input, signedProposal) {
      const stream = registered
      if (stream === undefined) throw unavailable('no chaincode process is registered')
      const execution = executions.begin(transactionId, simulation)
      const message = build(peer.ChaincodeMessage, {
        type: messageType.TRANSACTION,
        txid: transactionId,
        channelId: channel,
        payload: encode(input),
      })
      // The proposal goes in as the client signed it.
      stream.write(Buffer.concat([encode(message), wrap(5, signedProposal)]))
      return execution
    },
    ready: () => ready.promise,
    close() {
      executions.settleAll(unavailable('the peer is stopped'))
      connection.close()
      ready.reject(unavailable('the peer is stopped'))
    },
  }
}

import {
  ResponderBuilder,
  ServerInterceptingCall,
  ServerListenerBuilder,
  status,
  type ServerInterceptor,
} from '@grpc/grpc-js'

/** What a server takes on for callers of whom it knows nothing yet: nobody needs a certificate to connect. */
export interface CallLimits {
  /** Calls of all clients at once, streams included; Fabric's `peer.limits.concurrency`. */
  readonly calls: number
  /** How long a call may be open without a whole request, in milliseconds. */
  readonly requestMs: number
}

/** Refuses calls beyond the limit, and ends those that do not say what they want. */
export function limitCalls({ calls, requestMs }: CallLimits): ServerInterceptor {
  let open = 0
  return (_, call) => {
    let isOpen = false
    const timer = setTimeout(() => {
      call.sendStatus({ code: status.DEADLINE_EXCEEDED, details: 'the request did not come in time' })
    }, requestMs)
    const close = (): void => {
      clearTimeout(timer)
      if (isOpen) open -= 1
      isOpen = false
    }
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        if (open >= calls) {
          close()
          const details = `too many requests, exceeding concurrency limit (${calls})`
          call.sendStatus({ code: status.RESOURCE_EXHAUSTED, details })
          return
        }
        open += 1
        isOpen = true
        next(metadata)
      })
      .withOnReceiveMessage((message, next) => {
        clearTimeout(timer)
        next(message)
      })
      .withOnCancel(close)
      .build()
    const responder = new ResponderBuilder()
      .withStart((next) => next(listener))
      .withSendStatus((answer, next) => {
        close()
        next(answer)
      })
      .build()
    return new ServerInterceptingCall(call, responder)
  }
}

import { readEnvelope } from '../ledger/transaction.ts'
import type { Membership } from '../msp/membership.ts'
import { common, decode, orderer, wrapNumber } from '../wire/message.ts'
import { senderOf } from './access.ts'
import type { Stream } from './server.ts'

/** A chain to deliver from. */
export interface BlockSource {
  readonly height: () => number
  readonly read: (number: number) => Buffer
  readonly onCommit: (listener: () => void) => () => void
}

export interface DeliverOptions {
  readonly source: BlockSource
  readonly channel: string
  readonly membership: Membership
  readonly now: () => number
  /** The answer that carries a block, for a requester of this MSP. */
  readonly encode: (block: Buffer, mspId: string) => Buffer
  /** Takes up a stream while it is open, so that it can be ended when the server closes. */
  readonly track: (end: () => void) => () => void
}

const { Status } = common
const { FAIL_IF_NOT_READY } = orderer.SeekInfo.SeekBehavior

/** Fabric's `peer.authentication.timewindow`. */
const timeWindowSeconds = 900

const statusAnswer = (status: number): Buffer => wrapNumber(1, status)

interface Seek {
  readonly first: number
  /** The last block wanted; infinity for whatever comes. */
  readonly last: number
  readonly failsIfNotReady: boolean
}

function positionOf(position: orderer.SeekPosition, height: number, first?: number): number {
  if (position.hasOldest()) return 0
  if (position.hasNewest()) return Math.max(first ?? 0, height - 1)
  if (position.hasNextCommit()) return height
  return position.getSpecified()?.getNumber() ?? 0
}

function readSeek(data: Uint8Array, height: number): Seek | undefined {
  const message = decode(orderer.SeekInfo, data)
  const start = message.getStart()
  const stop = message.getStop()
  if (start === undefined || stop === undefined) return undefined
  const first = positionOf(start, height)
  const last = stop.hasOldest() ? first : positionOf(stop, height, first)
  if (last < first) return undefined
  return { first, last, failsIfNotReady: message.getBehavior() === FAIL_IF_NOT_READY }
}

/** Who asks for what, or the `common.Status` by which the request is refused (common/deliver/deliver.go). */
function readRequest(envelope: Buffer, options: DeliverOptions): { mspId: string; seek: Seek } | number {
  try {
    const { header, data } = readEnvelope(envelope)
    const now = options.now()
    if (header.channel !== options.channel) return Status.NOT_FOUND
    if (Math.abs(header.timestampSeconds - now / 1000) > timeWindowSeconds) return Status.BAD_REQUEST
    const sender = senderOf(header, options.membership, now)
    if (sender === undefined) return Status.FORBIDDEN
    const seek = readSeek(data, options.source.height())
    return seek === undefined ? Status.BAD_REQUEST : { mspId: sender.mspId, seek }
  } catch {
    return Status.BAD_REQUEST
  }
}

/** Serves one stream: each request has the blocks that it asks for, then a status. */
function serve(stream: Stream, options: DeliverOptions): void {
  const { source } = options
  const closing = new AbortController()
  const isOpen = (): boolean => !closing.signal.aborted
  const untrack = options.track(() => {
    closing.abort()
    stream.end()
  })
  const onClosed = (): void => {
    untrack()
    closing.abort()
  }

  /** Resolves when `subscribe` calls back, or when the stream closes. */
  const wait = (subscribe: (callback: () => void) => () => void): Promise<void> =>
    new Promise((resolve) => {
      const finish = (): void => {
        unsubscribe()
        closing.signal.removeEventListener('abort', finish)
        resolve()
      }
      const unsubscribe = subscribe(finish)
      closing.signal.addEventListener('abort', finish)
    })
  const drained = (callback: () => void): (() => void) => {
    stream.once('drain', callback)
    return () => void stream.off('drain', callback)
  }
  const send = async (content: Buffer): Promise<void> => {
    if (isOpen() && !stream.write(content)) await wait(drained)
  }
  const deliver = async (envelope: Buffer): Promise<number> => {
    const request = readRequest(envelope, options)
    if (typeof request === 'number') return request
    const { mspId, seek } = request
    for (let number = seek.first; number <= seek.last && isOpen(); number += 1) {
      if (number >= source.height() && seek.failsIfNotReady) return Status.NOT_FOUND
      while (isOpen() && number >= source.height()) await wait(source.onCommit)
      if (isOpen()) await send(options.encode(source.read(number), mspId))
    }
    return Status.SUCCESS
  }

  const answer = async (previous: Promise<void>, envelope: Buffer): Promise<void> => {
    await previous
    try {
      if (isOpen()) await send(statusAnswer(await deliver(envelope)))
    } catch {
      stream.destroy()
    }
  }
  let last = Promise.resolve()
  stream.on('data', (envelope: Buffer) => {
    last = answer(last, envelope)
  })
  stream.on('end', () => void last.finally(() => isOpen() && stream.end()))
  for (const event of ['cancelled', 'error', 'close']) stream.on(event, onClosed)
}

/** A handler of one of Fabric's Deliver methods. */
export const createDeliver =
  (options: DeliverOptions): ((stream: Stream) => void) =>
  (stream) =>
    serve(stream, options)

/** Keeps the ends of open streams. */
export function createStreams(): { track: DeliverOptions['track']; end: () => void } {
  const ends = new Set<() => void>()
  return {
    track(end) {
      ends.add(end)
      return () => void ends.delete(end)
    },
    end() {
      for (const end of ends) end()
    },
  }
}

import { readEnvelope } from '../ledger/transaction.ts'
import { expiryOf, type Member } from '../msp/membership.ts'
import { common, decode, orderer, wrapNumber } from '../../fabric/message.ts'
import { admittedBy, type Admission } from './access.ts'
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
  /** Whose requests are answered. */
  readonly admission: () => Admission
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

function readSeek(message: orderer.SeekInfo, height: number): Seek | undefined {
  const start = message.getStart()
  const stop = message.getStop()
  if (start === undefined || stop === undefined) return undefined
  const first = positionOf(start, height)
  const last = stop.hasOldest() ? first : positionOf(stop, height, first)
  if (last < first) return undefined
  return { first, last, failsIfNotReady: message.getBehavior() === FAIL_IF_NOT_READY }
}

interface Request {
  readonly sender: Member
  readonly seek: Seek
  /** Whether the sender's certificate still holds, and the configuration of now lets her in (common/deliver/acl.go). */
  readonly isAdmitted: () => boolean
}

/** Who asks for what, or the `common.Status` by which the request is refused (common/deliver/deliver.go). */
function readRequest(envelope: Buffer, options: DeliverOptions): Request | number {
  try {
    const { header, data } = readEnvelope(envelope)
    const now = options.now()
    if (Math.abs(header.timestampSeconds - now / 1000) > timeWindowSeconds) return Status.BAD_REQUEST
    if (header.channel !== options.channel) return Status.NOT_FOUND
    const message = decode(orderer.SeekInfo, data)
    let admission = options.admission()
    const sender = admittedBy(admission, header)
    if (sender === undefined || expiryOf(sender, now) !== undefined) return Status.FORBIDDEN
    const seek = readSeek(message, options.source.height())
    if (seek === undefined) return Status.BAD_REQUEST
    const isAdmitted = (): boolean => {
      if (expiryOf(sender, options.now()) !== undefined) return false
      const current = options.admission()
      // Each configuration has a membership of its own.
      if (current.membership === admission.membership) return true
      admission = current
      return admittedBy(current, header) !== undefined
    }
    return { sender, seek, isAdmitted }
  } catch {
    return Status.BAD_REQUEST
  }
}

/**
 * Serves one stream: each request has the blocks that it asks for, then a status. A request is read when the one before
 * it has been answered, and a refusal ends the stream, so that nobody can pile up requests here.
 */
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
    const { sender, seek, isAdmitted } = request
    for (let number = seek.first; number <= seek.last && isOpen(); number += 1) {
      if (number >= source.height() && seek.failsIfNotReady) return Status.NOT_FOUND
      while (isOpen() && number >= source.height()) await wait(source.onCommit)
      // A stream may outlive the certificate with which it was asked for, and the sender's place on the channel.
      if (!isAdmitted()) return Status.FORBIDDEN
      if (isOpen()) await send(options.encode(source.read(number), sender.mspId))
    }
    return Status.SUCCESS
  }

  const answer = async (envelope: Buffer): Promise<void> => {
    try {
      const status = await deliver(envelope)
      await send(statusAnswer(status))
      if (status === Status.SUCCESS || !isOpen()) return
      stream.end()
      onClosed()
    } catch {
      stream.destroy()
    }
  }
  let last = Promise.resolve()
  stream.on('data', (envelope: Buffer) => {
    if (!isOpen()) return
    stream.pause()
    last = answer(envelope).finally(() => stream.resume())
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

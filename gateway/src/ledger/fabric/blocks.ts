import type { DeliveredBlock } from '../port.ts'

/** Of a block, all that keeping a stream needs. */
export interface Numbered {
  readonly number: number
}

export interface StreamHandlers<Block extends Numbered = DeliveredBlock> {
  readonly block: (block: Block) => void
  /** The stream is over, whoever ended it; called once. */
  readonly end: () => void
}

/**
 * Opens one stream of blocks from `fromBlock`, or from the newest. Resolves when it is up with what closes it;
 * rejects when it cannot be had. It neither reconnects nor orders.
 */
export type OpenStream<Block extends Numbered = DeliveredBlock> = (
  fromBlock: number | undefined,
  handlers: StreamHandlers<Block>,
) => Promise<() => void>

export interface BlocksOptions<Block extends Numbered = DeliveredBlock> {
  readonly open: OpenStream<Block>
  /** Undefined: from the newest. */
  readonly fromBlock: number | undefined
  /** Each block once, in order, without gaps unless they are handed over. Must not throw. */
  readonly onBlock: (block: Block) => void
  /** Whether a block that is not the next one is asked for again, which is usual, or handed over. */
  readonly gaps?: 'ask again' | 'hand over'
  /** True from the first block of a stream, since an open stream may belong to a peer that hangs. */
  readonly onConnection: (connected: boolean) => void
  readonly retryMs: number
}

/** A stream that comes back after every outage, where it left off. */
export interface Blocks {
  /** Closes the stream until {@link Blocks.resume}. */
  pause(): void
  resume(): void
  close(): void
}

interface Session {
  closeStream: (() => void) | undefined
  live: boolean
  over: boolean
}

/**
 * Keeps a stream open. It asks for the last block again when it reconnects, because a peer answers at once for a block
 * that it has, and would stay silent until the next one otherwise: so a live stream shows as one.
 */
export function keepBlocks<Block extends Numbered>(options: BlocksOptions<Block>): Blocks {
  const { open, fromBlock, onBlock, onConnection, retryMs, gaps = 'ask again' } = options
  let next = fromBlock
  let current: Session | undefined
  let timer: NodeJS.Timeout | undefined

  const leave = (session: Session): void => {
    if (session.over) return
    session.over = true
    session.closeStream?.()
    if (current !== session) return
    current = undefined
    if (session.live) onConnection(false)
  }
  const retry = (session: Session): void => {
    if (session.over) return
    leave(session)
    timer = setTimeout(start, retryMs)
  }
  const receive = (session: Session, block: Block): void => {
    if (session.over) return
    if (!session.live) {
      session.live = true
      onConnection(true)
    }
    if (next !== undefined && block.number < next) return
    if (gaps === 'ask again' && next !== undefined && block.number > next) {
      retry(session)
      return
    }
    next = block.number + 1
    onBlock(block)
  }
  const run = async (session: Session): Promise<void> => {
    const from = next === undefined ? undefined : Math.max(0, next - 1)
    const handlers: StreamHandlers<Block> = {
      block: (block) => receive(session, block),
      end: () => retry(session),
    }
    try {
      const close = await open(from, handlers)
      if (session.over) close()
      else session.closeStream = close
    } catch {
      retry(session)
    }
  }
  const start = (): void => {
    const session: Session = { closeStream: undefined, live: false, over: false }
    current = session
    void run(session)
  }
  const pause = (): void => {
    clearTimeout(timer)
    if (current !== undefined) leave(current)
  }
  timer = setTimeout(start, 0)
  return {
    pause,
    resume: () => {
      clearTimeout(timer)
      if (current === undefined) start()
    },
    close: pause,
  }
}

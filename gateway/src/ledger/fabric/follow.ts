import { setTimeout as sleep } from 'node:timers/promises'
import type { DeliveredBlock } from '../port.ts'
import { keepBlocks, type BlocksOptions, type Numbered } from './blocks.ts'

export interface FollowOptions<Block extends Numbered = DeliveredBlock> extends Pick<
  BlocksOptions<Block>,
  'open' | 'retryMs' | 'onConnection' | 'gaps'
> {
  readonly fromBlock: number
  readonly onBlock: (block: Block) => Promise<void>
  /** A callback rejected this block; it gets it again. */
  readonly onRejected: (block: number) => void
  /** Blocks that may wait for a slow callback before the stream is closed for a while. */
  readonly queueLimit: number
}

/** Hands blocks to one slow reader. Returns what stops it; a callback that runs then may still finish. */
export function followBlocks<Block extends Numbered>(options: FollowOptions<Block>): () => void {
  const { onBlock, onRejected, queueLimit, retryMs } = options
  const queue: Block[] = []
  const stopped = new AbortController()
  let running = false
  let paused = false

  const handOver = async (block: Block): Promise<void> => {
    while (!stopped.signal.aborted) {
      try {
        await onBlock(block)
        return
      } catch {
        onRejected(block.number)
        await sleep(retryMs, undefined, { signal: stopped.signal }).catch(() => {})
      }
    }
  }
  const drain = async (): Promise<void> => {
    if (running) return
    running = true
    for (let block = queue.shift(); block !== undefined && !stopped.signal.aborted; block = queue.shift()) {
      await handOver(block)
      if (paused && queue.length === 0 && !stopped.signal.aborted) {
        paused = false
        blocks.resume()
      }
    }
    running = false
  }
  const blocks = keepBlocks({
    ...options,
    onBlock: (block) => {
      queue.push(block)
      if (queue.length >= queueLimit) {
        paused = true
        blocks.pause()
      }
      void drain()
    },
  })
  return () => {
    stopped.abort()
    blocks.close()
  }
}

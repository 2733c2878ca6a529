import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createBatcher,
  type Batcher,
  type Timers,
} from '../../../../../scripts/network/embedded/node/batcher.ts'

const limits = { maxMessages: 3, preferredBytes: 100, timeoutMs: 50 }

interface Harness {
  readonly batcher: Batcher
  readonly blocks: string[][]
  /** Lets the write that is under way end. */
  finish(): Promise<void>
  fireTimer(): void
  readonly timers: number
}

function createHarness(): Harness {
  const blocks: string[][] = []
  const pending: Array<() => void> = []
  const callbacks = new Set<() => void>()
  const timers: Timers = {
    after(_, callback) {
      callbacks.add(callback)
      return () => void callbacks.delete(callback)
    },
  }
  const write = (envelopes: readonly Buffer[]): Promise<void> => {
    blocks.push(envelopes.map(String))
    return new Promise((resolve) => {
      pending.push(resolve)
    })
  }
  const settle = (): Promise<void> =>
    new Promise((resolve) => {
      setImmediate(resolve)
    })
  return {
    batcher: createBatcher(() => limits, write, timers),
    blocks,
    async finish() {
      await settle()
      pending.shift()?.()
      await settle()
    },
    fireTimer() {
      for (const callback of callbacks) {
        callbacks.delete(callback)
        callback()
      }
    },
    get timers() {
      return callbacks.size
    },
  }
}

const add = ({ batcher }: Harness, ...texts: readonly string[]): void => {
  for (const text of texts) batcher.add(Buffer.from(text))
}

describe('cutting blocks', () => {
  test('a lone transaction is cut at once', async () => {
    const harness = createHarness()
    add(harness, 'a')
    await harness.finish()
    expect(harness.blocks).toEqual([['a']])
    expect(harness.timers).toBe(0)
  })

  test('what arrives during a write is one block after it', async () => {
    const harness = createHarness()
    add(harness, 'a', 'b', 'c')
    await harness.finish()
    expect(harness.blocks).toEqual([['a'], ['b', 'c']])
    expect(harness.timers).toBe(0)
  })

  test('a full block is cut during a write, and written after it', async () => {
    const harness = createHarness()
    add(harness, 'a', 'b', 'c', 'd', 'e')
    await harness.finish()
    expect(harness.blocks).toEqual([['a'], ['b', 'c', 'd']])
    await harness.finish()
    expect(harness.blocks.at(-1)).toEqual(['e'])
  })

  test('a block that would be too large is cut before it is', async () => {
    const harness = createHarness()
    add(harness, 'a', 'b'.repeat(60), 'c'.repeat(60))
    await harness.finish()
    await harness.finish()
    expect(harness.blocks.map((block) => block.length)).toEqual([1, 1, 1])
  })

  test('the timeout cuts what waits for a slow write', async () => {
    const harness = createHarness()
    add(harness, 'a', 'b')
    expect(harness.timers).toBe(1)
    harness.fireTimer()
    add(harness, 'c')
    await harness.finish()
    await harness.finish()
    expect(harness.blocks).toEqual([['a'], ['b'], ['c']])
  })

  test('nothing is lost, doubled or reordered', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('add', 'finish', 'timer'), { maxLength: 40 }),
        async (steps) => {
          const harness = createHarness()
          let added = 0
          for (const step of steps) {
            if (step === 'add') {
              add(harness, String(added))
              added += 1
            } else if (step === 'finish') await harness.finish()
            else harness.fireTimer()
          }
          const flushed = harness.batcher.flush()
          for (let writes = 0; writes <= added; writes += 1) await harness.finish()
          await flushed
          expect(harness.blocks.flat()).toEqual(Array.from({ length: added }, (_, index) => String(index)))
          expect(harness.blocks.every((block) => block.length <= limits.maxMessages)).toBe(true)
        },
      ),
      { numRuns: 40 },
    )
  })
})

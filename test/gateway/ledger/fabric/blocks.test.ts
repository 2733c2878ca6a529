import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { keepBlocks } from '../../../../gateway/src/ledger/fabric/blocks.ts'
import { followBlocks, type FollowOptions } from '../../../../gateway/src/ledger/fabric/follow.ts'
import type { DeliveredBlock } from '../../../../gateway/src/ledger/port.ts'
import { fakeChain, type FakeChain } from '../../../support/fabric-fakes.ts'

const until = (condition: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(condition()).toBe(true), { timeout: 3000, interval: 1 })

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_value, index) => from + index)

const follow = (
  chain: FakeChain,
  fromBlock: number,
  onBlock: (block: DeliveredBlock) => Promise<void>,
  more: Partial<FollowOptions> = {},
): (() => void) =>
  followBlocks({
    open: chain.open,
    fromBlock,
    onBlock,
    retryMs: 1,
    queueLimit: 4,
    onConnection: () => {},
    onRejected: () => {},
    ...more,
  })

describe('following blocks', () => {
  test('each block comes once and in order, through cuts, outages, gaps and callbacks that reject', async () => {
    const event = fc.constantFrom('append', 'append', 'append', 'cut', 'go', 'come', 'skip', 'reject', 'wait')
    await fc.assert(
      fc.asyncProperty(
        fc.nat(6),
        fc.nat(6),
        fc.array(event, { maxLength: 25 }),
        async (length, fromBlock, events) => {
          const chain = fakeChain(length)
          let height = length
          let rejections = 0
          const got: number[] = []
          const stop = follow(chain, fromBlock, async ({ number }) => {
            await Promise.resolve()
            if (rejections > 0) {
              rejections -= 1
              throw new Error('not now')
            }
            got.push(number)
          })
          for (const name of events) {
            if (name === 'append') {
              chain.append()
              height += 1
            } else if (name === 'cut') chain.cut()
            else if (name === 'go') chain.go()
            else if (name === 'come') chain.come()
            else if (name === 'skip') chain.skipOnce(height - 1)
            else if (name === 'reject') rejections += 1
            else await new Promise((resolve) => setTimeout(resolve, 2))
          }
          chain.come()
          while (height <= fromBlock) {
            chain.append()
            height += 1
          }
          chain.append()
          height += 1
          // A block that a gap swallowed shows at the next one; a real peer sends what it holds when asked.
          await until(() => got.length >= height - fromBlock)
          stop()
          expect(got).toEqual(numbers(fromBlock, height))
        },
      ),
      { numRuns: 40 },
    )
  })

  test('one callback runs at a time, and a slow one closes the stream instead of filling memory', async () => {
    const chain = fakeChain(30)
    let running = 0
    let most = 0
    const got: number[] = []
    const stop = follow(chain, 0, async ({ number }) => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setTimeout(resolve, 1))
      got.push(number)
      running -= 1
    })
    await until(() => got.length === 30)
    stop()
    expect(got).toEqual(numbers(0, 30))
    expect(most).toBe(1)
    expect(chain.opened()).toBeGreaterThan(2)
  })

  test('a gap is handed over to who asks for that', async () => {
    const chain = fakeChain(4)
    chain.skipOnce(1)
    const got: number[] = []
    const handler = async ({ number }: DeliveredBlock): Promise<void> => void got.push(number)
    const stop = follow(chain, 0, handler, { gaps: 'hand over', queueLimit: 10 })
    await until(() => got.length === 3)
    stop()
    expect(got).toEqual([0, 2, 3])
    expect(chain.opened()).toBe(1)
  })

  test('nothing comes after it was stopped, and its stream is closed', async () => {
    const chain = fakeChain(2)
    const got: number[] = []
    const stop = follow(chain, 0, ({ number }) => {
      got.push(number)
      return Promise.resolve()
    })
    await until(() => got.length === 2)
    stop()
    chain.append()
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(got).toEqual([0, 1])
    expect(chain.streams()).toBe(0)
  })
})

describe('the stream at the end of the chain', () => {
  test('starts with the newest block, misses none afterwards, and says whether it is up', async () => {
    const chain = fakeChain(5)
    const got: number[] = []
    const connected: boolean[] = []
    const blocks = keepBlocks({
      open: chain.open,
      fromBlock: undefined,
      onBlock: ({ number }) => void got.push(number),
      onConnection: (up) => void connected.push(up),
      retryMs: 1,
    })
    await until(() => got.length === 1)
    chain.go()
    chain.append()
    chain.append()
    chain.come()
    await until(() => got.length === 3)
    expect(got).toEqual([4, 5, 6])
    expect(connected).toEqual([true, false, true])
    blocks.close()
    expect(connected).toEqual([true, false, true, false])
    expect(chain.streams()).toBe(0)
  })
})

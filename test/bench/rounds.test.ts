import { describe, expect, test } from 'vitest'
import { measure, type Comparison } from './rounds.ts'

const comparison = (ran: string[]): Comparison => ({
  name: 'one : other',
  operation: 'nothing',
  inFlight: 1,
  arms: [
    { name: 'one', processes: [], run: async () => ran.push('one') },
    { name: 'other', processes: [], run: async () => ran.push('other') },
  ],
})

/** Rounds of a single operation each. */
const schedule = { blocks: 3, roundMs: 0, warmUpMs: 0 }

describe('a comparison', () => {
  test('warms both arms up and lets them take turns', async () => {
    const ran: string[] = []
    const { rounds } = await measure(comparison(ran), schedule)
    const block = ['one', 'other', 'other', 'one']
    expect(ran).toEqual(['one', 'other', ...block, ...block, ...block])
    expect(rounds.map(({ length }) => length)).toEqual([6, 6])
  })

  test('that has taken long enough begins no further block, and has one in any case', async () => {
    const { rounds } = await measure(comparison([]), { ...schedule, enoughMs: 0 })
    expect(rounds.map(({ length }) => length)).toEqual([2, 2])
  })
})

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromOrdered, toOrdered } from '../../../../../scripts/network/embedded/ledger/keys.ts'
import { createMemoryState, type StateWrite } from '../../../../../scripts/network/embedded/ledger/state.ts'

const version = { block: 1, transaction: 0 }
const put = (key: string, text = key): StateWrite => ({
  space: 's',
  key,
  entry: { value: Buffer.from(text), version },
})
const remove = (key: string): StateWrite => ({ space: 's', key, entry: undefined })
const key = fc.string({ unit: 'binary', maxLength: 4 })
const ascii = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')

describe('keys', () => {
  test('are ordered by their UTF-8 bytes, and come back', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        const expected = Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)))
        const [x, y] = [toOrdered(a), toOrdered(b)]
        expect(x < y ? -1 : Number(x > y)).toBe(expected)
        expect(fromOrdered(x)).toBe(a)
      }),
    )
  })

  test('differ from the order of UTF-16 where planes meet', () => {
    const keys = ['\u{1f600}', '\uffee']
    expect(keys.toSorted()).toEqual(keys)
    expect(keys.map(toOrdered).toSorted()).toEqual(keys.toReversed().map(toOrdered))
  })
})

describe('a state', () => {
  test('gives ranges in order, with the start and without the end', () => {
    const state = createMemoryState()
    state.write(['b', 'a', 'd', 'c'].map((name) => put(name)))
    const keys = (start: string, end: string): string[] =>
      [...state.range('s', start, end)].map(([name]) => name)
    expect(keys('a', 'c')).toEqual(['a', 'b'])
    expect(keys('b', '')).toEqual(['b', 'c', 'd'])
    state.write([remove('c'), put('bb')])
    expect(keys('b', '')).toEqual(['b', 'bb', 'd'])
    expect([...state.range('other', '', '')]).toEqual([])
  })

  test('does not change under a snapshot, whatever is written', () => {
    const writes = fc.array(
      fc.oneof(
        fc.tuple(ascii, fc.string()).map(([name, text]) => put(name, text)),
        ascii.map(remove),
      ),
    )
    fc.assert(
      fc.property(writes, fc.array(writes), (first, later) => {
        const state = createMemoryState()
        state.write(first)
        const before = [...state.range('s', '', '')]
        const snapshot = state.snapshot()
        for (const batch of later) state.write(batch)
        expect([...snapshot.range('s', '', '')]).toEqual(before)
        for (const name of ['a', 'b', 'c', 'd', 'e', 'f'])
          expect(snapshot.get('s', name)).toEqual(before.find(([other]) => other === name)?.[1])
        snapshot.release()
      }),
    )
  })
})

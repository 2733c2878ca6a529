import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../../../../../scripts/network/embedded/ledger/database.ts'
import { fromOrdered, privateSpace, toOrdered } from '../../../../../scripts/network/embedded/ledger/keys.ts'
import { openSpaces } from '../../../../../scripts/network/embedded/ledger/spaces.ts'
import { openStateStore } from '../../../../../scripts/network/embedded/ledger/state-store.ts'
import type {
  StateStore,
  StateView,
  StateWrite,
} from '../../../../../scripts/network/embedded/ledger/state.ts'
import { createMemoryState } from '../../../../support/memory-state.ts'

const root = mkdtempSync(join(tmpdir(), 'medledger-state-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Runs an action on a state in a new database, or in the one of a folder. */
function withState(action: (state: StateStore) => void, folder = mkdtempSync(join(root, 'state-'))): string {
  const database = openDatabase(join(folder, 'ledger.sqlite'))
  const state = openStateStore(database, openSpaces(database), (_space, key, { block }) =>
    key === 'gone' ? undefined : Buffer.from(`${key} of block ${block}`),
  )
  try {
    action({ ...state, write: (writes) => database.inTransaction(() => state.write(writes)) })
  } finally {
    database.close()
  }
  return folder
}

const version = { block: 1, transaction: 0 }
const put = (key: string, text = key, space = 's'): StateWrite => ({
  space,
  key,
  entry: { value: Buffer.from(text), version },
})
const remove = (key: string, space = 's'): StateWrite => ({ space, key, entry: undefined })
const key = fc.string({ unit: 'binary', maxLength: 4 })

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

const keysIn = (view: StateView, start: string, end: string, space = 's'): string[] =>
  [...view.range(space, start, end)].map(([name]) => name)

describe('a state', () => {
  test('gives ranges in order, with the start and without the end, and after a restart', () => {
    const check = (state: StateStore): void => {
      expect(keysIn(state, 'a', 'd')).toEqual(['a', 'b', 'bb'])
      expect(keysIn(state, 'b', '')).toEqual(['b', 'bb', 'd'])
      expect(keysIn(state, 'd', 'b')).toEqual([])
      expect(keysIn(state, '', '', 'other')).toEqual([])
    }
    const folder = withState((state) => {
      state.write(['b', 'a', 'd', 'c'].map((name) => put(name)))
      expect(keysIn(state, 'b', '')).toEqual(['b', 'c', 'd'])
      state.write([remove('c'), put('bb')])
      check(state)
    })
    withState(check, folder)
  })

  test('leaves private values to their write sets', () => {
    const space = privateSpace('ns', 'c')
    withState((state) => {
      state.write([put('held', 'not kept', space), put('gone', 'not kept', space)])
      expect(state.get(space, 'held')?.value.toString()).toBe('held of block 1')
      expect(state.get(space, 'gone')).toBeUndefined()
      expect(keysIn(state, '', '', space)).toEqual(['held'])
    })
  })

  // Enough keys for several pages of a range, and few enough that writes meet.
  const numbered = fc.integer({ min: 0, max: 350 }).map((number) => `key-${String(number).padStart(3, '0')}`)
  const text = fc.oneof(fc.string({ maxLength: 8 }), fc.constant('x'.repeat(5000)))
  const space = fc.constantFrom('s', 't')
  const writesOf = (name: fc.Arbitrary<string>, most: number): fc.Arbitrary<StateWrite[]> =>
    fc.array(
      fc.oneof(
        { weight: 3, arbitrary: fc.tuple(name, text, space).map((value) => put(...value)) },
        { weight: 1, arbitrary: fc.tuple(name, space).map((value) => remove(...value)) },
      ),
      { maxLength: most },
    )

  const expectSame = (
    view: StateView,
    model: StateView,
    ranges: ReadonlyArray<readonly [string, string]>,
  ): void => {
    for (const name of ['s', 't'])
      for (const [start, end] of ranges) {
        const expected = [...model.range(name, start, end)]
        expect([...view.range(name, start, end)]).toEqual(expected)
        expect(view.get(name, start)).toEqual(model.get(name, start))
      }
  }

  test('is what a simple one in memory is, with keys of any characters', () => {
    const ordered = key.map(toOrdered)
    const ranges = fc.array(fc.tuple(ordered, ordered), { maxLength: 5 })
    fc.assert(
      fc.property(fc.array(writesOf(ordered, 20), { maxLength: 4 }), ranges, (batches, wanted) => {
        const model = createMemoryState()
        const check = (state: StateStore): void => expectSame(state, model, [...wanted, ['', '']])
        const folder = withState((state) => {
          for (const batch of batches) {
            for (const one of [state, model]) one.write(batch)
            check(state)
          }
        })
        withState(check, folder)
      }),
      { numRuns: 60 },
    )
  })

  test('does not change under a snapshot, whatever is written before, while and after it is read', () => {
    const range = fc.tuple(fc.oneof(numbered, fc.constant('')), fc.oneof(numbered, fc.constant('')))
    const all = Array.from({ length: 350 }, (_, number) => put(`key-${String(number).padStart(3, '0')}`))
    const some = fc.subarray(all, { minLength: 200 })
    const batches = fc.array(writesOf(numbered, 60), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(some, batches, fc.array(range, { maxLength: 3 }), (first, later, wanted) => {
        withState((state) => {
          const model = createMemoryState()
          for (const one of [state, model]) one.write(first)
          const [snapshot, expected] = [state.snapshot(), model.snapshot()]
          const rows: unknown[] = []
          const slow = snapshot.range('s', '', '')[Symbol.iterator]()
          for (const batch of later) {
            for (let count = 0; count < 70; count += 1) rows.push(slow.next().value)
            state.write(batch)
            expectSame(snapshot, expected, [...wanted, ['', '']])
          }
          for (let next = slow.next(); next.done !== true; next = slow.next()) rows.push(next.value)
          const whole = [...expected.range('s', '', '')]
          expect(rows.slice(0, whole.length)).toEqual(whole)
          snapshot.release()
        })
      }),
      { numRuns: 40 },
    )
  })

  test('that is taken back is what it was, under a snapshot as well', () => {
    // No version has a fraction, and the database refuses it.
    const broken = { value: Buffer.from('d'), version: { block: 0.5, transaction: 0 } }
    withState((state) => {
      state.write([put('a'), put('b')])
      const snapshot = state.snapshot()
      expect(() => {
        state.write([put('a', 'other'), remove('b'), put('c'), { ...put('d'), entry: broken }])
      }).toThrow()
      for (const view of [state, snapshot]) expect(keysIn(view, '', '')).toEqual(['a', 'b'])
      expect(snapshot.get('s', 'a')?.value.toString()).toBe('a')
      snapshot.release()
    })
  })
})

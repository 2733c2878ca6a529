import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sha256 } from '../../../../../scripts/network/fabric/digest.ts'
import {
  createRangeRecord,
  isUnchanged,
  maxDegree,
  summarise,
  type RangeQuery,
  type SeenRow,
} from '../../../../../scripts/network/embedded/ledger/range-query.ts'
import type { StateStore, Versioned } from '../../../../../scripts/network/embedded/ledger/state.ts'
import { createMemoryState } from '../../../../support/memory-state.ts'

const space = 'medledger'
const rows = (count: number): SeenRow[] =>
  Array.from({ length: count }, (_, index) => ({
    key: `key-${String(index).padStart(6, '0')}`,
    version: { block: Math.floor(index / 7), transaction: index % 7 },
  }))

describe('the summary of many rows', () => {
  // Made with Fabric 2.5.16's rwsetutil: rows, level, hashes at that level, SHA-256 of these hashes joined.
  test.each([
    [51, 1, 1, '2850eb71472d27f392748ffac940d1da28a7403c12fb02db362c2544dcbfb3cc'],
    [52, 1, 2, 'f7246766134733e99abc6b1b5d0a2dded07f4b574eb92b274bc6821c8287910e'],
    [101, 1, 2, 'f787846f7ea5ca4c20c107def04cb871a62eb4ee1aa53b9d6156909b32a919a2'],
    [102, 1, 2, 'd07db9fcb6f92826b8b73600a680bf7acdc4084da62aaab8acc5328f4f7862a4'],
    [103, 1, 3, 'b721491233d7310b25681af21a73d8fbea91ce954133aadf48f9ed7a78558241'],
    [2550, 1, 50, '4198aa7111d3c3be359458ed7b4eb63b6c1628065acec596f1b94583f229538b'],
    [2551, 2, 1, '96f04b47031a17280caa5b94e0a414aef85a5ca1358709360cfeb2d02fd3ea86'],
    [2600, 2, 1, '0028ec2d36b842b72f64987f4e6ddb25a5132274f73938a9d3e67dbba3df7e16'],
    [2601, 2, 1, '0e1a1f23ec968eeb12191117cb2d7827ce810391f911015b51ffe3aff84f33e9'],
    [2602, 2, 2, '5bbb471d504daf5ade8380fa765a6f20068886237253f0d723a8aba8cbd43bac'],
    [2652, 2, 2, '3216a9cca355a69c18f88a7345d76bf4a702d4bf5923295eeed92d6954a8d81a'],
    [2653, 2, 2, '1963cbe0d171603a29c54bebe9caa9c4799b4a85c345a257e9a522e8f0396f0f'],
    [5202, 2, 2, 'f91fe074383ff575565c433ceadb985ea384afd355965be0d5ce72d692cccef2'],
  ])('of %i rows is Fabric’s', (count, level, width, digest) => {
    const summary = summarise(rows(count))
    if (!('hashes' in summary)) throw new Error('there is no summary')
    expect(summary).toMatchObject({ maxDegree: 50, maxLevel: level })
    expect(summary.hashes).toHaveLength(width)
    expect(sha256(...summary.hashes).toString('hex')).toBe(digest)
  })

  test('begins above the degree', () => {
    expect(summarise(rows(maxDegree))).toEqual(rows(maxDegree))
  })
})

type Content = ReadonlyMap<string, Versioned>
const version = { block: 3, transaction: 1 }
const later = { block: 4, transaction: 0 }
const held = (keys: Iterable<string>): Map<string, Versioned> =>
  new Map([...keys].map((key) => [key, { value: Buffer.from(key), version }]))

function stateOf(content: Content): StateStore {
  const state = createMemoryState()
  state.write([...content].map(([key, entry]) => ({ space, key, entry })))
  return state
}

/** What a simulation records that reads `limit` rows of a range, or all. */
function read(content: Content, start: string, end: string, limit = Infinity): RangeQuery {
  const record = createRangeRecord(start, end)
  const found = [...stateOf(content).range(space, start, end)]
  for (const [key, entry] of found.slice(0, limit)) record.see({ key, version: entry.version })
  if (found.length < limit) record.exhaust()
  return record.query()
}

const keys = fc.stringMatching(/^[a-h]{1,2}$/)
const bound = fc.oneof(fc.constant(''), keys)
type Change = readonly [key: string, change: 'write' | 'delete']
const changes = fc.array(fc.tuple(keys, fc.constantFrom<'write' | 'delete'>('write', 'delete')), {
  maxLength: 5,
})

/** The law, written out: the same keys in the same versions, up to where the reading came. */
function isSame(before: Content, after: Content, start: string, end: string, limit: number): boolean {
  const within = (content: Content): [string, Versioned][] =>
    [...content]
      .filter(([key]) => key >= start && (end === '' || key < end))
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
  const seen = within(before)
  const last = seen.length >= limit ? seen[limit - 1]?.[0] : undefined
  const cut = (content: Content): string[] =>
    within(content)
      .filter(([key]) => last === undefined || key <= last)
      .map(([key, entry]) => JSON.stringify([key, entry.version]))
  return JSON.stringify(cut(before)) === JSON.stringify(cut(after))
}

describe('a phantom', () => {
  test.each([0, 120])('is found if and only if the range has changed (%i rows more)', (more) => {
    fc.assert(
      fc.property(
        fc.record({
          present: fc.uniqueArray(keys, { maxLength: 10 }),
          start: bound,
          end: bound,
          limit: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 150 })),
          changed: changes,
          inBlock: fc.boolean(),
        }),
        ({ present, start, end, limit, changed, inBlock }) => {
          const extra = Array.from({ length: more }, (_, index) => `c${String(index).padStart(3, '0')}`)
          const before = held([...present, ...extra])
          const query = read(before, start, end, limit)
          const writes = changed.map(([key, change]: Change): [string, Versioned | undefined] => [
            key,
            change === 'delete' ? undefined : { value: Buffer.from('new'), version: later },
          ])
          const after = new Map(before)
          for (const [key, entry] of writes) {
            if (entry === undefined) after.delete(key)
            else after.set(key, entry)
          }
          const unchanged = inBlock
            ? isUnchanged(query, space, stateOf(before), new Map(writes))
            : isUnchanged(query, space, stateOf(after))
          expect(unchanged).toBe(isSame(before, after, start, end, limit))
        },
      ),
      { numRuns: 300 },
    )
  })

  test('is not a change behind the last row that was read', () => {
    const before = held(['a', 'b', 'c'])
    const query = read(before, '', '', 2)
    expect(query).toMatchObject({ end: 'b', isExhausted: false })
    expect(isUnchanged(query, space, stateOf(held(['a', 'b'])))).toBe(true)
    expect(isUnchanged(query, space, stateOf(held(['a', 'c'])))).toBe(false)
  })

  test('is a summary where rows are expected to have been kept', () => {
    const many = held(rows(60).map(({ key }) => key))
    const query = read(many, '', '')
    expect('hashes' in query.seen).toBe(true)
    expect(isUnchanged(query, space, stateOf(many))).toBe(true)
    expect(isUnchanged(query, space, stateOf(held(['key-000000'])))).toBe(false)
  })
})

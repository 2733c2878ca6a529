import { describe, expect, test } from 'vitest'
import { sha256 } from '../../../../../scripts/network/fabric/digest.ts'
import { definitionOf } from '../../../../../scripts/network/fabric/definition.ts'
import { hashedSpace, privateSpace } from '../../../../../scripts/network/embedded/ledger/keys.ts'
import {
  privateWritesOf,
  readWriteSetOf,
} from '../../../../../scripts/network/embedded/ledger/read-write-set.ts'
import {
  createSimulation,
  type Rows,
  type Simulation,
} from '../../../../../scripts/network/embedded/ledger/simulate.ts'
import { createMemoryState } from '../../../../../scripts/network/embedded/ledger/state.ts'
import { demoTopology } from '../../../../../scripts/network/topology.ts'

const definition = definitionOf(demoTopology())
const { name } = definition
const collection = 'access-north'
const version = { block: 4, transaction: 2 }
const hashKey = (key: string): string => sha256(Buffer.from(key)).toString('latin1')

/** Public `p`; private `held` with its hash; `unheld` whose hash alone is here. */
function simulation(): Simulation {
  const state = createMemoryState()
  const put = (space: string, key: string, text: string): void =>
    state.write([{ space, key, entry: { value: Buffer.from(text), version } }])
  put(name, 'p', 'public')
  put(hashedSpace(name, collection), hashKey('held'), 'hash')
  put(privateSpace(name, collection), 'held', 'private')
  put(hashedSpace(name, collection), hashKey('unheld'), 'hash')
  return createSimulation(state, definition, 'id', { of: () => [] })
}

function keysOf(rows: Rows): string[] {
  const keys: string[] = []
  for (let row = rows.next(); row !== undefined; row = rows.next()) keys.push(row.key)
  return keys
}

const setOf = (simulated: Simulation): ReturnType<typeof readWriteSetOf> =>
  readWriteSetOf(simulated.results().publicSet)

describe('a simulation', () => {
  test('that did nothing has an empty set', () => {
    expect(setOf(simulation())).toEqual([])
    expect(simulation().results().privateSets.size).toBe(0)
  })

  test('records reads with their versions and the last write of each key, in the order of keys', () => {
    const simulated = simulation()
    expect(simulated.get('', 'p').toString()).toBe('public')
    expect(simulated.get('', 'absent')).toHaveLength(0)
    simulated.put('', 'z', Buffer.from('1'))
    simulated.put('', 'p', Buffer.from('old'))
    simulated.put('', 'p', Buffer.from('new'))
    simulated.delete('', 'a')
    simulated.put('', 'b', Buffer.alloc(0))
    expect(simulated.get('', 'p').toString()).toBe('public')
    expect(setOf(simulated)).toEqual([
      {
        namespace: name,
        reads: [
          { key: 'absent', version: undefined },
          { key: 'p', version },
        ],
        ranges: [],
        writes: [
          { key: 'a', value: undefined },
          { key: 'b', value: undefined },
          { key: 'p', value: Buffer.from('new') },
          { key: 'z', value: Buffer.from('1') },
        ],
        collections: [],
        unsupported: [],
      },
    ])
  })

  test('shows hashes only of what it read and wrote privately', () => {
    const simulated = simulation()
    simulated.get(collection, 'held')
    simulated.put(collection, 'new', Buffer.from('secret'))
    const { publicSet, privateSets } = simulated.results()
    expect(publicSet.includes('secret')).toBe(false)
    expect(publicSet.includes('held')).toBe(false)
    const content = privateSets.get(collection) ?? Buffer.alloc(0)
    expect(privateWritesOf(content)).toEqual([{ key: 'new', value: Buffer.from('secret') }])
    expect(readWriteSetOf(publicSet)[0]?.collections).toMatchObject([
      {
        collection,
        reads: [{ key: hashKey('held'), version }],
        writes: [{ key: hashKey('new'), value: sha256(Buffer.from('secret')) }],
        privateHash: sha256(content),
      },
    ])
  })

  test('does not answer for private data that its peer lacks, but gives its hash', () => {
    const simulated = simulation()
    expect(() => simulated.get(collection, 'unheld')).toThrow(
      'private data matching public hash version is not available. Public hash version = {BlockNum: 4, TxNum: 2}, Private data version = <nil>',
    )
    expect(simulated.getPrivateHash(collection, 'unheld').toString()).toBe('hash')
    expect(simulated.get(collection, 'never')).toHaveLength(0)
  })

  test('has private ranges or writes, not both', () => {
    const reading = simulation()
    expect(keysOf(reading.privateRange(collection, '', ''))).toEqual(['held'])
    expect(() => reading.put('', 'k', Buffer.from('x'))).toThrow('Writes are not allowed')
    const writing = simulation()
    writing.put('', 'k', Buffer.from('x'))
    expect(() => writing.privateRange(collection, '', '')).toThrow('only in a read-only transaction')
  })

  test('has pages or writes, not both', () => {
    const reading = simulation()
    expect(keysOf(reading.page('', ''))).toEqual(['p'])
    expect(() => reading.put('', 'k', Buffer.from('x'))).toThrow('already performed a paginated query')
    const writing = simulation()
    writing.put('', 'k', Buffer.from('x'))
    expect(() => writing.page('', '')).toThrow('Paginated queries are supported only in a read-only')
  })

  test('records a range as far as it was read, once, and may write after it', () => {
    const simulated = simulation()
    keysOf(simulated.range('a', 'z'))
    keysOf(simulated.range('a', 'z'))
    simulated.range('a', '').next()
    simulated.range('b', '')
    simulated.put('', 'k', Buffer.from('x'))
    const row = { key: 'p', version }
    expect(setOf(simulated)[0]).toMatchObject({
      ranges: [
        { start: 'a', end: 'z', isExhausted: true, seen: [row] },
        { start: 'a', end: 'p', isExhausted: false, seen: [row] },
        { start: 'b', end: '', isExhausted: false, seen: [] },
      ],
      writes: [{ key: 'k' }],
      unsupported: [],
    })
  })

  test('tells where the next page begins, without having read it', () => {
    const simulated = simulation()
    const rows = simulated.page('', '')
    expect(rows.bookmark()).toBe('p')
    expect(rows.bookmark()).toBe('')
    expect(setOf(simulated)[0]?.ranges).toMatchObject([{ isExhausted: false, seen: [] }])
  })

  test('refuses what does not exist, by name', () => {
    expect(() => simulation().get('nowhere', 'k')).toThrow(
      'collection config not defined for chaincode [medledger]',
    )
    expect(() => simulation().put('', '', Buffer.from('x'))).toThrow('Empty string is not supported as a key')
  })

  test('gives the same bytes whatever the order of its writes', () => {
    const keys = ['b', 'a', '\u{1f600}', '\uffee']
    const sets = [keys, keys.toReversed()].map((order) => {
      const simulated = simulation()
      for (const key of order) simulated.put(collection, key, Buffer.from(key))
      return simulated.results().publicSet.toString('hex')
    })
    expect(sets[0]).toBe(sets[1])
  })
})

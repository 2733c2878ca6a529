import { describe, expect, test } from 'vitest'
import { sha256 } from '../../../../../scripts/network/fabric/digest.ts'
import { definitionOf } from '../../../../../scripts/network/fabric/definition.ts'
import { hashedSpace, privateSpace } from '../../../../../scripts/network/embedded/ledger/keys.ts'
import { encodePrivate } from '../../../../../scripts/network/embedded/ledger/private-data.ts'
import {
  privateWritesOf,
  readWriteSetOf,
} from '../../../../../scripts/network/embedded/ledger/read-write-set.ts'
import {
  createSimulation,
  type Rows,
  type Simulation,
} from '../../../../../scripts/network/embedded/ledger/simulate.ts'
import { demoTopology } from '../../../../../scripts/network/topology.ts'
import { createMemoryState } from '../../../../support/memory-state.ts'

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

  test('purges as it deletes, and says so beside the hash of the key', () => {
    const simulated = simulation()
    simulated.purge(collection, 'held')
    simulated.purge(collection, 'never')
    expect(simulated.get(collection, 'held').toString()).toBe('private')
    const { publicSet, privateSets } = simulated.results()
    const content = privateSets.get(collection) ?? Buffer.alloc(0)
    expect(privateWritesOf(content)).toEqual(['held', 'never'].map((key) => ({ key, value: undefined })))
    const hashes = ['held', 'never'].map(hashKey)
    expect(readWriteSetOf(publicSet)[0]?.collections).toMatchObject([
      {
        reads: [{ key: hashKey('held'), version }],
        writes: hashes.map((key) => ({ key, value: undefined })),
        purges: hashes,
        privateHash: sha256(content),
        unsupported: [],
      },
    ])
  })

  test('keeps the last of several writes and purges of a key', () => {
    const simulated = simulation()
    simulated.put(collection, 'purged', Buffer.from('x'))
    simulated.purge(collection, 'purged')
    simulated.purge(collection, 'written')
    simulated.put(collection, 'written', Buffer.from('x'))
    simulated.purge(collection, 'deleted')
    simulated.delete(collection, 'deleted')
    const [set] = readWriteSetOf(simulated.results().publicSet)[0]?.collections ?? []
    expect(set?.purges).toEqual([hashKey('purged')])
    expect(set?.writes.map(({ value }) => value?.length)).toEqual([undefined, undefined, 32])
  })

  test('makes the bytes of Fabric 2.5.16 (rwset_builder.go, run on these calls)', () => {
    const simulated = simulation()
    const [consent, value] = ['consent-north', Buffer.from('x')]
    simulated.put('', 'p', Buffer.from('public'))
    simulated.put(collection, 'put then purged', value)
    simulated.purge(collection, 'put then purged')
    simulated.purge(collection, 'purged then put')
    simulated.put(collection, 'purged then put', value)
    simulated.purge(collection, 'purged then deleted')
    simulated.delete(collection, 'purged then deleted')
    simulated.purge(collection, 'purged')
    simulated.purge(consent, 'k')
    const { publicSet, privateSets } = simulated.results()
    expect(publicSet.toString('hex')).toBe(
      '12e9020a096d65646c6564676572120d1a0b0a01701a067075626c69631aef010a0c6163636573732d6e6f7274' +
        '6812bc0112260a2006ffaca77b9e061c99f5e3ff25851ba2a587068b9f16d30b1d1c5e612321fb2a1001200112' +
        '240a20fac7212183790aa505e84150bde9e9808af1e7fad47ec6ce2290b65b0b127921100112440a209a59011f' +
        'a6bd7d96cf203b802fa7293030e039f7e1135d7aa785b61edcc041481a202d711642b726b04401627ca9fbac32' +
        'f5c8530fb1903cc4db02258717921a488112260a2008ea0c752f83fdf34a702e5fa2e4fe8e9d41799eea269441' +
        '602f797e95dd1847100120011a200442d9965f26717522ee9d8f141ac3e643dd5494431d738cae806ea011d8f6' +
        '7d1a5b0a0d636f6e73656e742d6e6f727468122812260a208254c329a92850f6d539dd376f4816ee2764517da5' +
        'e0235514af433164480d7a100120011a201dce7352d12b9a70c0c3198e0a4003c29af4d57b0de4d679b6699799' +
        'a8201322',
    )
    expect(encodePrivate(name, privateSets).toString('hex')).toBe(
      '1287010a096d65646c656467657212600a0c6163636573732d6e6f72746812501a0a0a0670757267656410011a' +
        '170a13707572676564207468656e2064656c6574656410011a140a0f707572676564207468656e207075741a01' +
        '781a130a0f707574207468656e20707572676564100112180a0d636f6e73656e742d6e6f72746812071a050a01' +
        '6b1001',
    )
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
    expect(() => reading.purge(collection, 'k')).toThrow('Writes are not allowed')
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
      'collection [nowhere] not defined in the collection config for chaincode [medledger]',
    )
    expect(() => simulation().purge('nowhere', 'k')).toThrow('collection [nowhere] not defined')
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

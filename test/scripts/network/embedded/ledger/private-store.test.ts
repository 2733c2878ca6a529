import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { build, encoded, kvrwset } from '../../../../../scripts/network/fabric/message.ts'
import { openDatabase } from '../../../../../scripts/network/embedded/ledger/database.ts'
import {
  openPrivateStore,
  type KeyAt,
  type PrivateStore,
} from '../../../../../scripts/network/embedded/ledger/private-store.ts'
import { keyHashOf, privateWritesOf } from '../../../../../scripts/network/embedded/ledger/read-write-set.ts'
import { openSpaces } from '../../../../../scripts/network/embedded/ledger/spaces.ts'
import { compareVersions, type Version } from '../../../../../scripts/network/embedded/ledger/state.ts'

const root = mkdtempSync(join(tmpdir(), 'medledger-private-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const collections = ['c', 'd'] as const
const setOf = (...writes: ReadonlyArray<readonly [key: string, value: string]>): Buffer =>
  encoded(kvrwset.KVRWSet, {
    writesList: writes.map(([key, value]) => build(kvrwset.KVWrite, { key, value: Buffer.from(value) })),
  })
/** Some fit on a page of the database with others, some do not fit on one. */
const lengths = fc.constantFrom(0, 300, 2000, 9000)

interface Opened {
  readonly store: PrivateStore
  /** Runs an action as a block's commit does, and gives the database's files as they are then. */
  readonly change: (action: (store: PrivateStore) => void) => Buffer
  readonly close: () => void
}

function open(directory: string): Opened {
  const database = openDatabase(join(directory, 'ledger.sqlite'))
  const store = openPrivateStore(database, openSpaces(database), 'ns')
  return {
    store,
    change(action) {
      database.inTransaction(() => action(store))
      database.settle()
      return Buffer.concat(readdirSync(directory).map((name) => readFileSync(join(directory, name))))
    },
    close: () => database.close(),
  }
}

const at = (collection: string, key: string, block: number, transaction = 0): KeyAt => ({
  collection,
  keyHash: keyHashOf(key),
  version: { block, transaction },
})

describe('the private store', () => {
  const folder = (): string => mkdtempSync(join(root, 'store-'))

  test('takes a purged key out of all sets up to the purge, and no other', () => {
    const { store, change, close } = open(folder())
    const add = (block: number, transaction: number, collection: string, set: Buffer): void =>
      store.add({ block, transaction }, new Map([[collection, set]]))
    change(() => {
      add(1, 0, 'c', setOf(['k', 'first'], ['other', 'stays']))
      add(2, 0, 'd', setOf(['k', 'elsewhere']))
      add(3, 1, 'c', setOf(['k', 'last']))
      add(3, 2, 'c', setOf(['k', 'anew']))
    })
    const purges = [at('c', 'k', 3, 1), at('c', 'never', 9)]
    expect(store.keysOf(purges)).toEqual([{ collection: 'c', key: 'k' }])
    const content = change(() => store.purge(purges))
    expect(store.keysOf(purges)).toEqual([])
    const texts = (block: number, transaction: number, collection = 'c'): unknown =>
      privateWritesOf(store.read(block).get(transaction)?.get(collection) ?? Buffer.from('none')).map(
        ({ key, value }) => `${key}=${String(value)}`,
      )
    expect([texts(1, 0), texts(2, 0, 'd'), texts(3, 1), texts(3, 2)]).toEqual([
      ['other=stays'],
      ['k=elsewhere'],
      [],
      ['k=anew'],
    ])
    expect(['first', 'last', 'stays', 'elsewhere', 'anew'].map((text) => content.includes(text))).toEqual([
      false,
      false,
      true,
      true,
      true,
    ])
    expect(store.isPurged(at('c', 'k', 3, 1))).toBe(true)
    expect(store.isPurged(at('c', 'k', 3, 2))).toBe(false)
    expect(store.isPurged(at('d', 'k', 1))).toBe(false)
    close()
  })

  test('has nothing of what a transaction added that was taken back', () => {
    const { store, change, close } = open(folder())
    expect(() =>
      change(() => {
        store.add({ block: 1, transaction: 0 }, new Map([['c', setOf(['k', 'first'])]]))
        throw new Error('the disk is full')
      }),
    ).toThrow('the disk is full')
    expect([store.read(1).size, store.find({ block: 1, transaction: 0 }, 'c')]).toEqual([0, undefined])
    // The space of the collection was taken back as well, and its number is another one's now.
    change(() => store.add({ block: 1, transaction: 0 }, new Map([['d', setOf(['k', 'second'])]])))
    expect([...(store.read(1).get(0)?.keys() ?? [])]).toEqual(['d'])
    expect(store.find({ block: 1, transaction: 0 }, 'c')).toBeUndefined()
    close()
  })

  const place = fc.record({
    block: fc.integer({ min: 0, max: 4 }),
    transaction: fc.integer({ min: 0, max: 1 }),
  })
  const key = fc.constantFrom('a', 'b', 'ü')
  const collection = fc.constantFrom(...collections)
  interface Written extends Version {
    readonly collection: string
    readonly key: string
    readonly value: string
  }

  test('holds exactly what was written and not purged, opened anew as well', () => {
    const write = fc.tuple(place, collection, fc.uniqueArray(key, { minLength: 1 }), lengths)
    const writes = fc.uniqueArray(write, {
      maxLength: 20,
      selector: ([version, name]) => JSON.stringify([version, name]),
    })
    const purges = fc.array(fc.tuple(place, collection, key), { maxLength: 4 })
    fc.assert(
      fc.property(writes, purges, (sets, taken) => {
        const directory = folder()
        const opened = open(directory)
        const held: Written[] = []
        for (const [index, [version, name, keys, length]] of sets.entries()) {
          const valueOf = (own: string): string => `value-${index}-${own}.`.padEnd(length, '.')
          const set = setOf(...keys.map((own) => [own, valueOf(own)] as const))
          opened.change((store) => store.add(version, new Map([[name, set]])))
          held.push(...keys.map((own) => ({ ...version, collection: name, key: own, value: valueOf(own) })))
        }
        const ascending = taken.toSorted(([one], [other]) => compareVersions(one, other))
        const content = opened.change((store) => {
          for (const [{ block, transaction }, name, own] of ascending)
            store.purge([at(name, own, block, transaction)])
        })
        const isGone = (one: Written): boolean =>
          taken.some(
            ([version, name, own]) =>
              name === one.collection && own === one.key && compareVersions(one, version) <= 0,
          )
        const found = ({ store }: Opened): Written[] =>
          [0, 1, 2, 3, 4].flatMap((block) =>
            [...store.read(block)].flatMap(([transaction, own]) =>
              [...own].flatMap(([name, set]) =>
                privateWritesOf(set).map((one) => ({
                  block,
                  transaction,
                  collection: name,
                  key: one.key,
                  value: String(one.value),
                })),
              ),
            ),
          )
        const sorted = (all: readonly Written[]): string[] => all.map((one) => one.value).toSorted()
        const expected = sorted(held.filter((one) => !isGone(one)))
        expect(sorted(found(opened))).toEqual(expected)
        for (const one of held) expect(content.includes(one.value.slice(0, 10))).toBe(!isGone(one))
        opened.close()
        const reopened = open(directory)
        expect(sorted(found(reopened))).toEqual(expected)
        reopened.close()
      }),
      { numRuns: 60 },
    )
  })
})

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { build, encoded, kvrwset } from '../../../../../scripts/network/fabric/message.ts'
import { openPrivateStore, type KeyAt } from '../../../../../scripts/network/embedded/ledger/private-store.ts'
import { keyHashOf, privateWritesOf } from '../../../../../scripts/network/embedded/ledger/read-write-set.ts'
import { compareVersions, type Version } from '../../../../../scripts/network/embedded/ledger/state.ts'

const root = mkdtempSync(join(tmpdir(), 'medledger-private-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const collections = ['c', 'd'] as const
const setOf = (...writes: ReadonlyArray<readonly [key: string, value: string]>): Buffer =>
  encoded(kvrwset.KVRWSet, {
    writesList: writes.map(([key, value]) => build(kvrwset.KVWrite, { key, value: Buffer.from(value) })),
  })
const at = (collection: string, key: string, block: number, transaction = 0): KeyAt => ({
  collection,
  keyHash: keyHashOf(key),
  version: { block, transaction },
})

describe('the private store', () => {
  const path = (): string => join(mkdtempSync(join(root, 'store-')), 'private')

  test('takes a purged key out of all sets up to the purge, and no other', () => {
    const file = path()
    const store = openPrivateStore(file, 'ns')
    store.add(1, 0, new Map([['c', setOf(['k', 'first'], ['other', 'stays'])]]))
    store.add(2, 0, new Map([['d', setOf(['k', 'elsewhere'])]]))
    store.add(3, 1, new Map([['c', setOf(['k', 'last'])]]))
    store.add(3, 2, new Map([['c', setOf(['k', 'anew'])]]))
    expect(store.purge([at('c', 'k', 3, 1)])).toEqual([{ collection: 'c', key: 'k' }])
    expect(store.purge([at('c', 'k', 3, 1), at('c', 'never', 9)])).toEqual([])
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
    const content = readFileSync(file)
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
    store.close()
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
    const writes = fc.array(fc.tuple(place, collection, fc.uniqueArray(key, { minLength: 1 })), {
      maxLength: 8,
    })
    const purges = fc.array(fc.tuple(place, collection, key), { maxLength: 4 })
    fc.assert(
      fc.property(writes, purges, (sets, taken) => {
        const file = path()
        const store = openPrivateStore(file, 'ns')
        const held = new Map<string, Written[]>()
        for (const [index, [version, name, keys]] of sets.entries()) {
          const values = keys.map((own) => [own, `value-${index}-${own}.`] as const)
          store.add(version.block, version.transaction, new Map([[name, setOf(...values)]]))
          // Of one transaction and collection the last record counts.
          const written = values.map(([own, value]) => ({ ...version, collection: name, key: own, value }))
          held.set(JSON.stringify([version, name]), written)
        }
        const ascending = taken.toSorted(([one], [other]) => compareVersions(one, other))
        for (const [{ block, transaction }, name, own] of ascending)
          store.purge([at(name, own, block, transaction)])
        const isGone = (one: Written): boolean =>
          taken.some(
            ([version, name, own]) =>
              name === one.collection && own === one.key && compareVersions(one, version) <= 0,
          )
        const expected = [...held.values()].flat().filter((one) => !isGone(one))
        const found = (opened: typeof store): Written[] =>
          [0, 1, 2, 3, 4].flatMap((block) =>
            [...opened.read(block)].flatMap(([transaction, own]) =>
              [...own].flatMap(([name, content]) =>
                privateWritesOf(content).map((write) => ({
                  block,
                  transaction,
                  collection: name,
                  key: write.key,
                  value: String(write.value),
                })),
              ),
            ),
          )
        const sorted = (all: readonly Written[]): string[] => all.map((one) => one.value).toSorted()
        expect(sorted(found(store))).toEqual(sorted(expected))
        const content = readFileSync(file)
        for (const one of [...held.values()].flat()) expect(content.includes(one.value)).toBe(!isGone(one))
        store.close()
        const reopened = openPrivateStore(file, 'ns')
        expect(sorted(found(reopened))).toEqual(sorted(expected))
        reopened.close()
      }),
      { numRuns: 60 },
    )
  })
})

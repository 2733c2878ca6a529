import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { sha256 } from '../../../../../scripts/network/fabric/digest.ts'
import {
  openTransientStore,
  retentionBlocks,
} from '../../../../../scripts/network/embedded/ledger/transient-store.ts'

const root = mkdtempSync(join(tmpdir(), 'medledger-transient-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const sets = (text: string): ReadonlyMap<string, Buffer> => new Map([['c', Buffer.from(text)]])
const hash = (text: string): Buffer => sha256(Buffer.from(text))
const directory = (): string => mkdtempSync(join(root, 'store-'))

describe('the transient store', () => {
  test('keeps what is waiting over a crash', () => {
    const path = directory()
    openTransientStore(path, 'ns').add('id', 3, sets('secret'))
    const reopened = openTransientStore(path, 'ns')
    expect(reopened.find('id', 'c', hash('secret'))?.toString()).toBe('secret')
    reopened.close()
  })

  test('tells apart what different endorsers came to', () => {
    const store = openTransientStore(directory(), 'ns')
    store.add('id', 1, sets('one'))
    store.add('id', 1, sets('two'))
    expect(store.find('id', 'c', hash('two'))?.toString()).toBe('two')
    expect(store.find('id', 'c', hash('three'))).toBeUndefined()
    store.close()
  })

  test('has no value left on the disk when its transactions are committed', () => {
    const path = directory()
    const store = openTransientStore(path, 'ns')
    store.add('id', 1, sets('secret'))
    expect(readFileSync(join(path, 'transient-0')).includes('secret')).toBe(true)
    store.settle(['id'], 2)
    expect(readFileSync(join(path, 'transient-0')).includes('secret')).toBe(false)
    store.close()
  })

  test('has no dropped value left when it is compacted, and all that is waiting', () => {
    const path = directory()
    const store = openTransientStore(path, 'ns')
    store.add('id', 1, sets('secret'))
    store.add('other', 1, sets('waiting'))
    store.settle(['id'], 2)
    expect(readFileSync(join(path, 'transient-0')).includes('secret')).toBe(true)
    store.compact()
    expect(readFileSync(join(path, 'transient-0')).includes('secret')).toBe(false)
    store.add('third', 2, sets('later'))
    store.close()
    const reopened = openTransientStore(path, 'ns')
    expect(reopened.find('other', 'c', hash('waiting'))?.toString()).toBe('waiting')
    expect(reopened.find('third', 'c', hash('later'))?.toString()).toBe('later')
    reopened.close()
  })

  test('drops what is never committed', () => {
    const store = openTransientStore(directory(), 'ns')
    store.add('id', 5, sets('secret'))
    store.settle([], 5 + retentionBlocks)
    expect(store.find('id', 'c', hash('secret'))).toBeDefined()
    store.settle([], 6 + retentionBlocks)
    expect(store.find('id', 'c', hash('secret'))).toBeUndefined()
    store.close()
  })
})

import { describe, expect, test } from 'vitest'
import { randomId } from 'medledger-chaincode/api'
import { openBook } from '../../../chaincode/src/ledger/book.ts'
import { commit, emptyState, publicState, simulate } from '../../support/ledger-stub.ts'

const salt = randomId()

function openedIn(state = emptyState(['secret']), of = salt) {
  const simulation = simulate(state, { transactionId: 'ab'.repeat(32), at: 0, transient: {} })
  const open = (collection?: string) => openBook(simulation.stub, collection, of)
  return { state, simulation, open }
}
const textsOf = ({ writes }: { readonly writes: readonly { readonly value: Uint8Array }[] }): string[] =>
  writes.map(({ value }) => Buffer.from(value).toString())

describe('a book', () => {
  test('gives back what was committed, and nothing before', async () => {
    const { state, simulation, open } = openedIn()
    await open('secret').put('key', { b: 1, a: [true] })
    expect(await open('secret').get('key')).toBeUndefined()
    commit(state, simulation)
    expect(await openedIn(state).open('secret').get('key')).toEqual({ b: 1, a: [true] })
    expect(await openedIn(state).open().get('key')).toBeUndefined()
  })

  test('is public state without a collection', async () => {
    const { simulation, open } = openedIn()
    await open().put('key', 1)
    expect(simulation.writes.map(({ collection }) => collection)).toEqual([publicState])
  })

  test('writes every value with a salt of its own', async () => {
    const { simulation, open } = openedIn()
    await open('secret').put('one', 'same')
    await open('secret').put('two', 'same')
    await open().put('one', 'same')
    const salts = textsOf(simulation).map((text) => (JSON.parse(text) as { salt: string }).salt)
    expect(new Set(salts).size).toBe(3)
    for (const each of salts) {
      expect(each).toMatch(/^[0-9a-f]{32}$/)
      expect(each).not.toBe(salt)
    }
  })

  test('writes the same bytes on every endorser, and others for another request', async () => {
    const texts = await Promise.all(
      [salt, salt, randomId()].map(async (of) => {
        const { simulation, open } = openedIn(undefined, of)
        await open('secret').put('key', { b: 1, a: 2 })
        return textsOf(simulation)[0]
      }),
    )
    expect(texts[0]).toBe(texts[1])
    expect(texts[2]).not.toBe(texts[0])
    expect(texts[0]).toContain('"value":{"a":2,"b":1}')
  })

  test('lists what begins with a prefix, in the order of keys, after a key and up to a limit', async () => {
    const { state, simulation, open } = openedIn()
    for (const key of ['a/3', 'a/1', 'a0', 'a', 'b/1', 'a/2', 'a/10']) await open('secret').put(key, key)
    commit(state, simulation)
    const book = openedIn(state).open('secret')
    expect(await book.list('a/', { limit: 10 })).toEqual(['a/1', 'a/10', 'a/2', 'a/3'])
    expect(await book.list('a/', { limit: 2 })).toEqual(['a/1', 'a/10'])
    expect(await book.list('a/', { after: 'a/10', limit: 10 })).toEqual(['a/2', 'a/3'])
    expect(await book.list('a/', { after: 'a/3', limit: 10 })).toEqual([])
    expect(await book.list('c/', { limit: 10 })).toEqual([])
  })
})

import { createHmac, createSecretKey } from 'node:crypto'
import { canonical } from '../api/index.ts'

/** The little of the shim's stub that a book needs. */
export interface StateStub {
  getState(key: string): Promise<Uint8Array>
  putState(key: string, value: Uint8Array): Promise<void>
  getStateByRange(start: string, end: string): AsyncIterable<KeyValue>
  getPrivateData(collection: string, key: string): Promise<Uint8Array>
  putPrivateData(collection: string, key: string, value: Uint8Array): Promise<void>
  getPrivateDataByRange(collection: string, start: string, end: string): AsyncIterable<KeyValue>
}

export interface KeyValue {
  readonly key: string
  readonly value: Uint8Array
}

/**
 * A collection, or public state, as a place for JSON values. Every value is written with a salt of its own, because
 * Fabric puts the plain hash of a private value into the block, where a guess could be held against it.
 * There is no read-your-writes: a read gives the committed value (Fabric's simulator).
 */
export interface Book {
  get<Value>(key: string): Promise<Value | undefined>
  put(key: string, value: unknown): Promise<void>
  /** Values under a prefix in the order of their keys, after the key `after` if given. Queries only. */
  list<Value>(prefix: string, options: Page): Promise<Value[]>
  /** The same with their keys. */
  listWithKeys(prefix: string, options: Page): Promise<Kept[]>
}

/** What lies under a key, whatever it is. */
export interface Kept {
  readonly key: string
  readonly value: unknown
}

interface Page {
  readonly after?: string
  readonly limit: number
}

/** `collection` undefined means public state; `salt` is the request's. */
export function openBook(stub: StateStub, collection: string | undefined, salt: string): Book {
  const read = (key: string): Promise<Uint8Array> =>
    collection === undefined ? stub.getState(key) : stub.getPrivateData(collection, key)
  const range = (start: string, end: string): AsyncIterable<KeyValue> =>
    collection === undefined
      ? stub.getStateByRange(start, end)
      : stub.getPrivateDataByRange(collection, start, end)
  const listWithKeys = async (prefix: string, { after, limit }: Page): Promise<Kept[]> => {
    const found: Kept[] = []
    const start = after === undefined ? prefix : `${after}\u0000`
    for await (const { key, value } of range(start, endOf(prefix))) {
      found.push({ key, value: valueIn(value) })
      if (found.length === limit) break
    }
    return found
  }
  return {
    async get<Value>(key: string): Promise<Value | undefined> {
      const bytes = await read(key)
      return bytes === undefined || bytes.length === 0 ? undefined : (valueIn(bytes) as Value)
    },
    async put(key, value) {
      const text = canonical({ salt: saltFor(salt, collection ?? '', key), value })
      const bytes = Buffer.from(text, 'utf8')
      await (collection === undefined
        ? stub.putState(key, bytes)
        : stub.putPrivateData(collection, key, bytes))
    },
    listWithKeys,
    async list<Value>(prefix: string, page: Page): Promise<Value[]> {
      return (await listWithKeys(prefix, page)).map(({ value }) => value as Value)
    },
  }
}

const valueIn = (bytes: Uint8Array): unknown =>
  (JSON.parse(Buffer.from(bytes).toString('utf8')) as { value: unknown }).value

/** The first key after all that begin with an ASCII prefix. */
const endOf = (prefix: string): string =>
  prefix.slice(0, -1) + String.fromCodePoint((prefix.codePointAt(prefix.length - 1) ?? 0) + 1)

const saltFor = (salt: string, collection: string, key: string): string =>
  // Node takes a key as bytes many times more slowly than as an object.
  createHmac('sha256', createSecretKey(salt, 'hex'))
    .update(JSON.stringify([collection, key]))
    .digest('hex')
    .slice(0, 32)

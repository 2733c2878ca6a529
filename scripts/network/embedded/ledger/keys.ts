/*
 * Fabric orders keys by their UTF-8 bytes. A key is held as a string with one character for each of those bytes, so
 * that `<` on strings is that order. For ASCII, which nearly all keys are, nothing changes.
 */

/** Every character of ASCII is one byte of UTF-8, and no other one is. */
const isAscii = (text: string): boolean => Buffer.byteLength(text, 'utf8') === text.length

export const toOrdered = (key: string): string =>
  isAscii(key) ? key : Buffer.from(key, 'utf8').toString('latin1')

export const fromOrdered = (key: string): string =>
  isAscii(key) ? key : Buffer.from(key, 'latin1').toString('utf8')

/** Its bytes, whose order is the same. */
export const toBlob = (key: string): Buffer => Buffer.from(key, 'latin1')
export const fromBlob = (content: Uint8Array): string =>
  Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1')

export const compareOrdered = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

/**
 * Spaces of the state, Fabric's namespaces and what it derives from them for private data (privacyenabledstate):
 * public values, hashes of private values under the hash of their key, and private values on member peers.
 */
export const publicSpace = (namespace: string): string => namespace
export const hashedSpace = (namespace: string, collection: string): string => `${namespace}$$h${collection}`
export const privateSpace = (namespace: string, collection: string): string => `${namespace}$$p${collection}`

/** No name of a chaincode or a collection has a dollar sign. */
export const isPrivateSpace = (space: string): boolean => space.includes('$$p')

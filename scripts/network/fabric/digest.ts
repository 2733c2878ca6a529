import { createHash } from 'node:crypto'

/** SHA-256 over the parts one after the other. */
export function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** Fabric's transaction id (protoutil.ComputeTxID): SHA-256 of nonce and creator, in hexadecimal. */
export const transactionId = (nonce: Uint8Array, creator: Uint8Array): string =>
  sha256(nonce, creator).toString('hex')

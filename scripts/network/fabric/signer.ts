import { createPrivateKey } from 'node:crypto'
import { signLowS } from '../ecdsa.ts'
import { encoded, msp } from './message.ts'

/** One who signs on the channel: a peer, the orderer, or an administrator. */
export interface Signer {
  readonly mspId: string
  /** `msp.SerializedIdentity`: what stands in a signature header or an endorsement. */
  readonly identity: Buffer
  sign(...parts: readonly Uint8Array[]): Buffer
}

export const serializeIdentity = (mspId: string, certificate: string): Buffer =>
  encoded(msp.SerializedIdentity, { mspid: mspId, idBytes: Buffer.from(certificate) })

export function createSigner(
  mspId: string,
  pair: { readonly certificate: string; readonly privateKey: string },
): Signer {
  const key = createPrivateKey(pair.privateKey)
  return {
    mspId,
    identity: serializeIdentity(mspId, pair.certificate),
    sign: (...parts) => signLowS(key, Buffer.concat(parts)),
  }
}

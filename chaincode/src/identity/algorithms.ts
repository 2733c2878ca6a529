import { constants, verify, type KeyObject } from 'node:crypto'
import type { SigningKey } from '../api/index.ts'
import { isLowS } from './ecdsa.ts'
import { isReducedSignature } from './ed25519.ts'

/** The only algorithms there are (RFC 7518, section 3; RFC 8037, section 3.1); a key is registered for one of them. */
export type Algorithm = SigningKey['alg']

type Verify = (signed: Buffer, signature: Buffer, key: KeyObject) => boolean

/** RFC 8017, section 8: a signature is exactly as long as the modulus. */
const isFullLength = (signature: Buffer, key: KeyObject): boolean =>
  signature.length === Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8)

/** The salt of PS256 is as long as the digest (RFC 7518, section 3.5). */
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
const pkcs1 = { padding: constants.RSA_PKCS1_PADDING }

const verifiers: Readonly<Record<Algorithm, Verify>> = {
  ES256: (signed, signature, key) =>
    isLowS(signature) && verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature),
  EdDSA: (signed, signature, key) => isReducedSignature(signature) && verify(null, signed, key, signature),
  PS256: (signed, signature, key) =>
    isFullLength(signature, key) && verify('sha256', signed, { key, ...pss }, signature),
  RS256: (signed, signature, key) =>
    isFullLength(signature, key) && verify('sha256', signed, { key, ...pkcs1 }, signature),
}

/** Whether the signature is one of the key's, by the algorithm that the key is registered for. */
export const isSignedBy = (
  { signed, signature }: { readonly signed: Buffer; readonly signature: Buffer },
  algorithm: Algorithm,
  key: KeyObject,
): boolean => verifiers[algorithm](signed, signature, key)

import { verify, X509Certificate, type KeyObject } from 'node:crypto'
import { isLowS } from './sign.ts'
import { identityIn } from './wire.ts'

interface Signed {
  readonly payload: Uint8Array
  readonly endorsement?: { readonly endorser: Uint8Array; readonly signature: Uint8Array } | null
}

interface Endorser {
  readonly mspId: string
  readonly publicKey: KeyObject
  readonly isP256: boolean
}

/** Peers are few and have one certificate each; reading one takes as long as verifying a signature. */
const knownLimit = 200
const known = new Map<string, Endorser>()

/** A certificate with its MSP id; PEM may be followed by anything, which is not remembered here. */
const longestIdentity = 16 * 1024

/** Who a SerializedIdentity is. Throws when it cannot be read. */
function endorserOf(serialized: Uint8Array): Endorser {
  if (serialized.length > longestIdentity) throw new RangeError('the identity is too long')
  const key = Buffer.from(serialized).toString('latin1')
  const found = known.get(key)
  if (found !== undefined) return found
  const { mspId, certificate } = identityIn(serialized)
  const { publicKey } = new X509Certificate(certificate)
  const isP256 = publicKey.asymmetricKeyDetails?.namedCurve === 'prime256v1'
  const endorser = { mspId, publicKey, isP256 }
  if (known.size >= knownLimit) known.clear()
  known.set(key, endorser)
  return endorser
}

/**
 * Whether an answer is endorsed by an identity of this MSP: the signature is over payload and endorser. The SDK never
 * looks, and a bad one would be found only when the transaction is validated. Whether the MSP knows the certificate is
 * for the peers to say.
 */
export function isEndorsedBy(mspId: string, { payload, endorsement }: Signed): boolean {
  if (!endorsement) return false
  try {
    const { mspId: named, publicKey, isP256 } = endorserOf(endorsement.endorser)
    const content = Buffer.concat([payload, endorsement.endorser])
    if (named !== mspId || !verify('sha256', content, publicKey, endorsement.signature)) return false
    return !isP256 || isLowS(endorsement.signature)
  } catch {
    return false
  }
}

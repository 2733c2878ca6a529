import { verify, X509Certificate } from 'node:crypto'
import { isLowS } from './sign.ts'
import { identityIn } from './wire.ts'

interface Signed {
  readonly payload: Uint8Array
  readonly endorsement?: { readonly endorser: Uint8Array; readonly signature: Uint8Array } | null
}

/**
 * Whether an answer is endorsed by an identity of this MSP: the signature is over payload and endorser. The SDK never
 * looks, and a bad one would be found only when the transaction is validated. Whether the MSP knows the certificate is
 * for the peers to say.
 */
export function isEndorsedBy(mspId: string, { payload, endorsement }: Signed): boolean {
  if (!endorsement) return false
  try {
    const { mspId: named, certificate } = identityIn(endorsement.endorser)
    const { publicKey } = new X509Certificate(certificate)
    const content = Buffer.concat([payload, endorsement.endorser])
    if (named !== mspId || !verify('sha256', content, publicKey, endorsement.signature)) return false
    return publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1' || isLowS(endorsement.signature)
  } catch {
    return false
  }
}

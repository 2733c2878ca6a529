import {
  calculateJwkThumbprint,
  exportJWK,
  FlattenedEncrypt,
  flattenedDecrypt,
  generateKeyPair,
  importJWK,
} from 'jose'
import type { CryptoKey, FlattenedJWE } from 'jose'
import { canonical, type PublicKey } from 'medledger-chaincode/api'

/** What a released content is bound to: it cannot be passed off as an answer to another request. */
export interface Binding {
  readonly entry: string
  readonly document: string
  readonly version: number
}

/** A key pair for one request: content is encrypted to it, and it is forgotten with the request. */
export interface Recipient {
  readonly publicKey: PublicKey
  open(jwe: FlattenedJWE, binding: Binding): Promise<unknown>
}

/** JWE (RFC 7516) with key agreement (RFC 7518, section 4.6) and AES-256-GCM. */
const algorithms = { alg: 'ECDH-ES', enc: 'A256GCM' } as const

export async function createRecipient(): Promise<Recipient> {
  const { publicKey, privateKey } = await generateKeyPair('ECDH-ES', { crv: 'P-256', extractable: true })
  const { x = '', y = '' } = await exportJWK(publicKey)
  const jwk: PublicKey = { kty: 'EC', crv: 'P-256', x, y }
  return { publicKey: jwk, open: (jwe, binding) => open(jwe, binding, jwk, privateKey) }
}

/** Encrypts a content to a recipient, bound to entry, document, version and recipient as associated data. */
export async function sealContent(
  content: unknown,
  recipient: PublicKey,
  binding: Binding,
): Promise<FlattenedJWE> {
  return new FlattenedEncrypt(Buffer.from(canonical(content), 'utf8'))
    .setProtectedHeader(algorithms)
    .setAdditionalAuthenticatedData(await associatedData(recipient, binding))
    .encrypt(await importJWK(recipient, 'ECDH-ES'))
}

/** Errors: when the content is another request's, or was changed on its way. */
async function open(
  jwe: FlattenedJWE,
  binding: Binding,
  publicKey: PublicKey,
  privateKey: CryptoKey,
): Promise<unknown> {
  const { plaintext, additionalAuthenticatedData } = await flattenedDecrypt(jwe, privateKey, {
    keyManagementAlgorithms: [algorithms.alg],
    contentEncryptionAlgorithms: [algorithms.enc],
  })
  const expected = await associatedData(publicKey, binding)
  if (additionalAuthenticatedData === undefined || !expected.equals(additionalAuthenticatedData)) {
    throw new Error('The content was released for another request.')
  }
  return JSON.parse(Buffer.from(plaintext).toString('utf8'))
}

async function associatedData(recipient: PublicKey, binding: Binding): Promise<Buffer> {
  const thumbprint = await calculateJwkThumbprint(recipient)
  return Buffer.from(canonical({ ...binding, recipient: thumbprint }), 'utf8')
}

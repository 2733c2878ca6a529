import 'reflect-metadata'
import { createPrivateKey, verify, webcrypto, X509Certificate as NodeCertificate } from 'node:crypto'
import {
  AuthorityKeyIdentifierExtension,
  cryptoProvider,
  PemConverter,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509Crl,
  X509CrlGenerator,
  X509CrlReason,
} from '@peculiar/x509'
import type { IssuedPair } from './certificates.ts'

cryptoProvider.set(webcrypto)

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

const nextUpdateMs = 10 * 365 * 24 * 3_600_000

/** Serial numbers of certificates, as integers: writers differ in leading zeros and case. */
export type SerialNumbers = ReadonlySet<bigint>

const serialOf = (hex: string): bigint => BigInt(`0x${hex}`)

export const serialNumberOf = (certificate: NodeCertificate): bigint => serialOf(certificate.serialNumber)

const headerBytes = 2
const longForm = 0x80

/** The first element of a DER sequence's content, with its tag and length. */
function firstElement(sequence: Buffer): Buffer {
  const start = endOfHeader(sequence)
  const content = sequence.subarray(start)
  return content.subarray(0, endOfHeader(content) + lengthOf(content))
}

function endOfHeader(element: Buffer): number {
  const first = element.readUInt8(1)
  return first < longForm ? headerBytes : headerBytes + (first - longForm)
}

function lengthOf(element: Buffer): number {
  const first = element.readUInt8(1)
  return first < longForm ? first : element.readUIntBE(headerBytes, first - longForm)
}

/** An authority's list of revoked certificates (PEM, RFC 5280). Errors: when one was not issued by the authority. */
export async function createRevocationList(
  authority: IssuedPair,
  certificates: readonly string[],
  now: number,
  previous?: string,
): Promise<string> {
  const root = new NodeCertificate(authority.certificate)
  const serials = new Set(previous === undefined ? [] : readRevocationList(previous, authority.certificate))
  for (const pem of certificates) {
    const certificate = new NodeCertificate(pem)
    if (!certificate.verify(root.publicKey))
      throw new Error(`the certificate of ${certificate.subject} was not issued by this authority`)
    serials.add(serialNumberOf(certificate))
  }
  const issuer = new X509Certificate(authority.certificate)
  const key = createPrivateKey(authority.privateKey).export({ type: 'pkcs8', format: 'der' })
  const revocationDate = new Date(now)
  const list = await X509CrlGenerator.create({
    issuer: issuer.subject,
    thisUpdate: revocationDate,
    // Required, and not looked at: a list holds until a channel has another one.
    nextUpdate: new Date(now + nextUpdateMs),
    // By its key identifier an MSP finds the authority to which the list belongs.
    extensions: [await AuthorityKeyIdentifierExtension.create(issuer)],
    entries: [...serials].map((serial) => {
      const hex = serial.toString(16)
      const serialNumber = hex.padStart(hex.length + (hex.length % 2), '0')
      // The library writes an empty list of extensions, which is no DER of RFC 5280, unless an entry has a reason.
      return { serialNumber, revocationDate, reason: X509CrlReason.privilegeWithdrawn }
    }),
    signingAlgorithm: algorithm,
    signingKey: await webcrypto.subtle.importKey('pkcs8', key, algorithm, false, ['sign']),
  })
  return `${PemConverter.encode(list.rawData, 'X509 CRL')}\n`
}

/**
 * The certificates that a list revokes; the dates in it do not count, as in Fabric's MSP (mspimplvalidate.go).
 * Errors: when it is not a list that this authority has signed.
 */
export function readRevocationList(pem: string, authority: string): SerialNumbers {
  const list = new X509Crl(pem)
  const belongsTo = list.getExtension(AuthorityKeyIdentifierExtension)?.keyId
  const issuer = new X509Certificate(authority).getExtension(SubjectKeyIdentifierExtension)?.keyId
  const signed = firstElement(Buffer.from(list.rawData))
  const { publicKey } = new NodeCertificate(authority)
  if (belongsTo === undefined || belongsTo !== issuer)
    throw new Error('the revocation list is of another authority')
  if (!verify('sha256', signed, publicKey, Buffer.from(list.signature)))
    throw new Error('the revocation list is not signed by its authority')
  // RFC 5280 (5.1.2.5) requires it, and without it the library finds no entries.
  if (list.nextUpdate === undefined)
    throw new Error('the revocation list does not say when the next one comes')
  return new Set(list.entries.map(({ serialNumber }) => serialOf(serialNumber)))
}

import 'reflect-metadata'
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { isLowS } from './ecdsa.ts'

cryptoProvider.set(webcrypto)

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const lifetimeYears = 10
const backdatedMs = 3_600_000

/** Fabric CA's extension for attributes, read by the shim's `getAttributeValue`. */
const attributesExtension = '1.2.3.4.5.6.7.8.1'

/** A certificate and its private key (PKCS#8), both PEM. */
export interface IssuedPair {
  readonly certificate: string
  readonly privateKey: string
}

export interface Subject {
  readonly commonName: string
  readonly organisation: string
  /** Fabric's NodeOU: what the holder is on the channel. TLS certificates have none. */
  readonly unit?: 'client' | 'peer' | 'orderer' | 'admin'
}

export interface LeafRequest {
  readonly subject: Subject
  /** DNS names or IPv4 addresses; given only for TLS certificates, which are for servers and clients. */
  readonly hosts?: readonly string[]
  readonly attributes?: Readonly<Record<string, string>>
}

const distinguishedName = ({ commonName, unit, organisation }: Subject): Array<Record<string, string[]>> => [
  { CN: [commonName] },
  ...(unit === undefined ? [] : [{ OU: [unit] }]),
  { O: [organisation] },
]

function validity(now: number): { notBefore: Date; notAfter: Date } {
  const notBefore = new Date(Math.floor((now - backdatedMs) / 1000) * 1000)
  const notAfter = new Date(notBefore)
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + lifetimeYears)
  return { notBefore, notAfter }
}

/** Sixteen bytes whose first is neither zero nor high, so that the serial number is positive and of fixed length. */
function serialNumber(): string {
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) % 0x7f) + 1
  return serial.toString('hex')
}

/** Signs until the signature is low-S: Fabric would otherwise rewrite the certificate, and its bytes would differ. */
async function untilLowS(create: () => Promise<X509Certificate>): Promise<X509Certificate> {
  for (;;) {
    const certificate = await create()
    if (isLowS(new Uint8Array(certificate.signature))) return certificate
  }
}

const generateKeys = async (): Promise<webcrypto.CryptoKeyPair> =>
  await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])

async function toPair(certificate: X509Certificate, key: webcrypto.CryptoKey): Promise<IssuedPair> {
  const content = await webcrypto.subtle.exportKey('pkcs8', key)
  return {
    certificate: `${certificate.toString('pem')}\n`,
    privateKey: `${PemConverter.encode(content, 'PRIVATE KEY')}\n`,
  }
}

/** A new self-signed certificate authority. */
export async function createAuthority(subject: Subject, now: number): Promise<IssuedPair> {
  const keys = await generateKeys()
  const identifier = await SubjectKeyIdentifierExtension.create(keys.publicKey)
  const certificate = await untilLowS(() =>
    X509CertificateGenerator.createSelfSigned({
      serialNumber: serialNumber(),
      name: distinguishedName(subject),
      ...validity(now),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(
          KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature,
          true,
        ),
        identifier,
      ],
    }),
  )
  return toPair(certificate, keys.privateKey)
}

const isAddress = (host: string): boolean => /^[0-9.]+$/.test(host)

function usageExtensions({ hosts, attributes }: LeafRequest): Extension[] {
  const extensions: Extension[] = []
  if (hosts !== undefined) {
    extensions.push(new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]))
    const names = hosts.map((value) => ({
      type: isAddress(value) ? ('ip' as const) : ('dns' as const),
      value,
    }))
    extensions.push(new SubjectAlternativeNameExtension(names))
  }
  if (attributes !== undefined)
    extensions.push(
      new Extension(attributesExtension, false, Buffer.from(JSON.stringify({ attrs: attributes }))),
    )
  return extensions
}

/** A new certificate signed by an authority. */
export async function issueLeaf(
  authority: IssuedPair,
  request: LeafRequest,
  now: number,
): Promise<IssuedPair> {
  const issuer = new X509Certificate(authority.certificate)
  const issuerKey = await webcrypto.subtle.importKey(
    'pkcs8',
    createPrivateKey(authority.privateKey).export({ type: 'pkcs8', format: 'der' }),
    algorithm,
    false,
    ['sign'],
  )
  const keys = await generateKeys()
  const parameters = {
    serialNumber: serialNumber(),
    ...validity(now),
    subject: distinguishedName(request.subject),
    issuer: issuer.subject,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer),
      ...usageExtensions(request),
    ],
    signingAlgorithm: algorithm,
    signingKey: issuerKey,
    publicKey: keys.publicKey,
  }
  const certificate = await untilLowS(() => X509CertificateGenerator.create(parameters))
  return toPair(certificate, keys.privateKey)
}

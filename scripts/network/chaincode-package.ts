import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'

/** A chaincode package as `InstallChaincode` takes it, and what Fabric will call it. */
export interface ChaincodePackage {
  /** `label:hash`, with the SHA-256 of the content. */
  readonly id: string
  /** A gzipped tar of `metadata.json` and `code.tar.gz`. */
  readonly content: Buffer
}

/**
 * What each peer fills in by itself (the `{{.…}}` of the ccaas builder): the address of its own chaincode and its own TLS
 * files. So one package serves every organisation and holds no key.
 */
const connection = {
  address: '{{.address}}',
  dial_timeout: '10s',
  tls_required: true,
  client_auth_required: true,
  client_key: '{{.key}}',
  client_cert: '{{.cert}}',
  root_cert: '{{.ca}}',
}

/**
 * The package of a chaincode that runs as a service. It is the same, byte for byte, wherever it is made, so that its id is
 * known before there is a network. `label` consists of letters, digits, `_`, `.`, `+` and `-`.
 */
export function chaincodePackage(label: string): ChaincodePackage {
  const code = zip(tar([['connection.json', toJson(connection)]]))
  const content = zip(
    tar([
      ['metadata.json', toJson({ type: 'ccaas', label })],
      ['code.tar.gz', code],
    ]),
  )
  return { id: `${label}:${createHash('sha256').update(content).digest('hex')}`, content }
}

const toJson = (value: object): Buffer => Buffer.from(JSON.stringify(value))

const blockBytes = 512

/** A tar archive (POSIX.1-1988, ustar) whose files have no owner and no time. */
const tar = (files: readonly (readonly [name: string, content: Buffer])[]): Buffer =>
  Buffer.concat([
    ...files.flatMap(([name, content]) => [tarHeader(name, content.length), padded(content)]),
    Buffer.alloc(2 * blockBytes),
  ])

const padded = (content: Buffer): Buffer =>
  Buffer.concat([content, Buffer.alloc((blockBytes - (content.length % blockBytes)) % blockBytes)])

function tarHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(blockBytes)
  const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0')
  header.write(name, 0)
  header.write(octal(0o644, 7), 100)
  header.write(octal(0, 7), 108)
  header.write(octal(0, 7), 116)
  header.write(octal(size, 11), 124)
  header.write(octal(0, 11), 136)
  header.write('0', 156)
  header.write('ustar\u000000', 257)
  // The sum is over the header with blanks in the place of the sum.
  header.fill(' ', 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${octal(sum, 6)}\u0000 `, 148)
  return header
}

/** Where a gzip file names the system that made it (RFC 1952, section 2.3), and the value for none. */
const systemByte = 9
const unknownSystem = 255

/** Stored, not compressed: versions of zlib compress the same content differently. */
function zip(content: Buffer): Buffer {
  const zipped = gzipSync(content, { level: 0 })
  zipped[systemByte] = unknownSystem
  return zipped
}

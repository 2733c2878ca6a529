import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client, credentials } from '@grpc/grpc-js'
import { BinaryReader } from 'google-protobuf'
import { versionBytes } from '../../scripts/network/embedded/ledger/commit-hash.ts'
import type { StateView } from '../../scripts/network/embedded/ledger/state.ts'
import type { NodeEndpoint } from '../../scripts/network/docker/node-client.ts'
import { build, common, encoded, peer } from '../../scripts/network/fabric/message.ts'
import type { Signer } from '../../scripts/network/fabric/signer.ts'

/* A peer's snapshot: all that it holds of public values and of hashes of private ones, in files (kvledger/snapshot.go). */

const path = '/protos.Snapshot/Generate'
const timeoutMs = 30_000

/** Asks a peer for a snapshot as of its last block. Errors: gRPC's. */
export async function requestSnapshot(
  { address, authority }: NodeEndpoint,
  channelId: string,
  signer: Signer,
): Promise<void> {
  const signatureHeader = build(common.SignatureHeader, {
    creator: signer.identity,
    nonce: Buffer.alloc(24, 1),
  })
  const request = encoded(peer.SnapshotRequest, { signatureHeader, channelId })
  const signed = encoded(peer.SignedSnapshotRequest, { request, signature: signer.sign(request) })
  const client = new Client(address, credentials.createSsl(Buffer.from(authority)))
  const same = (content: Buffer): Buffer => content
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  client.makeUnaryRequest(path, same, same, signed, { deadline: Date.now() + timeoutMs }, (error) => {
    if (error === null) resolve()
    else reject(error)
  })
  await promise.finally(() => client.close())
}

/** The entries of a state by namespace and key, each as its version and value in hexadecimal. */
export type Entries = ReadonlyMap<string, string>

const nameOf = (space: string, key: Buffer): string => `${space} ${key.toString('hex')}`

/** Reads what a snapshot's writer has written: a byte for the format, then numbers and lengths with contents. */
function createReader(file: string): { number: () => number; bytes: () => Buffer; isAtEnd: () => boolean } {
  const content = readFileSync(file)
  let position = 1
  const number = (): number => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = content.readUInt8(position)
      position += 1
      value += (byte % 128) * factor
      if (byte < 128) return value
    }
  }
  return {
    number,
    bytes() {
      const length = number()
      position += length
      return content.subarray(position - length, position)
    },
    isAtEnd: () => position === content.length,
  }
}

/** `SnapshotRecord` (privacyenabledstate): key, value, metadata, version. */
function readRecord(content: Buffer): { key: Buffer; described: string } {
  const fields = new Map<number, Buffer>()
  const reader = new BinaryReader(content)
  while (reader.nextField()) fields.set(reader.getFieldNumber(), Buffer.from(reader.readBytes()))
  const [key, value, metadata, version] = [1, 2, 3, 4].map((field) => fields.get(field) ?? Buffer.alloc(0))
  const more = metadata?.length === 0 ? '' : ` with metadata ${metadata?.toString('hex')}`
  return {
    key: key ?? Buffer.alloc(0),
    described: `${version?.toString('hex')} ${value?.toString('hex')}${more}`,
  }
}

function readPart(folder: string, name: string, entries: Map<string, string>): void {
  const file = join(folder, `${name}.data`)
  if (!existsSync(file)) return
  const records = createReader(file)
  const spaces = createReader(join(folder, `${name}.metadata`))
  for (let count = spaces.number(); count > 0; count -= 1) {
    const space = spaces.bytes().toString()
    for (let left = spaces.number(); left > 0; left -= 1) {
      const { key, described } = readRecord(records.bytes())
      // The namespace without a name holds the channel's configuration in a form of the peer's own.
      if (space !== '') entries.set(nameOf(space, key), described)
    }
  }
  if (!records.isAtEnd()) throw new Error(`${file} holds more than its metadata say`)
}

export function readSnapshot(folder: string): Entries {
  const entries = new Map<string, string>()
  readPart(folder, 'public_state', entries)
  readPart(folder, 'private_state_hashes', entries)
  return entries
}

/** The same of a state of ours. */
export function entriesOf(state: StateView, spaces: readonly string[]): Entries {
  const entries = new Map<string, string>()
  for (const space of spaces)
    for (const [key, { value, version }] of state.range(space, '', ''))
      entries.set(
        nameOf(space, Buffer.from(key, 'latin1')),
        `${versionBytes(version).toString('hex')} ${value.toString('hex')}`,
      )
  return entries
}

/** A line for each entry that the two do not have alike. */
export function differencesOf(ours: Entries, theirs: Entries): string[] {
  const names = new Set([...ours.keys(), ...theirs.keys()])
  return [...names]
    .filter((name) => ours.get(name) !== theirs.get(name))
    .map(
      (name) => `state ${name}: ours ${ours.get(name) ?? 'absent'}, Fabric’s ${theirs.get(name) ?? 'absent'}`,
    )
}

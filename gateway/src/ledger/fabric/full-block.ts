import { createHash } from 'node:crypto'
import type { FullBlock, FullTransaction, PrivateWrite, PublicWrite, UnreadableBlock } from '../port.ts'
import { bytesAt, int32At, messageAt, numberAt, readFields, readRepeated } from './protobuf.ts'
import { validationCodeName } from './wire.ts'

/**
 * Reads a `BlockAndPrivateData` (peer/events.proto) from its own bytes: what the SDK decodes has neither the bytes that the
 * header's hash is over nor what newer Fabrics write. `expected` is the number of the block that was to come.
 */
export function toFullBlock(
  content: Uint8Array,
  chaincode: string,
  expected: number,
): FullBlock | UnreadableBlock {
  let number = expected
  try {
    const fields = readFields(messageAt(readFields(content), 1))
    if (!fields.contents.has(1)) throw new SyntaxError('the block has no header')
    const header = readFields(messageAt(fields, 1))
    number = numberAt(header, 1)
    const previousHash = bytesAt(header, 2)
    const dataHash = bytesAt(header, 3)
    const envelopes = readRepeated(messageAt(fields, 2), 1)
    if (hex(dataHash) !== hex(sha256(...envelopes))) return { number, fault: 'data-hash' }
    const codes = readRepeated(messageAt(fields, 3), 1)[validationCodes] ?? Buffer.alloc(0)
    if (codes.length !== envelopes.length) throw new SyntaxError('the block does not say which are valid')
    const held = heldIn(content, chaincode)
    return {
      number,
      previousHash: hex(previousHash),
      hash: hex(sha256(headerBytes(number, previousHash, dataHash))),
      transactions: envelopes.map((envelope, position) => {
        const code = validationCodeName(codes[position] ?? 0)
        const place = { block: number, position, code, valid: code === 'VALID' }
        return readTransaction(envelope, place, { chaincode, held: held.get(position) })
      }),
    }
  } catch {
    return { number, fault: 'undecodable' }
  }
}

/** Of `common.BlockMetadataIndex`: one byte for each transaction. */
const validationCodes = 2
/** Of `common.HeaderType`. */
const configuration = 1
const endorserTransaction = 3

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** Of no value at all: Fabric takes a write of it for a deletion (rwsetutil.IsKVWriteHashDelete). */
const hashOfNothing = hex(sha256())

/** The header as Fabric hashes it (protoutil.BlockHeaderBytes): an ASN.1 sequence of its three members. */
function headerBytes(number: number, previousHash: Uint8Array, dataHash: Uint8Array): Buffer {
  const digits = number.toString(16)
  const integer = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex')
  const positive = (integer[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.from([0]), integer]) : integer
  return der(0x30, Buffer.concat([der(0x02, positive), der(0x04, previousHash), der(0x04, dataHash)]))
}

/** Two hashes and a number are less than 128 bytes long. Errors: RangeError for what is longer. */
function der(tag: number, content: Uint8Array): Buffer {
  if (content.length > 0x7f) throw new RangeError('the header of a block is too long')
  return Buffer.concat([Buffer.from([tag, content.length]), content])
}

interface Held {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** Private writes of one transaction, by collection and the hash of their key. */
type HeldWrites = ReadonlyMap<string, Held>

const nameOf = (collection: string, keyHash: string): string => `${collection}/${keyHash}`

/** What the peer holds of each transaction's private writes: the entries (2) of a map from its place to its write sets. */
function heldIn(content: Uint8Array, chaincode: string): ReadonlyMap<number, HeldWrites> {
  return new Map(
    readRepeated(content, 2).map((entry) => {
      const fields = readFields(entry)
      const namespaces = ofChaincode(readRepeated(messageAt(fields, 2), 2), chaincode)
      const writes = namespaces.flatMap((namespace) =>
        readRepeated(namespace, 2).flatMap((content) => {
          const set = readFields(content)
          const collection = text(bytesAt(set, 1))
          return writesIn(bytesAt(set, 2)).flatMap(({ key, value }) =>
            value === undefined ? [] : [[nameOf(collection, hex(sha256(key))), { key, value }] as const],
          )
        }),
      )
      return [numberAt(fields, 1), new Map(writes)]
    }),
  )
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8')

/** Of write sets by namespace (1), those of the product's own chaincode. */
const ofChaincode = (namespaces: readonly Uint8Array[], chaincode: string): readonly Uint8Array[] =>
  namespaces.filter((namespace) => text(bytesAt(readFields(namespace), 1)) === chaincode)

/** The writes (3) of a `kvrwset.KVRWSet`. */
const writesIn = (set: Uint8Array): PublicWrite[] =>
  readRepeated(set, 3).map((write) => {
    const fields = readFields(write)
    const value = bytesAt(fields, 3)
    const isDeletion = numberAt(fields, 2) !== 0 || value.length === 0
    return { key: bytesAt(fields, 1), value: isDeletion ? undefined : value }
  })

type Place = Pick<FullTransaction, 'block' | 'position' | 'code' | 'valid'>

function readTransaction(
  envelope: Uint8Array,
  place: Place,
  known: { readonly chaincode: string; readonly held: HeldWrites | undefined },
): FullTransaction {
  const none = { publicWrites: [], privateWrites: [] }
  // Anybody may have anything ordered, so an invalid transaction need not be a message at all.
  if (!place.valid) return { ...place, ...none, transactionId: idOf(envelope) }
  const { type, transactionId, data } = openEnvelope(envelope)
  if (type === configuration) return { ...place, ...none, transactionId }
  // Nothing else is ever valid; to take it for a transaction that writes nothing would hide what it wrote.
  if (type !== endorserTransaction || transactionId === '')
    throw new SyntaxError('a valid transaction is none that a channel has')
  return { ...place, ...writesOf(data, known), transactionId }
}

function idOf(envelope: Uint8Array): string {
  try {
    return openEnvelope(envelope).transactionId
  } catch {
    return ''
  }
}

/** Type and id in the channel header, and what the payload carries. */
function openEnvelope(envelope: Uint8Array): {
  readonly type: number
  readonly transactionId: string
  readonly data: Uint8Array
} {
  const payload = readFields(bytesAt(readFields(envelope), 1))
  const header = readFields(bytesAt(readFields(messageAt(payload, 1)), 1))
  return {
    type: int32At(header, 1),
    transactionId: text(bytesAt(header, 5)),
    data: bytesAt(payload, 2),
  }
}

type Writes = Pick<FullTransaction, 'publicWrites' | 'privateWrites'>

/** Of a `peer.Transaction`: its first action, since Fabric allows one. Errors: SyntaxError when it has no results. */
function writesOf(
  transaction: Uint8Array,
  { chaincode, held }: { readonly chaincode: string; readonly held: HeldWrites | undefined },
): Writes {
  const namespaces = ofChaincode(readRepeated(resultsOf(transaction), 2), chaincode)
  const publicWrites = namespaces.flatMap((namespace) => writesIn(bytesAt(readFields(namespace), 2)))
  const privateWrites = namespaces.flatMap((namespace) =>
    readRepeated(namespace, 3).flatMap((content) => {
      const fields = readFields(content)
      const collection = text(bytesAt(fields, 1))
      return readRepeated(bytesAt(fields, 2), 2).map((write) => toPrivateWrite(collection, write, held))
    }),
  )
  return { publicWrites, privateWrites }
}

/** The `TxReadWriteSet` (1) in the chaincode's action (2) in the payload (1) that was endorsed (2), of the action (1). */
function resultsOf(transaction: Uint8Array): Uint8Array {
  const [first = new Uint8Array()] = readRepeated(transaction, 1)
  const action = readFields(bytesAt(readFields(first), 2))
  const endorsed = readFields(messageAt(action, 2))
  const payload = readFields(bytesAt(endorsed, 1))
  if (!payload.contents.has(2)) throw new SyntaxError('a valid transaction has no results')
  return bytesAt(readFields(bytesAt(payload, 2)), 1)
}

/** A `KVWriteHash`; newer Fabrics mark a purge (4) beside the deletion (2). */
function toPrivateWrite(collection: string, write: Uint8Array, held: HeldWrites | undefined): PrivateWrite {
  const fields = readFields(write)
  const keyHash = hex(bytesAt(fields, 1))
  const hash = hex(bytesAt(fields, 3))
  const isGone =
    numberAt(fields, 2) !== 0 || numberAt(fields, 4) !== 0 || hash === '' || hash === hashOfNothing
  if (isGone) return { collection, keyHash, valueHash: undefined }
  const found = held?.get(nameOf(collection, keyHash))
  const isIt = found !== undefined && hex(sha256(found.value)) === hash
  return { collection, keyHash, valueHash: hash, ...(isIt && { held: found }) }
}

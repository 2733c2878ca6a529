import { derInteger, derOctets, derSequence } from '../ecdsa.ts'
import { sha256 } from './digest.ts'
import { bytes, common, decode, encoded, wrap } from './message.ts'

/** A block as the orderer makes it; `metadata` has a slot for each of `common.BlockMetadataIndex`. */
export interface Block {
  readonly number: number
  readonly previousHash: Buffer
  readonly dataHash: Buffer
  readonly envelopes: readonly Buffer[]
  readonly metadata: readonly Buffer[]
}

export const metadataSlots = 5

/** Slots of the metadata; 3 is unused in Fabric. */
export const slot = { signatures: 0, lastConfig: 1, validationCodes: 2, commitHash: 4 } as const

/** The header as Fabric signs and hashes it (protoutil.BlockHeaderBytes): an ASN.1 SEQUENCE, not the message. */
export const headerBytes = ({
  number,
  previousHash,
  dataHash,
}: Pick<Block, 'number' | 'previousHash' | 'dataHash'>): Buffer =>
  derSequence(derInteger(BigInt(number)), derOctets(previousHash), derOctets(dataHash))

export const blockHash = (block: Pick<Block, 'number' | 'previousHash' | 'dataHash'>): Buffer =>
  sha256(headerBytes(block))

/** protoutil.ComputeBlockDataHash. */
export const dataHashOf = (envelopes: readonly Buffer[]): Buffer => sha256(...envelopes)

/** A block without metadata. */
export const createBlock = (number: number, previousHash: Buffer, envelopes: readonly Buffer[]): Block => ({
  number,
  previousHash,
  dataHash: dataHashOf(envelopes),
  envelopes,
  metadata: Array.from({ length: metadataSlots }, () => Buffer.alloc(0)),
})

export const withMetadata = (block: Block, index: number, content: Buffer): Block => ({
  ...block,
  metadata: block.metadata.with(index, content),
})

/** Says in the metadata which block holds the newest configuration, itself included. */
export const withLastConfig = (block: Block, index: number): Block =>
  withMetadata(
    block,
    slot.lastConfig,
    encoded(common.Metadata, { value: encoded(common.LastConfig, { index }) }),
  )

/** The number of the block with the newest configuration, as the metadata say it. */
export function lastConfigOf({ metadata }: Block): number {
  const content = decode(common.Metadata, metadata[slot.lastConfig] ?? Buffer.alloc(0)).getValue_asU8()
  return decode(common.LastConfig, content).getIndex()
}

/** `common.Block`. */
export function encodeBlock(block: Block): Buffer {
  const { number, previousHash, dataHash, envelopes, metadata } = block
  const repeated = (items: readonly Buffer[]): Buffer => Buffer.concat(items.map((item) => wrap(1, item)))
  return Buffer.concat([
    wrap(1, encoded(common.BlockHeader, { number, previousHash, dataHash })),
    wrap(2, repeated(envelopes)),
    wrap(3, repeated(metadata)),
  ])
}

/** Errors: when the bytes are not a `common.Block`. */
export function decodeBlock(content: Uint8Array): Block {
  const message = decode(common.Block, content)
  const header = message.getHeader()
  if (header === undefined) throw new SyntaxError('the block has no header')
  return {
    number: header.getNumber(),
    previousHash: bytes(header.getPreviousHash_asU8()),
    dataHash: bytes(header.getDataHash_asU8()),
    envelopes: (message.getData()?.getDataList_asU8() ?? []).map(bytes),
    metadata: (message.getMetadata()?.getMetadataList_asU8() ?? []).map(bytes),
  }
}

/** The validation code of each transaction, in a peer's copy of the block. */
export const validationCodesOf = (block: Block): readonly number[] => [
  ...(block.metadata[slot.validationCodes] ?? []),
]

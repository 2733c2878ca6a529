import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { BatchOptions } from '../channel/genesis.ts'
import { createBlock, headerBytes, slot, withMetadata, type Block } from '../ledger/block.ts'
import { openBlockFile, type BlockFile } from '../ledger/block-file.ts'
import { readEnvelope, type EnvelopeHeader } from '../ledger/transaction.ts'
import type { Membership } from '../msp/membership.ts'
import type { Signer } from '../msp/signer.ts'
import { build, bytes, common, decode, encoded } from '../wire/message.ts'
import { senderOf } from './access.ts'
import { createBatcher } from './batcher.ts'

export interface OrderingOptions {
  /** The orderer's own folder; it exists. */
  readonly directory: string
  readonly channel: string
  readonly signer: Signer
  readonly membership: Membership
  readonly batch: BatchOptions
  readonly now: () => number
  /** Told of each block when it is on the disk; the next one is not cut before it settles, unless one is full. */
  readonly onBlock: (block: Block) => Promise<void>
  readonly onFailure: (error: Error) => void
}

/** What is said to a client that broadcasts: a `common.Status` and why. */
export interface BroadcastAnswer {
  readonly status: Status
  readonly info: string
}

/** Puts transactions in order and signs the blocks. */
export interface Ordering {
  /** What is on the disk. */
  readonly blocks: Pick<BlockFile, 'height' | 'read'>
  /** Writes the first blocks of a new chain, one an envelope; nothing may have been accepted yet. */
  initialise(envelopes: readonly Buffer[]): Promise<void>
  accept(envelope: Buffer): BroadcastAnswer
  readonly onCommit: (listener: () => void) => () => void
  /** Accepts nothing more, writes what has been accepted, and closes the file. */
  close(): Promise<void>
}

const { Status } = common
type Status = common.StatusMap[keyof common.StatusMap]

/** Fabric's text when no organisation's Writers policy is satisfied. */
const notAWriter =
  "implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy requires 1 of the 'Writers' sub-policies to be satisfied: permission denied"

const answer = (status: Status, info = ''): BroadcastAnswer => ({ status, info })

function readHeader(envelope: Buffer): EnvelopeHeader | undefined {
  try {
    return readEnvelope(envelope).header
  } catch {
    return undefined
  }
}

/** Fabric's filters of orderer/common/msgprocessor, in their order. */
function judge(envelope: Buffer, options: OrderingOptions): BroadcastAnswer {
  const { channel, batch, membership, now } = options
  const header = readHeader(envelope)
  if (header === undefined) return answer(Status.BAD_REQUEST, 'the envelope cannot be read')
  if (header.channel !== channel) return answer(Status.NOT_FOUND, `channel ${header.channel} not found`)
  if (header.type !== common.HeaderType.ENDORSER_TRANSACTION)
    return answer(Status.BAD_REQUEST, 'only endorser transactions are accepted')
  if (envelope.length > batch.absoluteBytes)
    return answer(
      Status.BAD_REQUEST,
      `message payload is ${envelope.length} bytes and exceeds maximum allowed ${batch.absoluteBytes} bytes`,
    )
  const sender = senderOf(header, membership, now())
  const isWriter = sender?.role === 'client' || sender?.role === 'admin'
  return isWriter ? answer(Status.SUCCESS) : answer(Status.FORBIDDEN, notAWriter)
}

/** The metadata by which peers recognise the orderer's blocks (orderer/common/multichannel/blockwriter.go). */
function signBlock(block: Block, signer: Signer): Block {
  const lastConfig = encoded(common.Metadata, { value: encoded(common.LastConfig, { index: 0 }) })
  const configured = withMetadata(block, slot.lastConfig, lastConfig)
  if (block.number === 0) return configured
  const value = encoded(common.OrdererBlockMetadata, { lastConfig: build(common.LastConfig, { index: 0 }) })
  const signatureHeader = encoded(common.SignatureHeader, {
    creator: signer.identity,
    nonce: randomBytes(24),
  })
  const signature = signer.sign(value, signatureHeader, headerBytes(block))
  const signaturesList = [build(common.MetadataSignature, { signatureHeader, signature })]
  return withMetadata(configured, slot.signatures, encoded(common.Metadata, { value, signaturesList }))
}

/** Fabric's BlockValidation policy: an orderer of the ordering organisation has signed. Block 0 has no signature. */
export function isBlockSigned(block: Block, membership: Membership, ordererMspId: string): boolean {
  try {
    const metadata = decode(common.Metadata, block.metadata[slot.signatures] ?? Buffer.alloc(0))
    return metadata.getSignaturesList().some((item) => {
      const signatureHeader = bytes(item.getSignatureHeader_asU8())
      const creator = decode(common.SignatureHeader, signatureHeader).getCreator_asU8()
      const member = membership.identify(creator)
      if (member.mspId !== ordererMspId || member.role !== 'orderer') return false
      const signed = Buffer.concat([metadata.getValue_asU8(), signatureHeader, headerBytes(block)])
      return membership.verify(member, signed, item.getSignature_asU8())
    })
  } catch {
    return false
  }
}

/** Errors: when the chain's file is damaged or of another format. */
export function openOrdering(options: OrderingOptions): Ordering {
  const blocks = openBlockFile(join(options.directory, 'chain'), () => undefined)
  const listeners = new Set<() => void>()
  let isOpen = true
  let hasFailed = false
  let { height } = blocks

  const write = async (envelopes: readonly Buffer[]): Promise<void> => {
    const block = signBlock(createBlock(blocks.height, blocks.lastHash, envelopes), options.signer)
    blocks.append(block)
    await blocks.sync()
    height = blocks.height
    for (const listener of listeners) listener()
    await options.onBlock(block)
  }
  const batcher = createBatcher(options.batch, async (envelopes) => {
    if (hasFailed) return
    try {
      await write(envelopes)
    } catch (error) {
      // Nothing can be ordered after a block that may or may not be on the disk; a restart finds out.
      hasFailed = true
      isOpen = false
      options.onFailure(error as Error)
    }
  })

  return {
    blocks: {
      get height() {
        return height
      },
      read: (number) => blocks.read(number),
    },
    async initialise(envelopes) {
      for (const envelope of envelopes) await write([envelope])
    },
    accept(envelope) {
      if (!isOpen) return answer(Status.SERVICE_UNAVAILABLE, 'the orderer is stopped')
      const judged = judge(envelope, options)
      if (judged.status === Status.SUCCESS) batcher.add(envelope)
      return judged
    },
    onCommit(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async close() {
      isOpen = false
      await batcher.flush()
      blocks.close()
    },
  }
}

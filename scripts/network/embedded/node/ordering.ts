import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { BatchOptions } from '../../fabric/genesis.ts'
import {
  createBlock,
  headerBytes,
  slot,
  withFirstConfig,
  withMetadata,
  type Block,
} from '../../fabric/block.ts'
import { openBlockFile, type BlockFile } from '../ledger/block-file.ts'
import { canonicalEnvelope, readEnvelope, type EnvelopeHeader } from '../ledger/transaction.ts'
import type { Membership } from '../msp/membership.ts'
import type { Policy } from '../../fabric/policy.ts'
import type { Signer } from '../../fabric/signer.ts'
import { build, common, encoded } from '../../fabric/message.ts'
import { admittedBy, noneSatisfied, senderExpiry } from './access.ts'
import { createBatcher } from './batcher.ts'

export interface OrderingOptions {
  /** The orderer's own folder; it exists. */
  readonly directory: string
  readonly channel: string
  readonly signer: Signer
  readonly membership: Membership
  /** `/Channel/Writers`: whose transactions are ordered. */
  readonly policy: Policy
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

const answer = (status: Status, info = ''): BroadcastAnswer => ({ status, info })

function readHeader(envelope: Buffer): EnvelopeHeader | undefined {
  try {
    return readEnvelope(envelope).header
  } catch {
    return undefined
  }
}

/** What an envelope must be before anybody asks who sent it. */
function judgeForm(header: EnvelopeHeader, { channel, batch }: OrderingOptions): string | undefined {
  if (header.channel !== channel)
    return 'channel creation request not allowed because the orderer system channel is not defined'
  if (header.type !== common.HeaderType.ENDORSER_TRANSACTION)
    return 'message is of type that cannot be processed directly'
  const size = header.payload.length + header.signature.length
  if (size > batch.absoluteBytes)
    return `message payload is ${size} bytes and exceeds maximum allowed ${batch.absoluteBytes} bytes`
  return undefined
}

/**
 * Fabric's filters of orderer/common/broadcast and msgprocessor, in their order. Types other than endorser transactions
 * are refused, where Fabric takes configuration updates, which do not exist here, and orders what every peer then marks
 * invalid.
 */
function judge(envelope: Buffer, options: OrderingOptions): BroadcastAnswer {
  const { membership, policy, now } = options
  const header = readHeader(envelope)
  if (header === undefined)
    return answer(Status.BAD_REQUEST, 'could not determine channel ID: the envelope cannot be read')
  const fault = judgeForm(header, options)
  if (fault !== undefined) return answer(Status.BAD_REQUEST, fault)
  const expiry = senderExpiry(header.creator, membership, now())
  if (expiry !== undefined) return answer(Status.BAD_REQUEST, `broadcast client ${expiry}`)
  if (admittedBy(policy, header, membership) === undefined)
    return answer(Status.FORBIDDEN, `${noneSatisfied('Writers')}: permission denied`)
  return answer(Status.SUCCESS)
}

/** The metadata by which peers recognise the orderer's blocks (orderer/common/multichannel/blockwriter.go). */
export function signBlock(block: Block, signer: Signer): Block {
  const configured = withFirstConfig(block)
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
      // Only what is signed, and the signature, come into a block.
      const canonical = canonicalEnvelope(envelope)
      if (judged.status === Status.SUCCESS && canonical !== undefined) batcher.add(canonical)
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

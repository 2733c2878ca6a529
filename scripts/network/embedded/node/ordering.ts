import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import {
  createBlock,
  headerBytes,
  lastConfigOf,
  slot,
  withLastConfig,
  withMetadata,
  type Block,
} from '../../fabric/block.ts'
import { openBlockFile, type BlockFile } from '../ledger/block-file.ts'
import { openDatabase } from '../ledger/database.ts'
import {
  canonicalEnvelope,
  readEnvelope,
  readTransaction,
  type EnvelopeHeader,
} from '../ledger/transaction.ts'
import { checkDefinitions } from '../channel/definitions.ts'
import type { Bundle } from '../configuration/bundle.ts'
import { createConfigurations, type Configurations } from '../configuration/configurations.ts'
import { configurationEnvelope } from '../configuration/transaction.ts'
import type { Signer } from '../../fabric/signer.ts'
import { build, common, encoded } from '../../fabric/message.ts'
import { admittedBy, noneSatisfied, senderExpiry } from './access.ts'
import { createBatcher } from './batcher.ts'

export interface OrderingOptions {
  /** The orderer's own folder; it exists. */
  readonly directory: string
  readonly channel: string
  readonly signer: Signer
  readonly now: () => number
  /** Told of each block when it is on the disk; the next one is not cut before it settles, unless one is full. */
  readonly onBlock: (block: Block) => Promise<void>
  readonly onFailure: (error: Error) => void
  readonly log: (line: string) => void
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
  readonly configurations: Configurations
  /** Writes the first blocks of a new chain, one an envelope; nothing may have been accepted yet. */
  initialise(envelopes: readonly Buffer[]): Promise<void>
  accept(envelope: Buffer): BroadcastAnswer
  readonly onCommit: (listener: () => void) => () => void
  /** Accepts nothing more, writes what has been accepted, and closes the file. */
  close(): Promise<void>
}

const { Status } = common
const { CONFIG_UPDATE, ENDORSER_TRANSACTION } = common.HeaderType
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
function judgeForm(header: EnvelopeHeader, channel: string, { batch }: Bundle): string | undefined {
  if (header.channel !== channel)
    return 'channel creation request not allowed because the orderer system channel is not defined'
  if (header.type !== ENDORSER_TRANSACTION && header.type !== CONFIG_UPDATE)
    return 'message is of type that cannot be processed directly'
  const size = header.payload.length + header.signature.length
  if (size > batch.absoluteBytes)
    return `message payload is ${size} bytes and exceeds maximum allowed ${batch.absoluteBytes} bytes`
  return undefined
}

/**
 * Fabric's filters of orderer/common/broadcast and msgprocessor, in their order. Types other than endorser transactions
 * and configuration updates are refused, where Fabric orders what every peer then marks invalid.
 */
function judge(
  envelope: Buffer,
  header: EnvelopeHeader | undefined,
  options: OrderingOptions,
  bundle: Bundle,
): BroadcastAnswer {
  const { membership, policies } = bundle
  if (header === undefined)
    return answer(Status.BAD_REQUEST, 'could not determine channel ID: the envelope cannot be read')
  const fault = judgeForm(header, options.channel, bundle)
  if (fault !== undefined) return answer(Status.BAD_REQUEST, fault)
  const expiry = senderExpiry(header.creator, membership, options.now())
  if (expiry !== undefined) return answer(Status.BAD_REQUEST, `broadcast client ${expiry}`)
  if (admittedBy({ membership, policy: policies.writers }, header) === undefined)
    return answer(Status.FORBIDDEN, `${noneSatisfied('Writers')}: permission denied`)
  return header.type === CONFIG_UPDATE ? judgeUpdate(envelope, options, bundle) : judgeContent(envelope)
}

/** What this network's peers do not judge as Fabric's do must not come onto the chain. */
function judgeContent(envelope: Buffer): BroadcastAnswer {
  const { action, unsupported = [] } = readTransaction(envelope)
  if (unsupported.length > 0)
    return answer(
      Status.BAD_REQUEST,
      `${unsupported.join(', ')} in a read/write set: the embedded network does not support it`,
    )
  try {
    checkDefinitions(action?.namespaces ?? [])
    return answer(Status.SUCCESS)
  } catch (error) {
    return answer(Status.BAD_REQUEST, (error as Error).message)
  }
}

/** A configuration update is refused at once when the configuration in force does not allow it. */
function judgeUpdate(
  update: Buffer,
  { channel, signer, now }: OrderingOptions,
  bundle: Bundle,
): BroadcastAnswer {
  try {
    configurationEnvelope(update, channel, bundle, signer, now())
    return answer(Status.SUCCESS)
  } catch (error) {
    return answer(
      Status.BAD_REQUEST,
      `error applying config update to existing channel '${channel}': ${(error as Error).message}`,
    )
  }
}

/** An update that another one has overtaken since it was accepted is dropped, as at Fabric's orderers. */
function takeUpdate(update: Buffer, options: OrderingOptions, bundle: Bundle): readonly Buffer[] {
  const { channel, signer, now, log } = options
  try {
    return [configurationEnvelope(update, channel, bundle, signer, now())]
  } catch (error) {
    log(`a configuration update is not made any more: ${(error as Error).message}`)
    return []
  }
}

/** Whether a transaction that was accepted by an older configuration would be by this one (etcdraft/chain.go, ordered). */
function isStillAllowed(envelope: Buffer, options: OrderingOptions, bundle: Bundle): boolean {
  const { status, info } = judge(envelope, readHeader(envelope), options, bundle)
  if (status !== Status.SUCCESS) options.log(`a transaction is not ordered any more: ${info}`)
  return status === Status.SUCCESS
}

/** What was found of an envelope when it was accepted. */
interface Accepted {
  /** The configuration that was in force. */
  readonly bundle: Bundle
  readonly isUpdate: boolean
}

/** What comes into the next block of what was accepted: of an update, which is alone, the new configuration. */
function takeAccepted(
  envelopes: readonly Buffer[],
  acceptedAs: WeakMap<Buffer, Accepted>,
  options: OrderingOptions,
  bundle: Bundle,
): { envelopes: readonly Buffer[]; isUpdate: boolean } {
  const isUpdate = envelopes.some((one) => acceptedAs.get(one)?.isUpdate === true)
  const take = (one: Buffer): readonly Buffer[] => {
    if (isUpdate) return takeUpdate(one, options, bundle)
    return acceptedAs.get(one)?.bundle === bundle || isStillAllowed(one, options, bundle) ? [one] : []
  }
  return { envelopes: envelopes.flatMap(take), isUpdate }
}

/** The metadata by which peers recognise the orderer's blocks (orderer/common/multichannel/blockwriter.go). */
export function signBlock(block: Block, signer: Signer, lastConfig: number): Block {
  const configured = withLastConfig(block, lastConfig)
  if (block.number === 0) return configured
  const value = encoded(common.OrdererBlockMetadata, {
    lastConfig: build(common.LastConfig, { index: lastConfig }),
  })
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
  const database = openDatabase(join(options.directory, 'chain.sqlite'))
  const blocks = ((): BlockFile => {
    try {
      return openBlockFile(join(options.directory, 'chain'), database)
    } catch (error) {
      database.close()
      throw error
    }
  })()
  const listeners = new Set<() => void>()
  let isOpen = true
  let hasFailed = false

  const configurations = createConfigurations(blocks)
  const acceptedAs = new WeakMap<Buffer, Accepted>()

  const writeBlock = async (envelopes: readonly Buffer[], isConfiguration = false): Promise<void> => {
    const { height, lastHash, lastBlock } = blocks
    const created = createBlock(height, lastHash, envelopes)
    const isNewest = isConfiguration || lastBlock === undefined
    const block = signBlock(created, options.signer, isNewest ? height : lastConfigOf(lastBlock))
    await blocks.append(block)
    for (const listener of listeners) listener()
    await options.onBlock(block)
    database.trim()
  }
  const batcher = createBatcher(
    () => configurations.current().batch,
    async (accepted) => {
      if (hasFailed) return
      try {
        const { envelopes, isUpdate } = takeAccepted(accepted, acceptedAs, options, configurations.current())
        if (envelopes.length > 0) await writeBlock(envelopes, isUpdate)
      } catch (error) {
        // Nothing can be ordered after a block that may or may not be on the disk; a restart finds out.
        hasFailed = true
        isOpen = false
        options.onFailure(error as Error)
      }
    },
  )

  return {
    blocks,
    configurations,
    async initialise(envelopes) {
      for (const envelope of envelopes) await writeBlock([envelope])
    },
    accept(envelope) {
      if (!isOpen) return answer(Status.SERVICE_UNAVAILABLE, 'the orderer is stopped')
      const bundle = configurations.current()
      const header = readHeader(envelope)
      const judged = judge(envelope, header, options, bundle)
      // Only what is signed, and the signature, come into a block.
      const canonical = canonicalEnvelope(envelope)
      if (judged.status !== Status.SUCCESS || canonical === undefined) return judged
      const isUpdate = header?.type === CONFIG_UPDATE
      acceptedAs.set(canonical, { bundle, isUpdate })
      if (isUpdate) batcher.addAlone(canonical)
      else batcher.add(canonical)
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
      database.close()
    },
  }
}

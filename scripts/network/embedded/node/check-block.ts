import { dataHashOf, headerBytes, slot, type Block } from '../../fabric/block.ts'
import { canonicalEnvelope, readEnvelope } from '../ledger/transaction.ts'
import type { Membership } from '../msp/membership.ts'
import { signersOf } from '../msp/signers.ts'
import { holds, type MetaPolicy, type Policy, type Principal } from '../../fabric/policy.ts'
import { bytes, common, decode } from '../../fabric/message.ts'

export interface BlockCheckOptions {
  readonly channel: string
  readonly membership: Membership
  /** Fabric's `BlockValidation`: who must have signed a block. */
  readonly policy: Policy | MetaPolicy
}

/** Those who signed the block's header, each once. */
function blockSigners(block: Block, membership: Membership): Principal[] {
  const metadata = decode(common.Metadata, block.metadata[slot.signatures] ?? Buffer.alloc(0))
  return signersOf(
    metadata.getSignaturesList(),
    (item) => {
      const header = bytes(item.getSignatureHeader_asU8())
      return {
        identity: decode(common.SignatureHeader, header).getCreator_asU8(),
        content: Buffer.concat([metadata.getValue_asU8(), header, headerBytes(block)]),
        signature: item.getSignature_asU8(),
      }
    },
    membership,
  )
}

function isSigned(block: Block, { membership, policy }: BlockCheckOptions): boolean {
  try {
    return holds(policy, blockSigners(block, membership))
  } catch {
    return false
  }
}

function channelOf(envelope: Buffer | undefined): string | undefined {
  try {
    return envelope === undefined ? undefined : readEnvelope(envelope).header.channel
  } catch {
    return undefined
  }
}

const isCanonical = (envelope: Buffer): boolean => canonicalEnvelope(envelope)?.equals(envelope) === true

/**
 * Checks a block that an orderer has handed over, before its transactions are looked at (VerifyBlock of
 * internal/peer/gossip/mcs.go). The genesis block is signed by nobody; it is compared with the configuration instead.
 * That the block follows the last one is checked where it is appended.
 * Errors: Error naming what is wrong; the peer must not go on with such a block.
 */
export function checkBlock(block: Block, number: number, options: BlockCheckOptions): void {
  if (block.number !== number) throw new Error(`the orderer gave block ${block.number} for block ${number}`)
  if (channelOf(block.envelopes[0]) !== options.channel)
    throw new Error(`block ${number} is not of channel ${options.channel}`)
  if (!dataHashOf(block.envelopes).equals(block.dataHash))
    throw new Error(`block ${number} does not hold what its header says`)
  if (number === 0) return
  const malformed = block.envelopes.findIndex((envelope) => !isCanonical(envelope))
  if (malformed >= 0) throw new Error(`block ${number} has a malformed transaction ${malformed}`)
  if (!isSigned(block, options)) throw new Error(`no orderer has signed block ${number}`)
}

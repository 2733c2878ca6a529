import { transactionId } from '../../fabric/digest.ts'
import { IdentityError, type Member, type Membership } from '../msp/membership.ts'
import { holds, type MetaPolicy, type Policy } from '../../fabric/policy.ts'
import { bytes, common, decode, peer } from '../../fabric/message.ts'
import { noneSatisfied, senderExpiry } from './access.ts'

/** A proposal that a client has signed, taken apart. */
export interface Proposal {
  readonly signedProposal: Buffer
  readonly proposalBytes: Buffer
  readonly signature: Buffer
  readonly channelHeader: Buffer
  readonly signatureHeader: Buffer
  readonly type: number
  readonly epoch: number
  readonly channel: string
  readonly transactionId: string
  readonly creator: Buffer
  readonly nonce: Buffer
  readonly chaincode: string
  /** `protos.ChaincodeInvocationSpec` as it was sent. */
  readonly invocation: Buffer
  readonly input: peer.ChaincodeInput
}

/** A proposal that cannot be considered: the call fails with Fabric's text instead of an answer. */
export class ProposalError extends Error {}

/** Errors: {@link ProposalError} with the texts of Fabric's endorser.UnpackProposal. */
export function readProposal(signedProposal: Buffer): Proposal {
  try {
    const signed = decode(peer.SignedProposal, signedProposal)
    const proposalBytes = bytes(signed.getProposalBytes_asU8())
    const proposal = decode(peer.Proposal, proposalBytes)
    const header = decode(common.Header, proposal.getHeader_asU8())
    const channelHeader = bytes(header.getChannelHeader_asU8())
    const signatureHeader = bytes(header.getSignatureHeader_asU8())
    const onChannel = decode(common.ChannelHeader, channelHeader)
    const ofSigner = decode(common.SignatureHeader, signatureHeader)
    const extension = decode(peer.ChaincodeHeaderExtension, onChannel.getExtension_asU8())
    const invocation = bytes(
      decode(peer.ChaincodeProposalPayload, proposal.getPayload_asU8()).getInput_asU8(),
    )
    const input = decode(peer.ChaincodeInvocationSpec, invocation).getChaincodeSpec()?.getInput()
    const chaincode = extension.getChaincodeId()?.getName() ?? ''
    if (chaincode === '') throw new ProposalError('ChaincodeHeaderExtension.ChaincodeId.Name is empty')
    if (input === undefined) throw new ProposalError('chaincode input did not contain any input')
    return {
      signedProposal,
      proposalBytes,
      signature: bytes(signed.getSignature_asU8()),
      channelHeader,
      signatureHeader,
      type: onChannel.getType(),
      epoch: onChannel.getEpoch(),
      channel: onChannel.getChannelId(),
      transactionId: onChannel.getTxId(),
      creator: bytes(ofSigner.getCreator_asU8()),
      nonce: bytes(ofSigner.getNonce_asU8()),
      chaincode,
      invocation,
      input,
    }
  } catch (error) {
    if (error instanceof ProposalError) throw error
    throw new ProposalError(`error unmarshalling proposal: ${(error as Error).message}`)
  }
}

const invalid = (reason: string): ProposalError => new ProposalError(`error validating proposal: ${reason}`)

function checkForm({ type, epoch, nonce, creator, transactionId: id }: Proposal): void {
  if (type !== common.HeaderType.ENDORSER_TRANSACTION && type !== common.HeaderType.CONFIG)
    throw invalid(`invalid header type ${type}`)
  if (epoch !== 0) throw invalid('epoch is non-zero')
  if (nonce.length === 0) throw invalid('nonce is empty')
  if (creator.length === 0) throw invalid('creator is empty')
  const expected = transactionId(nonce, creator)
  if (id !== expected) throw invalid(`incorrectly computed txid '${id}' -- expected '${expected}'`)
}

function identify({ creator, channel }: Proposal, membership: Membership): Member {
  try {
    return membership.identify(creator)
  } catch (error) {
    const mspId = error instanceof IdentityError ? error.mspId : undefined
    const isKnown = mspId !== undefined && membership.mspIds.has(mspId)
    throw invalid(
      isKnown
        ? `access denied: channel [${channel}] creator org [${mspId}]`
        : `access denied: channel [${channel}] creator org unknown, creator is malformed`,
    )
  }
}

/** Errors: {@link ProposalError} when the sender's certificate does not hold now; asked before everything else. */
export function checkExpiry({ creator }: Proposal, membership: Membership, now: number): void {
  const expiry = senderExpiry(creator, membership, now)
  if (expiry !== undefined) throw new ProposalError(`proposal client ${expiry}`)
}

/**
 * Checks who sent a proposal: its form, transaction id, certificate and signature (Fabric's endorser.preProcess).
 * Errors: {@link ProposalError} with Fabric's texts.
 */
export function checkProposal(proposal: Proposal, membership: Membership): Member {
  checkForm(proposal)
  const member = identify(proposal, membership)
  if (!membership.verify(member, proposal.proposalBytes, proposal.signature))
    throw invalid(`access denied: channel [${proposal.channel}] creator org [${member.mspId}]`)
  return member
}

/** Fabric's ACL `peer/Propose`. Errors: {@link ProposalError} when the member is no writer of the channel. */
export function checkWriter(member: Member, channel: string, writers: Policy | MetaPolicy): void {
  if (!holds(writers, [member]))
    throw new ProposalError(
      `Failed evaluating policy on signed data during check policy on channel [${channel}] with policy [/Channel/Application/Writers]: [${noneSatisfied('Writers')}]`,
    )
}

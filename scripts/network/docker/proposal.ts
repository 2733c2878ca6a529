import { randomBytes } from 'node:crypto'
import { transactionId } from '../fabric/digest.ts'
import {
  build,
  bytes,
  common,
  decode,
  encode,
  encoded,
  orderer,
  peer,
  timestampOf,
} from '../fabric/message.ts'
import type { Signer } from '../fabric/signer.ts'

/** What a chaincode is asked to do: the name of its function first, then the arguments. */
export interface Call {
  /** Empty for what concerns a node and no channel. */
  readonly channel: string
  readonly chaincode: string
  readonly args: readonly Uint8Array[]
}

/** A call signed by who makes it, and what becomes part of its transaction. */
export interface SignedCall {
  readonly transactionId: string
  /** `protos.SignedProposal`. */
  readonly proposal: Buffer
  readonly header: common.Header
  readonly payload: Buffer
}

/** `now` is in milliseconds since 1970 (UTC). */
export function signCall({ channel, chaincode, args }: Call, signer: Signer, now: number): SignedCall {
  const nonce = randomBytes(24)
  const id = transactionId(nonce, signer.identity)
  const chaincodeId = build(peer.ChaincodeID, { name: chaincode })
  const header = build(common.Header, {
    channelHeader: encoded(common.ChannelHeader, {
      type: common.HeaderType.ENDORSER_TRANSACTION,
      channelId: channel,
      txId: id,
      timestamp: timestampOf(now),
      extension$: encoded(peer.ChaincodeHeaderExtension, { chaincodeId }),
    }),
    signatureHeader: encoded(common.SignatureHeader, { creator: signer.identity, nonce }),
  })
  const chaincodeSpec = build(peer.ChaincodeSpec, {
    type: peer.ChaincodeSpec.Type.GOLANG,
    chaincodeId,
    input: build(peer.ChaincodeInput, { argsList: [...args] }),
  })
  const payload = encoded(peer.ChaincodeProposalPayload, {
    input: encoded(peer.ChaincodeInvocationSpec, { chaincodeSpec }),
  })
  const proposalBytes = encoded(peer.Proposal, { header: encode(header), payload })
  const signature = signer.sign(proposalBytes)
  return {
    transactionId: id,
    proposal: encoded(peer.SignedProposal, { proposalBytes, signature }),
    header,
    payload,
  }
}

/** A peer's answer that is not a success: its own words, which name no person. */
export class PeerRefusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'PeerRefusal'
    this.status = status
  }
}

/** The payload of a peer's answer (`protos.ProposalResponse`). Errors: {@link PeerRefusal}. */
export function payloadOf(answer: Uint8Array): Buffer {
  const response = decode(peer.ProposalResponse, answer).getResponse()
  const status = response?.getStatus() ?? 0
  if (response === undefined || status < 200 || status >= 400)
    throw new PeerRefusal(status, response?.getMessage() ?? 'the peer gave no answer')
  return bytes(response.getPayload_asU8())
}

/**
 * The transaction of a call that several peers have endorsed, signed by who made it: `common.Envelope`. Errors: when the
 * peers' results are not the same.
 */
export function envelopeOf(call: SignedCall, answers: readonly Uint8Array[], signer: Signer): Buffer {
  const responses = answers.map((answer) => decode(peer.ProposalResponse, answer))
  const [first, ...others] = responses.map((response) => bytes(response.getPayload_asU8()))
  if (first === undefined || others.some((other) => !other.equals(first)))
    throw new Error('the peers came to different results: they may run different versions')
  const endorsementsList = responses.flatMap((response) => response.getEndorsement() ?? [])
  const item = build(peer.TransactionAction, {
    header: bytes(call.header.getSignatureHeader_asU8()),
    payload: encoded(peer.ChaincodeActionPayload, {
      chaincodeProposalPayload: call.payload,
      action: build(peer.ChaincodeEndorsedAction, { proposalResponsePayload: first, endorsementsList }),
    }),
  })
  const data = encoded(peer.Transaction, { actionsList: [item] })
  const payload = encoded(common.Payload, { header: call.header, data })
  return encoded(common.Envelope, { payload, signature: signer.sign(payload) })
}

/** Asks for the blocks of a channel from the first to a last one: a signed `common.Envelope` with `orderer.SeekInfo`. */
export function seekEnvelope(channel: string, last: number, signer: Signer, now: number): Buffer {
  const position = (number: number): orderer.SeekPosition =>
    build(orderer.SeekPosition, { specified: build(orderer.SeekSpecified, { number }) })
  const header = build(common.Header, {
    channelHeader: encoded(common.ChannelHeader, {
      type: common.HeaderType.DELIVER_SEEK_INFO,
      channelId: channel,
      timestamp: timestampOf(now),
    }),
    signatureHeader: encoded(common.SignatureHeader, { creator: signer.identity, nonce: randomBytes(24) }),
  })
  const data = encoded(orderer.SeekInfo, {
    start: position(0),
    stop: position(last),
    behavior: orderer.SeekInfo.SeekBehavior.FAIL_IF_NOT_READY,
  })
  const payload = encoded(common.Payload, { header, data })
  return encoded(common.Envelope, { payload, signature: signer.sign(payload) })
}

import { randomBytes } from 'node:crypto'
import { transactionId } from '../../../../../scripts/network/fabric/digest.ts'
import type { Signer } from '../../../../../scripts/network/fabric/signer.ts'
import {
  build,
  common,
  encoded,
  orderer,
  peer,
  timestampOf,
} from '../../../../../scripts/network/fabric/message.ts'
import { extensionOf } from './forge.ts'

export interface ProposalForgery {
  readonly creator: Signer
  readonly named?: Buffer
  readonly channel?: string
  readonly type?: number
  readonly nonce?: Buffer
  readonly transactionId?: string
  readonly chaincode?: string
  readonly args?: readonly string[]
}

/** `protos.SignedProposal`. */
export function proposalOf(forgery: ProposalForgery): Buffer {
  const { creator, nonce = randomBytes(24), named = creator.identity, chaincode = 'medledger' } = forgery
  const channelHeader = encoded(common.ChannelHeader, {
    type: forgery.type ?? common.HeaderType.ENDORSER_TRANSACTION,
    channelId: forgery.channel ?? 'medledger',
    txId: forgery.transactionId ?? transactionId(nonce, named),
    timestamp: timestampOf(Date.now()),
    extension$: extensionOf(chaincode),
  })
  const argsList = (forgery.args ?? ['get']).map((text) => Buffer.from(text))
  const input = encoded(peer.ChaincodeInvocationSpec, {
    chaincodeSpec: build(peer.ChaincodeSpec, { input: build(peer.ChaincodeInput, { argsList }) }),
  })
  const proposalBytes = encoded(peer.Proposal, {
    header: encoded(common.Header, {
      channelHeader,
      signatureHeader: encoded(common.SignatureHeader, { creator: named, nonce }),
    }),
    payload: encoded(peer.ChaincodeProposalPayload, { input }),
  })
  return encoded(peer.SignedProposal, { proposalBytes, signature: creator.sign(proposalBytes) })
}

export interface SeekForgery {
  readonly creator: Signer
  readonly channel?: string
  readonly at?: number
  readonly last?: number
  readonly isEmpty?: boolean
}

const positionOf = (number: number): orderer.SeekPosition =>
  build(orderer.SeekPosition, { specified: build(orderer.SeekSpecified, { number }) })

/** A request for the blocks from the first on. */
export function seekOf({
  creator,
  channel = 'medledger',
  at = Date.now(),
  last = 0,
  isEmpty,
}: SeekForgery): Buffer {
  const data =
    isEmpty === true
      ? Buffer.alloc(0)
      : encoded(orderer.SeekInfo, { start: positionOf(0), stop: positionOf(last) })
  const payload = encoded(common.Payload, {
    header: build(common.Header, {
      channelHeader: encoded(common.ChannelHeader, {
        type: common.HeaderType.DELIVER_SEEK_INFO,
        channelId: channel,
        timestamp: timestampOf(at),
      }),
      signatureHeader: encoded(common.SignatureHeader, { creator: creator.identity, nonce: randomBytes(24) }),
    }),
    data,
  })
  return encoded(common.Envelope, { payload, signature: creator.sign(payload) })
}

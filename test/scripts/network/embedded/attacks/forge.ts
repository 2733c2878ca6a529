import { randomBytes } from 'node:crypto'
import { sha256, transactionId } from '../../../../../scripts/network/fabric/digest.ts'
import type { Signer } from '../../../../../scripts/network/fabric/signer.ts'
import {
  build,
  common,
  encoded,
  kvrwset,
  peer,
  rwset,
  timestampOf,
} from '../../../../../scripts/network/fabric/message.ts'

/*
 * Transactions as a client of bad faith would make them: everything that an honest one holds can be said otherwise, at
 * the place where it would be changed.
 */

interface Endorsement {
  readonly endorser: Buffer
  readonly signature: Buffer
}

export interface Forgery {
  readonly creator: Signer
  readonly endorsers: readonly Signer[]
  readonly channel?: string
  readonly type?: number
  readonly epoch?: number
  readonly nonce?: Buffer
  /** The creator that the header names, instead of who signs. */
  readonly named?: Buffer
  readonly transactionId?: string
  readonly extension?: Buffer
  readonly chaincode?: string
  readonly version?: string
  readonly events?: Buffer
  readonly results?: Buffer
  /** `protos.ChaincodeAction` as a whole. */
  readonly action?: Buffer
  readonly proposalHash?: Buffer
  /** How often the one action is in the transaction. */
  readonly actions?: number
  /** Changes what was endorsed, after it was. */
  readonly afterEndorsing?: (endorsed: Buffer) => Buffer
  readonly endorsements?: (honest: readonly Endorsement[]) => readonly Endorsement[]
  /** Changes the payload after it was signed. */
  readonly afterSigning?: (payload: Buffer) => Buffer
  readonly signature?: (honest: Buffer) => Buffer
}

export interface Forged {
  readonly envelope: Buffer
  readonly transactionId: string
}

interface KeyValue {
  readonly key: string
  readonly value: string
}

/** `kvrwset.KVRWSet` that writes these. */
export const publicWrites = (...writes: readonly KeyValue[]): Buffer =>
  encoded(kvrwset.KVRWSet, {
    writesList: writes.map(({ key, value }) => build(kvrwset.KVWrite, { key, value: Buffer.from(value) })),
  })

/** `kvrwset.KVRWSet` that read a key as absent, or at a version. */
export const publicRead = (key: string, blockNum?: number): Buffer => {
  const version = blockNum === undefined ? undefined : build(kvrwset.Version, { blockNum })
  return encoded(kvrwset.KVRWSet, { readsList: [build(kvrwset.KVRead, { key, version })] })
}

/** What everybody sees of a private write. */
export function hashedWrite(collection: string, set: Buffer, { key, value }: KeyValue): Buffer {
  const keyHash = sha256(Buffer.from(key))
  const valueHash = sha256(Buffer.from(value))
  const hashedRwset = encoded(kvrwset.HashedRWSet, {
    hashedWritesList: [build(kvrwset.KVWriteHash, { keyHash, valueHash })],
  })
  return encoded(rwset.CollectionHashedReadWriteSet, {
    collectionName: collection,
    hashedRwset,
    pvtRwsetHash: sha256(set),
  })
}

interface NamespaceParts {
  readonly namespace: string
  readonly set?: Buffer
  readonly collections?: readonly Buffer[]
}

/** `rwset.TxReadWriteSet`. */
export const resultsOf = (...namespaces: readonly NamespaceParts[]): Buffer =>
  encoded(rwset.TxReadWriteSet, {
    nsRwsetList: namespaces.map(({ namespace, set = Buffer.alloc(0), collections = [] }) =>
      build(rwset.NsReadWriteSet, {
        namespace,
        rwset: set,
        collectionHashedRwsetList: collections.map((content) =>
          rwset.CollectionHashedReadWriteSet.deserializeBinary(content),
        ),
      }),
    ),
  })

export const extensionOf = (chaincode: string): Buffer =>
  encoded(peer.ChaincodeHeaderExtension, { chaincodeId: build(peer.ChaincodeID, { name: chaincode }) })

function endorsedOf(forgery: Forgery, headers: readonly Buffer[], proposal: Buffer): Buffer {
  const { chaincode = 'medledger', version = '1', results = Buffer.alloc(0), events } = forgery
  const action = encoded(peer.ChaincodeAction, {
    results,
    events,
    response: build(peer.Response, { status: 200 }),
    chaincodeId: build(peer.ChaincodeID, { name: chaincode, version }),
  })
  return encoded(peer.ProposalResponsePayload, {
    proposalHash: forgery.proposalHash ?? sha256(...headers, proposal),
    extension$: forgery.action ?? action,
  })
}

function transactionOf(forgery: Forgery, signatureHeader: Buffer, channelHeader: Buffer): Buffer {
  const { endorsers, actions = 1 } = forgery
  const proposal = encoded(peer.ChaincodeProposalPayload, { input: Buffer.from('input') })
  const endorsed = endorsedOf(forgery, [channelHeader, signatureHeader], proposal)
  const honest = endorsers.map((endorser) => ({
    endorser: endorser.identity,
    signature: endorser.sign(endorsed, endorser.identity),
  }))
  const action = build(peer.ChaincodeEndorsedAction, {
    proposalResponsePayload: forgery.afterEndorsing?.(endorsed) ?? endorsed,
    endorsementsList: (forgery.endorsements?.(honest) ?? honest).map((one) => build(peer.Endorsement, one)),
  })
  const item = build(peer.TransactionAction, {
    header: signatureHeader,
    payload: encoded(peer.ChaincodeActionPayload, { chaincodeProposalPayload: proposal, action }),
  })
  return encoded(peer.Transaction, { actionsList: Array.from({ length: actions }, () => item) })
}

function channelHeaderOf(forgery: Forgery, id: string): Buffer {
  const { type = common.HeaderType.ENDORSER_TRANSACTION, channel = 'medledger', epoch } = forgery
  return encoded(common.ChannelHeader, {
    type,
    channelId: channel,
    txId: id,
    epoch,
    timestamp: timestampOf(Date.now()),
    extension$: forgery.extension ?? extensionOf(forgery.chaincode ?? 'medledger'),
  })
}

/** An envelope, honest but for what the forgery says. */
export function forge(forgery: Forgery): Forged {
  const { creator, nonce = randomBytes(24), named = creator.identity } = forgery
  const id = forgery.transactionId ?? transactionId(nonce, named)
  const signatureHeader = encoded(common.SignatureHeader, { creator: named, nonce })
  const channelHeader = channelHeaderOf(forgery, id)
  const payload = encoded(common.Payload, {
    header: build(common.Header, { channelHeader, signatureHeader }),
    data: transactionOf(forgery, signatureHeader, channelHeader),
  })
  const signature = creator.sign(payload)
  return {
    transactionId: id,
    envelope: encoded(common.Envelope, {
      payload: forgery.afterSigning?.(payload) ?? payload,
      signature: forgery.signature?.(signature) ?? signature,
    }),
  }
}

import { createHash } from 'node:crypto'
import { blockHash, createBlock, encodeBlock, withMetadata } from '../../scripts/network/fabric/block.ts'
import {
  build,
  common,
  encode,
  encoded,
  kvrwset,
  type ledger,
  peer,
  rwset,
  wrap,
} from '../../scripts/network/fabric/message.ts'

export const sha256 = (content: Uint8Array | string): Buffer => createHash('sha256').update(content).digest()
export const hashOf = (content: Uint8Array | string): string => sha256(content).toString('hex')

/** What a transaction of a test does; a value that is undefined is a deletion. */
export interface Change {
  readonly key: string
  readonly value?: string | undefined
  /** Public state when undefined. */
  readonly collection?: string
  /** Its value is not with the peer. */
  readonly isMissing?: boolean
  /** Marked as a purge, as Fabric 2.5 does. */
  readonly isPurge?: boolean
}

export interface TransactionSample {
  readonly id: string
  /** The validation code; VALID when absent. */
  readonly code?: number
  readonly changes?: readonly Change[]
  readonly chaincode?: string
}

const writeOf = ({ key, value }: Change): ledger.rwset.kvrwset.KVWrite =>
  build(kvrwset.KVWrite, value === undefined ? { key, isDelete: true } : { key, value: Buffer.from(value) })

const hashedOf = ({ key, value, isPurge }: Change): ledger.rwset.kvrwset.KVWriteHash =>
  build(kvrwset.KVWriteHash, {
    keyHash: sha256(key),
    ...(value === undefined ? { isDelete: true } : { valueHash: sha256(value) }),
    ...(isPurge === true && { isPurge }),
  })

const byCollection = (changes: readonly Change[]): [string, Change[]][] => [
  ...Map.groupBy(
    changes.filter(({ collection }) => collection !== undefined),
    ({ collection = '' }) => collection,
  ),
]

/** An endorser transaction's envelope, without a signature: whoever follows blocks leaves those to the peers. */
export function envelopeOf({ id, changes = [], chaincode = 'medledger' }: TransactionSample): Buffer {
  const publicWrites = changes.filter(({ collection }) => collection === undefined).map(writeOf)
  const collectionHashedRwsetList = byCollection(changes).map(([collectionName, of]) =>
    build(rwset.CollectionHashedReadWriteSet, {
      collectionName,
      hashedRwset: encoded(kvrwset.HashedRWSet, { hashedWritesList: of.map(hashedOf) }),
    }),
  )
  const nsRwset = build(rwset.NsReadWriteSet, {
    namespace: chaincode,
    rwset: encoded(kvrwset.KVRWSet, { writesList: publicWrites }),
    collectionHashedRwsetList,
  })
  const results = encoded(rwset.TxReadWriteSet, { nsRwsetList: [nsRwset] })
  const proposalResponsePayload = encoded(peer.ProposalResponsePayload, {
    proposalHash: sha256(id),
    extension$: encoded(peer.ChaincodeAction, { results }),
  })
  const action = build(peer.ChaincodeEndorsedAction, { proposalResponsePayload })
  const payload = encoded(peer.ChaincodeActionPayload, { action })
  const channelHeader = encoded(common.ChannelHeader, { type: 3, channelId: 'records', txId: id })
  return encoded(common.Envelope, {
    payload: encoded(common.Payload, {
      header: build(common.Header, { channelHeader, signatureHeader: Buffer.from('creator') }),
      data: encoded(peer.Transaction, {
        actionsList: [build(peer.TransactionAction, { payload })],
      }),
    }),
  })
}

function privateSetsOf({ changes = [], chaincode = 'medledger' }: TransactionSample): Buffer | undefined {
  const sets = byCollection(changes.filter(({ isMissing, isPurge }) => !isMissing && !isPurge))
  if (sets.length === 0) return undefined
  const collectionPvtRwsetList = sets.map(([collectionName, of]) =>
    build(rwset.CollectionPvtReadWriteSet, {
      collectionName,
      rwset: encoded(kvrwset.KVRWSet, { writesList: of.map(writeOf) }),
    }),
  )
  const namespace = build(rwset.NsPvtReadWriteSet, { namespace: chaincode, collectionPvtRwsetList })
  return encoded(rwset.TxPvtReadWriteSet, { nsPvtRwsetList: [namespace] })
}

export interface BlockSample {
  readonly number: number
  /** The bytes of the block's hash before it. */
  readonly previousHash?: Buffer
  readonly transactions: readonly (TransactionSample | { readonly bytes: Buffer; readonly code: number })[]
}

const filter = 2

/** A `BlockAndPrivateData` as a peer delivers it, and the block's hash. */
export function deliveredOf({ number, previousHash = Buffer.alloc(0), transactions }: BlockSample): {
  readonly content: Buffer
  readonly hash: Buffer
} {
  const envelopes = transactions.map((each) => ('bytes' in each ? each.bytes : envelopeOf(each)))
  const codes = Buffer.from(transactions.map(({ code = 0 }) => code))
  const block = createBlock(number, previousHash, envelopes)
  const message = new peer.BlockAndPrivateData()
  for (const [index, each] of transactions.entries()) {
    const sets = 'bytes' in each ? undefined : privateSetsOf(each)
    if (sets !== undefined)
      message.getPrivateDataMapMap().set(index, rwset.TxPvtReadWriteSet.deserializeBinary(sets))
  }
  return {
    content: Buffer.concat([wrap(1, encodeBlock(withMetadata(block, filter, codes))), encode(message)]),
    hash: blockHash(block),
  }
}

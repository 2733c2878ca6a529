import { decodeBlock, validationCodesOf, type Block } from '../../fabric/block.ts'
import { toPrivateMessage } from '../ledger/private-data.ts'
import { isEndorserTransaction, readTransaction, type Transaction } from '../ledger/transaction.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { build, encode, encoded, peer, wrap } from '../../fabric/message.ts'

/** `DeliverResponse` with the whole block; the field has the same number for peers and orderers. */
export const blockAnswer = (block: Buffer): Buffer => wrap(2, block)

type FilteredType = ReturnType<peer.FilteredTransaction['getType']>
type FilteredCode = ReturnType<peer.FilteredTransaction['getTxValidationCode']>

function toActions({ header, action }: Transaction): peer.FilteredTransactionActions {
  if (header === undefined || action?.eventName === undefined) return new peer.FilteredTransactionActions()
  const chaincodeEvent = build(peer.ChaincodeEvent, {
    chaincodeId: action.chaincode,
    txId: header.transactionId,
    eventName: action.eventName,
  })
  const chaincodeActionsList = [build(peer.FilteredChaincodeAction, { chaincodeEvent })]
  return build(peer.FilteredTransactionActions, { chaincodeActionsList })
}

function toFiltered(transaction: Transaction, code: number): peer.FilteredTransaction {
  const { header } = transaction
  const filtered = build(peer.FilteredTransaction, { txValidationCode: code as FilteredCode })
  if (header === undefined) return filtered
  filtered.setTxid(header.transactionId)
  filtered.setType(header.type as FilteredType)
  if (isEndorserTransaction(transaction)) filtered.setTransactionActions(toActions(transaction))
  return filtered
}

function encodeFiltered(channelId: string, block: Block): Buffer {
  const codes = validationCodesOf(block)
  const filteredTransactionsList = block.envelopes.map((envelope, index) =>
    toFiltered(readTransaction(envelope), codes[index] ?? 0),
  )
  return encoded(peer.DeliverResponse, {
    filteredBlock: build(peer.FilteredBlock, { channelId, number: block.number, filteredTransactionsList }),
  })
}

const filteredCacheLimit = 64

/** `DeliverResponse` with a filtered block: ids, codes and event names. The newest are kept for other subscribers. */
export function createFilteredAnswer(channel: string): (block: Buffer) => Buffer {
  const cache = new Map<number, Buffer>()
  return (content) => {
    const block = decodeBlock(content)
    const found = cache.get(block.number)
    if (found !== undefined) return found
    const answer = encodeFiltered(channel, block)
    const [oldest] = cache.keys()
    if (cache.size >= filteredCacheLimit && oldest !== undefined) cache.delete(oldest)
    cache.set(block.number, answer)
    return answer
  }
}

/**
 * `DeliverResponse` with a block and what the peer holds of a chaincode's private data. As at Fabric's peers, a collection is kept
 * from other organisations' clients only where it is `memberOnlyRead` (core/peer/deliverevents.go); by the definition in force.
 */
export const createPrivateAnswer =
  (chaincode: string, { definitionOf, privateData }: Pick<Ledger, 'definitionOf' | 'privateData'>) =>
  (content: Buffer, mspId: string): Buffer => {
    const message = new peer.BlockAndPrivateData()
    const isVisible = (name: string): boolean => {
      const collection = definitionOf(chaincode)?.collections.get(name)
      return collection?.memberOnlyRead === false || collection?.members.has(mspId) === true
    }
    for (const [transaction, sets] of privateData(decodeBlock(content).number)) {
      const visible = new Map([...sets].filter(([collection]) => isVisible(collection)))
      if (visible.size > 0)
        message.getPrivateDataMapMap().set(transaction, toPrivateMessage(chaincode, visible))
    }
    return wrap(4, Buffer.concat([wrap(1, content), encode(message)]))
  }

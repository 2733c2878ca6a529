import { decodeBlock } from '../../fabric/block.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { build, common, decode, encoded, peer } from '../../fabric/message.ts'

/** The part of Fabric's query system chaincode (core/scc/qscc) that clients of this network use. */
export const systemChaincodeName = 'qscc'

const success = (payload: Buffer): peer.Response => build(peer.Response, { status: 200, payload })
const failure = (message: string): peer.Response => build(peer.Response, { status: 500, message })

type Query = (ledger: Ledger, argument: string) => peer.Response

const noSuchTransaction = (id: string): peer.Response =>
  failure(`Failed to get transaction with id ${id}, error no such transaction ID [${id}] in index`)

function chainInfo({ blocks }: Ledger): peer.Response {
  const previousblockhash = blocks.lastBlock?.previousHash
  const { height, lastHash } = blocks
  return success(encoded(common.BlockchainInfo, { height, currentblockhash: lastHash, previousblockhash }))
}

function blockByNumber({ blocks }: Ledger, argument: string): peer.Response {
  const number = Number(argument)
  if (!/^[0-9]{1,15}$/.test(argument) || number >= blocks.height)
    return failure(
      `Failed to get block number ${argument}, error no such block number [${argument}] in index`,
    )
  return success(blocks.read(number))
}

function blockByTransaction({ blocks, transactions }: Ledger, id: string): peer.Response {
  const position = transactions.find(id)
  return position === undefined ? noSuchTransaction(id) : success(blocks.read(position.block))
}

function transactionById({ blocks, transactions }: Ledger, id: string): peer.Response {
  const position = transactions.find(id)
  if (position === undefined) return noSuchTransaction(id)
  const envelope = decodeBlock(blocks.read(position.block)).envelopes[position.index]
  return success(
    encoded(peer.ProcessedTransaction, {
      transactionenvelope: decode(common.Envelope, envelope ?? Buffer.alloc(0)),
      validationcode: position.code,
    }),
  )
}

const queries: Readonly<Record<string, Query>> = {
  GetChainInfo: chainInfo,
  GetBlockByNumber: blockByNumber,
  GetBlockByTxID: blockByTransaction,
  GetTransactionByID: transactionById,
}

/** Answers a query. The arguments are the function, the channel, and a number or a transaction id. */
export function querySystem(ledger: Ledger, channel: string, args: readonly Uint8Array[]): peer.Response {
  const [name = '', about = '', argument = ''] = args.map((value) => Buffer.from(value).toString())
  if (about !== channel) return failure(`Invalid chain ID, ${about}`)
  const query = Object.hasOwn(queries, name) ? queries[name] : undefined
  return query === undefined ? failure(`Requested function ${name} not found.`) : query(ledger, argument)
}

import { bytesAt, int32At, messageAt, numberAt, readFields } from './protobuf.ts'

/**
 * What the chaincode returned, from the bytes that an endorser signed: ProposalResponsePayload.extension (2) is a
 * ChaincodeAction, its response (3) has the payload (3). The copy beside it in the peer's answer is not signed.
 */
export function endorsedResult(proposalResponsePayload: Uint8Array): Uint8Array {
  const action = readFields(bytesAt(readFields(proposalResponsePayload), 2))
  return bytesAt(readFields(messageAt(action, 3)), 3)
}

/** A message whose fields all have bytes, at most one of each number up to 15. */
export function writeFields(fields: Readonly<Record<number, Uint8Array>>): Buffer {
  const parts = Object.entries(fields).flatMap(([number, content]) => [
    Buffer.from([Number(number) * 8 + 2]),
    varintOf(content.length),
    content,
  ])
  return Buffer.concat(parts)
}

function varintOf(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 0x80)
  return Buffer.from([...bytes, rest])
}

/** The MSP id (1) and the certificate in PEM (2) of a SerializedIdentity (msp/identities.proto). */
export function identityIn(serialized: Uint8Array): {
  readonly mspId: string
  readonly certificate: Uint8Array
} {
  const fields = readFields(serialized)
  return { mspId: Buffer.from(bytesAt(fields, 1)).toString('utf8'), certificate: bytesAt(fields, 2) }
}

/** The validation code (2) of a ProcessedTransaction, what qscc's GetTransactionByID returns. */
export const validationCodeOf = (processedTransaction: Uint8Array): number =>
  int32At(readFields(processedTransaction), 2)

/** The height (1) of a BlockchainInfo, what qscc's GetChainInfo returns. */
export const chainHeightOf = (blockchainInfo: Uint8Array): number => numberAt(readFields(blockchainInfo), 1)

/** The number (1) in the header (1) of a Block, what qscc's GetBlockByTxID returns. */
export const blockNumberOf = (block: Uint8Array): number =>
  numberAt(readFields(messageAt(readFields(block), 1)), 1)

/** Fabric's TxValidationCode (peer/transaction.proto); the SDK gives now the number, now the name. */
const validationCodes: Readonly<Record<number, string>> = {
  0: 'VALID',
  1: 'NIL_ENVELOPE',
  2: 'BAD_PAYLOAD',
  3: 'BAD_COMMON_HEADER',
  4: 'BAD_CREATOR_SIGNATURE',
  5: 'INVALID_ENDORSER_TRANSACTION',
  6: 'INVALID_CONFIG_TRANSACTION',
  7: 'UNSUPPORTED_TX_PAYLOAD',
  8: 'BAD_PROPOSAL_TXID',
  9: 'DUPLICATE_TXID',
  10: 'ENDORSEMENT_POLICY_FAILURE',
  11: 'MVCC_READ_CONFLICT',
  12: 'PHANTOM_READ_CONFLICT',
  13: 'UNKNOWN_TX_TYPE',
  14: 'TARGET_CHAIN_NOT_FOUND',
  15: 'MARSHAL_TX_ERROR',
  16: 'NIL_TXACTION',
  17: 'EXPIRED_CHAINCODE',
  18: 'CHAINCODE_VERSION_CONFLICT',
  19: 'BAD_HEADER_EXTENSION',
  20: 'BAD_CHANNEL_HEADER',
  21: 'BAD_RESPONSE_PAYLOAD',
  22: 'BAD_RWSET',
  23: 'ILLEGAL_WRITESET',
  24: 'INVALID_WRITESET',
  25: 'INVALID_CHAINCODE',
  254: 'NOT_VALIDATED',
  255: 'INVALID_OTHER_REASON',
}

export const validationCodeName = (code: number | string): string =>
  typeof code === 'string' ? code : (validationCodes[code] ?? `CODE_${code}`)

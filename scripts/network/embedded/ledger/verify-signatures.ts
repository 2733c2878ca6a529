import type { Membership } from '../msp/membership.ts'
import { signersOf } from '../msp/signers.ts'
import type { Principal } from '../../fabric/policy.ts'
import { readTransaction, type Action, type Transaction } from './transaction.ts'

/** A transaction with what its signatures say, which is the same for every peer. */
export interface CheckedTransaction extends Transaction {
  readonly isCreatorValid: boolean
  /** The distinct endorsers whose signatures hold. */
  readonly endorsers: readonly Principal[]
}

function checkCreator({ header }: Transaction, membership: Membership): boolean {
  if (header === undefined) return false
  try {
    return membership.verify(membership.identify(header.creator), header.payload, header.signature)
  } catch {
    return false
  }
}

const checkEndorsers = ({ endorsed, endorsements }: Action, membership: Membership): Principal[] =>
  signersOf(
    endorsements,
    ({ endorser, signature }) => ({
      identity: endorser,
      content: Buffer.concat([endorsed, endorser]),
      signature,
    }),
    membership,
  )

/** Reads a transaction and checks its signatures: the costly part of validation, done once for all peers. */
export function checkTransaction(envelope: Buffer, membership: Membership): CheckedTransaction {
  const transaction = readTransaction(envelope)
  const { action } = transaction
  return {
    ...transaction,
    isCreatorValid: checkCreator(transaction, membership),
    endorsers: action === undefined ? [] : checkEndorsers(action, membership),
  }
}

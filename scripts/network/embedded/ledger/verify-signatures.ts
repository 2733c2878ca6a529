import type { Membership } from '../msp/membership.ts'
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

function checkEndorsers({ endorsed, endorsements }: Action, membership: Membership): Principal[] {
  const distinct = new Map<string, Principal>()
  for (const { endorser, signature } of endorsements) {
    try {
      const member = membership.identify(endorser)
      // One certificate can be written in many ways, and is one endorser still (SignatureSetToValidIdentities).
      const key = `${member.mspId} ${member.certificate.fingerprint256}`
      if (distinct.has(key)) continue
      if (membership.verify(member, Buffer.concat([endorsed, endorser]), signature)) distinct.set(key, member)
    } catch {
      // An endorser that no MSP vouches for counts for nothing, as in Fabric's cauthdsl.
    }
  }
  return [...distinct.values()]
}

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

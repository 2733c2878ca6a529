import { holds } from '../msp/policy.ts'
import type { Definition } from './definition.ts'
import { hashedSpace, publicSpace } from './keys.ts'
import type { NamespaceSet, Read, Write } from './read-write-set.ts'
import { sameVersion, type StateView, type StateWrite } from './state.ts'
import { isEndorserTransaction, type Action, type EnvelopeHeader, type Transaction } from './transaction.ts'
import { code, type ValidationCode } from './validation-code.ts'
import type { CheckedTransaction } from './verify-signatures.ts'

/** What validation knows of the chain besides the block. */
export interface ValidationContext {
  readonly channel: string
  readonly definitions: ReadonlyMap<string, Definition>
  readonly state: StateView
  hasTransaction(transactionId: string): boolean
}

/** Faults of form that Fabric finds before it looks at the creator's signature. */
const beforeSignature: ReadonlySet<ValidationCode> = new Set([
  code.NIL_ENVELOPE,
  code.BAD_PAYLOAD,
  code.BAD_COMMON_HEADER,
])

/** Faults of form that Fabric finds before it looks for the transaction id on the ledger. */
const beforeDuplicate: ReadonlySet<ValidationCode> = new Set([
  code.UNSUPPORTED_TX_PAYLOAD,
  code.BAD_PROPOSAL_TXID,
  code.INVALID_ENDORSER_TRANSACTION,
])

const isWriting = ({ writes, collections }: NamespaceSet): boolean =>
  writes.length > 0 || collections.some((collection) => collection.writes.length > 0)

/**
 * Whether those endorsed whom the policies ask for: the chaincode's policy for public writes and for a transaction
 * that writes nothing, each collection's own policy for what is written there (Fabric's validator_keylevel.go).
 */
function isEndorsed(
  action: Action,
  endorsers: CheckedTransaction['endorsers'],
  definition: Definition,
): boolean {
  const own = action.namespaces.filter(({ namespace }) => namespace === definition.name)
  const written = own.flatMap(({ collections }) => collections.filter(({ writes }) => writes.length > 0))
  const needsChaincodePolicy = own.some(({ writes }) => writes.length > 0) || written.length === 0
  if (needsChaincodePolicy && !holds(definition.policy, endorsers)) return false
  return written.every(({ collection }) => {
    const policy = definition.collections.get(collection)?.policy
    return policy !== undefined && holds(policy, endorsers)
  })
}

function judgeAction(transaction: CheckedTransaction, context: ValidationContext): ValidationCode {
  const { action, endorsers } = transaction
  if (action === undefined) return code.INVALID_ENDORSER_TRANSACTION
  const definition = context.definitions.get(action.chaincode)
  if (definition === undefined) return code.INVALID_CHAINCODE
  if (definition.version !== action.chaincodeVersion) return code.EXPIRED_CHAINCODE
  const isForeign = action.namespaces.some((set) => set.namespace !== definition.name && isWriting(set))
  if (isForeign) return code.INVALID_CHAINCODE
  return isEndorsed(action, endorsers, definition) ? code.VALID : code.ENDORSEMENT_POLICY_FAILURE
}

/** What the id says: of which channel the transaction is, and whether the ledger has it already. */
function judgeIdentity(header: EnvelopeHeader, context: ValidationContext): ValidationCode {
  if (header.channel !== context.channel) return code.TARGET_CHAIN_NOT_FOUND
  return context.hasTransaction(header.transactionId) ? code.DUPLICATE_TXID : code.VALID
}

/** Form, signatures and endorsements of one transaction, in Fabric's order (txvalidator/v20). */
function judge(transaction: CheckedTransaction, context: ValidationContext): ValidationCode {
  const { header, fault = code.VALID, isCreatorValid } = transaction
  if (header === undefined || beforeSignature.has(fault)) return fault
  // The only configuration block is the genesis block, which each peer has been given and compared at its start.
  if (!isEndorserTransaction(transaction) && fault === code.VALID) return code.VALID
  if (!isCreatorValid) return code.BAD_CREATOR_SIGNATURE
  if (beforeDuplicate.has(fault)) return fault
  const identity = judgeIdentity(header, context)
  if (identity !== code.VALID) return identity
  return fault === code.VALID ? judgeAction(transaction, context) : fault
}

/** Every read or write of a transaction with the space of the state that it touches. */
const touched = <T extends Read | Write>(
  namespaces: readonly NamespaceSet[],
  itemsOf: (set: { readonly reads: readonly Read[]; readonly writes: readonly Write[] }) => readonly T[],
): Array<readonly [space: string, item: T]> =>
  namespaces.flatMap((set) => [
    ...itemsOf(set).map((item) => [publicSpace(set.namespace), item] as const),
    ...set.collections.flatMap((collection) =>
      itemsOf(collection).map((item) => [hashedSpace(set.namespace, collection.collection), item] as const),
    ),
  ])

/** What the valid transactions of a block write, in their order: public values and hashes of private ones. */
export function writesOf(
  block: number,
  transactions: readonly Transaction[],
  codes: readonly number[],
): readonly StateWrite[] {
  return transactions.flatMap(({ action }, transaction) => {
    if (codes[transaction] !== code.VALID || action === undefined) return []
    const version = { block, transaction }
    return touched(action.namespaces, ({ writes }) => writes).map(([space, { key, value }]) => ({
      space,
      key,
      entry: value === undefined ? undefined : { value, version },
    }))
  })
}

/**
 * Validates a block and gives the code of each transaction. Pure: the same block on the same state has the same codes
 * on every peer, for ever. First each transaction by itself, then transaction ids used twice in the block, then reads
 * that are stale, in the state or because an earlier valid transaction of the block wrote the key.
 */
export function validateBlock(
  transactions: readonly CheckedTransaction[],
  context: ValidationContext,
): readonly ValidationCode[] {
  const seen = new Set<string>()
  const written = new Set<string>()
  const place = (space: string, key: string): string => `${space}\0${key}`
  const isStale = ([space, { key, version }]: readonly [string, Read]): boolean =>
    written.has(place(space, key)) || !sameVersion(context.state.get(space, key)?.version, version)

  return transactions.map((transaction) => {
    const judged = judge(transaction, context)
    const { header, action } = transaction
    if (judged !== code.VALID || header === undefined || action === undefined) return judged
    if (seen.has(header.transactionId)) return code.DUPLICATE_TXID
    seen.add(header.transactionId)
    if (touched(action.namespaces, ({ reads }) => reads).some(isStale)) return code.MVCC_READ_CONFLICT
    for (const [space, { key }] of touched(action.namespaces, ({ writes }) => writes))
      written.add(place(space, key))
    return code.VALID
  })
}

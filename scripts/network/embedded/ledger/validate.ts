import { hashedSpace, publicSpace } from './keys.ts'
import { judgeEndorsements, type EndorsementContext } from './endorsements.ts'
import { checkConfiguration } from '../configuration/transaction.ts'
import type { NamespaceSet, Read, Write } from './read-write-set.ts'
import { isUnchanged } from './range-query.ts'
import { sameVersion, type StateView, type StateWrite, type Version, type Versioned } from './state.ts'
import { isEndorserTransaction, type Action, type Transaction } from './transaction.ts'
import { code, type ValidationCode } from './validation-code.ts'
import type { CheckedTransaction } from './verify-signatures.ts'

/** What validation knows of the chain besides the block. */
export interface ValidationContext extends EndorsementContext {
  /** Number of the block. There is no configuration before the genesis block. */
  readonly block: number
  readonly channel: string
  readonly state: StateView
  hasTransaction(transactionId: string): boolean
}

/** Faults of form that Fabric finds before it looks at the creator's signature. */
const beforeSignature: ReadonlySet<ValidationCode> = new Set([code.BAD_PAYLOAD, code.BAD_COMMON_HEADER])

/** Faults of form that Fabric finds before it looks for the transaction id on the ledger. */
const beforeDuplicate: ReadonlySet<ValidationCode> = new Set([
  code.UNSUPPORTED_TX_PAYLOAD,
  code.BAD_PROPOSAL_TXID,
  code.INVALID_ENDORSER_TRANSACTION,
])

/**
 * The genesis block's configuration is what each peer has been given, and has compared at its start.
 * Errors: when a later one does not follow from the one in force: a peer must not go on as if it had not been there.
 */
function judgeConfiguration(
  { header, envelope, isCreatorValid }: CheckedTransaction,
  context: ValidationContext,
): ValidationCode {
  if (context.block === 0) return code.VALID
  if (header?.creator.length === 0) return code.BAD_COMMON_HEADER
  if (!isCreatorValid || header?.channel !== context.channel) return code.BAD_CREATOR_SIGNATURE
  checkConfiguration(envelope, context.channel, context.configuration())
  return code.VALID
}

function isFromChannel({ header, isCreatorValid }: CheckedTransaction, context: ValidationContext): boolean {
  // A peer knows no MSP of a channel that it has not joined, and so none of its creators either.
  return isCreatorValid && header?.channel === context.channel
}

/** Form, signatures and endorsements of one transaction, in Fabric's order (txvalidator/v20). */
function judge(transaction: CheckedTransaction, context: ValidationContext): ValidationCode {
  const { header, fault = code.VALID } = transaction
  if (header === undefined || beforeSignature.has(fault)) return fault
  if (fault === code.VALID && !isEndorserTransaction(transaction))
    return judgeConfiguration(transaction, context)
  if (!isFromChannel(transaction, context)) return code.BAD_CREATOR_SIGNATURE
  if (beforeDuplicate.has(fault)) return fault
  if (context.hasTransaction(header.transactionId)) return code.DUPLICATE_TXID
  return fault === code.VALID ? judgeEndorsements(transaction, context) : fault
}

/** What a transaction writes: public values and hashes of private ones. */
const writesAt = (version: Version, { namespaces }: Action): StateWrite[] => {
  const inSpace = (space: string, writes: readonly Write[]): StateWrite[] =>
    writes.map(({ key, value }) => ({
      space,
      key,
      entry: value === undefined ? undefined : { value, version },
    }))
  return namespaces.flatMap(({ namespace, writes, collections }) => [
    ...inSpace(publicSpace(namespace), writes),
    ...collections.flatMap((set) => inSpace(hashedSpace(namespace, set.collection), set.writes)),
  ])
}

/** What the valid transactions of a block write, in their order. */
export function writesOf(
  block: number,
  transactions: readonly Transaction[],
  codes: readonly number[],
): readonly StateWrite[] {
  return transactions.flatMap(({ action }, transaction) =>
    codes[transaction] === code.VALID && action !== undefined ? writesAt({ block, transaction }, action) : [],
  )
}

/** What the valid transactions of a block have written so far, by space and key. */
type BlockWrites = Map<string, Map<string, Versioned | undefined>>

/** Whether what a transaction read is still so; Fabric's order within each namespace (validation/validator.go). */
function judgeReads(
  namespaces: readonly NamespaceSet[],
  { state }: ValidationContext,
  written: BlockWrites,
): ValidationCode {
  const isStale = (space: string, { key, version }: Read): boolean =>
    written.get(space)?.has(key) === true || !sameVersion(state.get(space, key)?.version, version)
  for (const { namespace, reads, ranges, collections } of namespaces) {
    const space = publicSpace(namespace)
    if (reads.some((read) => isStale(space, read))) return code.MVCC_READ_CONFLICT
    if (!ranges.every((range) => isUnchanged(range, space, state, written.get(space))))
      return code.PHANTOM_READ_CONFLICT
    const isPrivatelyStale = collections.some((collection) =>
      collection.reads.some((read) => isStale(hashedSpace(namespace, collection.collection), read)),
    )
    if (isPrivatelyStale) return code.MVCC_READ_CONFLICT
  }
  return code.VALID
}

/**
 * Validates a block and gives the code of each transaction. Pure: the same block on the same state has the same codes
 * on every peer, for ever. First each transaction by itself, then transaction ids used twice in the block, then reads
 * that are stale and ranges that have changed, in the state or because an earlier valid transaction of the block wrote
 * there.
 */
export function validateBlock(
  transactions: readonly CheckedTransaction[],
  context: ValidationContext,
): readonly ValidationCode[] {
  const seen = new Set<string>()
  const written: BlockWrites = new Map()
  const note = (write: StateWrite): void => {
    const keys = written.get(write.space) ?? new Map<string, Versioned | undefined>()
    written.set(write.space, keys.set(write.key, write.entry))
  }

  return transactions.map((transaction, index) => {
    const judged = judge(transaction, context)
    const { header, action } = transaction
    if (judged !== code.VALID || header === undefined || action === undefined) return judged
    if (seen.has(header.transactionId)) return code.DUPLICATE_TXID
    seen.add(header.transactionId)
    const readings = judgeReads(action.namespaces, context, written)
    if (readings !== code.VALID) return readings
    for (const write of writesAt({ block: context.block, transaction: index }, action)) note(write)
    return code.VALID
  })
}

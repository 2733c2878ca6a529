import { sha256 } from '../../fabric/digest.ts'
import type { Definition } from '../../fabric/definition.ts'
import type { PrivateSets } from './private-data.ts'
import type { Transaction } from './transaction.ts'
import { code } from './validation-code.ts'

/** One private write set of a committed transaction. */
export interface WantedData {
  readonly block: number
  readonly transaction: number
  readonly transactionId: string
  readonly collection: string
  /** SHA-256 of the write set, from the block. */
  readonly hash: Buffer
}

/** Looks for a private write set; whoever asks checks what it is given against the block. */
export type FetchPrivate = (wanted: WantedData) => Buffer | undefined

/** The private data that a peer should hold as a member and does not. */
export interface MissingData {
  /** Finds a block's private data beyond what is held, and notes what cannot be found. */
  gather(
    block: number,
    transactions: readonly Transaction[],
    codes: readonly number[],
    held: ReadonlyMap<number, PrivateSets>,
    fetch: FetchPrivate,
  ): ReadonlyMap<number, PrivateSets>
  /** Looks again for everything that is missing, and gives what was found; `find` gives only what may be stored. */
  reconcile(find: FetchPrivate): ReadonlyArray<WantedData & { readonly content: Buffer }>
  size(): number
}

const checked = (content: Buffer | undefined, hash: Buffer): Buffer | undefined =>
  content !== undefined && sha256(content).equals(hash) ? content : undefined

/** What a member of the definition's collections wants of one transaction. */
function wantedOf(
  { header, action }: Transaction,
  place: { readonly block: number; readonly transaction: number },
  definition: Definition,
  mspId: string,
): WantedData[] {
  const own = action?.namespaces.find(({ namespace }) => namespace === definition.name)
  return (own?.collections ?? [])
    .filter(({ collection, privateHash }) => {
      const members = definition.collections.get(collection)?.members
      return privateHash.length > 0 && members?.has(mspId) === true
    })
    .map(({ collection, privateHash }) => ({
      block: place.block,
      transaction: place.transaction,
      transactionId: header?.transactionId ?? '',
      collection,
      hash: privateHash,
    }))
}

export function createMissingData(definition: Definition, mspId: string): MissingData {
  let missing: WantedData[] = []
  return {
    gather(block, transactions, codes, held, fetch) {
      const found = new Map<number, PrivateSets>()
      for (const [transaction, content] of transactions.entries()) {
        if (codes[transaction] !== code.VALID) continue
        const wanted = wantedOf(content, { block, transaction }, definition, mspId)
        const unheld = wanted.filter(({ collection }) => held.get(transaction)?.has(collection) !== true)
        const sets = new Map<string, Buffer>()
        for (const item of unheld) {
          const set = checked(fetch(item), item.hash)
          if (set === undefined) missing.push(item)
          else sets.set(item.collection, set)
        }
        if (sets.size > 0) found.set(transaction, sets)
      }
      return found
    },
    reconcile(find) {
      const found: Array<WantedData & { readonly content: Buffer }> = []
      missing = missing.filter((wanted) => {
        const content = find(wanted)
        if (content !== undefined) found.push({ ...wanted, content })
        return content === undefined
      })
      return found
    },
    size: () => missing.length,
  }
}

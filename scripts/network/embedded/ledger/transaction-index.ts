/** Where a transaction id first appeared, and how it was judged there. */
export interface TransactionPosition {
  readonly block: number
  readonly index: number
  readonly code: number
}

/** Every transaction id of the chain; a store on disk can take over. */
export interface TransactionIndex {
  find(transactionId: string): TransactionPosition | undefined
  /** The first position of an id stays: a duplicate does not change what its original was. */
  add(transactionId: string, position: TransactionPosition): void
}

export function createMemoryTransactionIndex(): TransactionIndex {
  const positions = new Map<string, TransactionPosition>()
  return {
    find: (transactionId) => positions.get(transactionId),
    add(transactionId, position) {
      if (!positions.has(transactionId)) positions.set(transactionId, position)
    },
  }
}

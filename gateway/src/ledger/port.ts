import { MedledgerError, type Endorsers } from 'medledger-chaincode/api'

/** What reaches the chaincode: the public argument and the values that only the endorsers see. */
export interface Sealed {
  /** Name of the transaction function. */
  readonly name: string
  /** The one public argument, a salted digest of the request: it is part of the block. */
  readonly commitment: string
  readonly transient: Readonly<Record<string, Uint8Array>>
}

/** A transaction that is on the ledger and VALID. */
export interface Committed {
  readonly transactionId: string
  /** The number of its block. */
  readonly block: number
  /** What the chaincode returned, read from the bytes that the endorsers signed. */
  readonly payload: Uint8Array
}

export interface TransactionStatus {
  /** May be empty for a configuration transaction. */
  readonly transactionId: string
  readonly block: number
  /** Place in its block, from 0. */
  readonly position: number
  readonly valid: boolean
  /** Fabric's validation code, e.g. `MVCC_READ_CONFLICT`. */
  readonly code: string
  /** Name of the event that the chaincode announced; of a valid transaction only. */
  readonly event?: string
}

/** A block as the own peer's filtered stream delivers it. */
export interface DeliveredBlock {
  readonly number: number
  readonly transactions: readonly TransactionStatus[]
}

/** What a valid transaction did to a key of the product's public state. */
export interface PublicWrite {
  readonly key: Uint8Array
  /** Undefined when the key was deleted. */
  readonly value: Uint8Array | undefined
}

/** What a valid transaction did to a private key; hashes are SHA-256, hexadecimal. */
export interface PrivateWrite {
  readonly collection: string
  readonly keyHash: string
  /** Undefined when the key was deleted or purged. */
  readonly valueHash: string | undefined
  /** Key and value, where the own peer holds what the hashes say. It may come to hold it later. */
  readonly held?: { readonly key: Uint8Array; readonly value: Uint8Array }
}

export interface FullTransaction extends TransactionStatus {
  /** Of a valid transaction only, and of the product's chaincode. */
  readonly publicWrites: readonly PublicWrite[]
  readonly privateWrites: readonly PrivateWrite[]
}

/** A block with all that the own peer may tell of it. Hashes are SHA-256, hexadecimal. */
export interface FullBlock {
  readonly number: number
  /** Of the block before it; empty for block 0. */
  readonly previousHash: string
  /** Of its own header, which names its data by their hash. */
  readonly hash: string
  readonly transactions: readonly FullTransaction[]
}

/** A block that is none: its data are not those that its header names, or it is no message of Fabric's. */
export interface UnreadableBlock {
  /** Its own number, or that of the block which was to come. */
  readonly number: number
  readonly fault: 'data-hash' | 'undecodable'
}

/** How many blocks the own peer has delivered (its newest is `blocks - 1`), and whether its stream is up. */
export interface LedgerHeight {
  readonly blocks: number
  readonly connected: boolean
}

/** Somebody who must know of a block before those who wait for it. Must not throw. */
export interface BlockWatcher {
  /** Each block of the own peer once, in order, without gaps between the first and the last. */
  block(block: DeliveredBlock): void
  /** The stream came up, and what was missed follows; or it was lost. */
  connection(connected: boolean): void
}

/**
 * How requests reach the ledger. Its errors are {@link MedledgerError}s and hold neither arguments nor private data.
 * The only implementation is the folder `fabric`, and nothing outside it knows the SDK.
 */
export interface LedgerTransport {
  /**
   * Has the organisations of `endorsers` endorse, has it ordered, and waits until the own peer has it as VALID (or
   * another one, when the own peer is away). What was invalidated because something it read changed is proposed anew,
   * at most five times and for at most 15 s in all.
   *
   * Errors: the chaincode's own; LEDGER_UNAVAILABLE when provably nothing was committed; CHANGED_MEANWHILE;
   * OUTCOME_UNKNOWN (an {@link OutcomeUnknown}); INTERNAL.
   */
  submit(sealed: Sealed, endorsers: Endorsers): Promise<Committed>

  /**
   * Asks one peer of `organisations`, in that order of preference; a peer that is away or lacks the data is passed
   * over, and one that failed within the last seconds comes last. With `minimumBlock`, only a peer that holds this
   * block already is asked.
   *
   * Errors: the chaincode's own; LEDGER_UNAVAILABLE when none could answer; INTERNAL.
   */
  evaluate(sealed: Sealed, organisations: readonly string[], minimumBlock?: number): Promise<Uint8Array>

  height(): LedgerHeight

  /** Whether a connection to some orderer stands or can be made now. Nothing is ordered. Never rejects. */
  reachesOrderer(): Promise<boolean>

  /** Resolves when the own peer has delivered this block. Errors: LEDGER_UNAVAILABLE after `timeoutMs`. */
  waitForBlock(block: number, timeoutMs: number): Promise<void>

  /**
   * Hears of the own peer's blocks from now on, before any {@link LedgerTransport.submit} or
   * {@link LedgerTransport.waitForBlock} that waits for them is answered. Returns what stops it.
   */
  watch(watcher: BlockWatcher): () => void

  /**
   * Follows the own peer's blocks from `fromBlock`: in order, each once, without gaps, each callback awaited before the
   * next. It reconnects by itself after any outage, and a callback that rejects gets the same block again a little
   * later. Returns what stops it.
   */
  follow(fromBlock: number, onBlock: (block: DeliveredBlock) => Promise<void>): Promise<() => void>

  /**
   * The same with full blocks and what the own peer holds of their private data, read by this product itself. A gap in
   * what the peer sends is handed over as it is.
   */
  followFull(
    fromBlock: number,
    onBlock: (block: FullBlock | UnreadableBlock) => Promise<void>,
  ): Promise<() => void>

  /**
   * One block as the own peer has it now: it may hold private data that it lacked before.
   * Errors: LEDGER_UNAVAILABLE when it does not send it in time.
   */
  readFull(block: number): Promise<FullBlock | UnreadableBlock>

  close(): void
}

/** OUTCOME_UNKNOWN, with the id under which the transaction may still appear. */
export class OutcomeUnknown extends MedledgerError {
  readonly transactionId: string

  constructor(transactionId: string, message = 'The request was sent and its outcome is not known yet.') {
    super('OUTCOME_UNKNOWN', message)
    this.name = 'OutcomeUnknown'
    this.transactionId = transactionId
  }
}

/**
 * What can be told of a request's way, in this order:
 *
 * - `outbox.write`: it has been noted before anything is sent;
 * - `propose`: its proposal is about to go to one organisation (the outcome); `endorsement`: that one's answer;
 * - `endorse`: the round is over, `endorsed` or with the code of the error; its time is the round's;
 * - `order.send`: the envelope is about to be sent; `order`: `accepted`, `unknown` or `refused`, with its time;
 * - `commit`: the validation code, or `unknown`, with its time since the order;
 * - `outbox.settle`: what has become of it is noted: `committed`, `cancelled` or `refused`, with its age;
 * - `release.ask`, `release.receive`: the asking gateway asks the custodian's, and has its answer;
 * - `release.review`, `release.parts`, `release.claim`, `release.send`, `release.record`: the custodian has looked at the
 *   access again, then at what is inside the documents, has noted what it releases, is about to send it, and has its release
 *   entry on the ledger.
 */
export type LedgerStepName =
  | 'outbox.write'
  | 'propose'
  | 'endorsement'
  | 'endorse'
  | 'order.send'
  | 'order'
  | 'commit'
  | 'outbox.settle'
  | 'release.ask'
  | 'release.receive'
  | 'release.review'
  | 'release.parts'
  | 'release.claim'
  | 'release.send'
  | 'release.record'

export interface LedgerStep {
  readonly step: LedgerStepName
  /** Name of the transaction function. */
  readonly name: string
  /** How it went, one of few words or codes; empty where there is nothing to tell. */
  readonly outcome: string
  /** How long it took; 0 for what takes no time. */
  readonly milliseconds: number
}

/** Hears each step at the moment at which it is taken, before anything follows from it. Must not throw. */
export type Observe = (step: LedgerStep) => void

/** A line for the log: what happened, with ids and codes only. */
export interface LedgerLogLine {
  readonly event: string
  readonly [field: string]: string | number | boolean
}

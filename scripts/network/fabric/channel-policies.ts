import type { MetaPolicy, Policy, Required } from './policy.ts'

/*
 * Who may do what on the channel. The same values go into the genesis block, where a real peer reads them, and decide
 * here, as they are in the newest configuration of the chain.
 */

export const readersOf = (mspId: string): readonly Required[] => [{ mspId, role: 'member' }]

export const writersOf = (mspId: string): readonly Required[] => [
  { mspId, role: 'admin' },
  { mspId, role: 'client' },
]

/** Only an orderer is a writer here: Writers decides who may sign a block, and no client certificate should. */
export const orderersOf = (mspId: string): readonly Required[] => [{ mspId, role: 'orderer' }]

/** The policies of a channel by which requests and blocks are judged. */
export interface ChannelPolicies {
  /** `/Channel/Application/Readers`: who may ask a peer for blocks and query its ledger. */
  readonly applicationReaders: Policy | MetaPolicy
  /** `/Channel/Application/Writers`: whose proposals are considered (`peer/Propose`). */
  readonly applicationWriters: Policy | MetaPolicy
  /** `/Channel/Readers`: who may ask the orderer for blocks. */
  readonly readers: Policy | MetaPolicy
  /** `/Channel/Writers`: whose transactions are ordered. */
  readonly writers: Policy | MetaPolicy
  /** `/Channel/Orderer/BlockValidation`: whose signature makes a block. */
  readonly blockValidation: Policy | MetaPolicy
}

import { anyOf, type Policy, type Required } from './policy.ts'

/*
 * Who may do what on the channel. The same values go into the genesis block, where a real peer reads them, and decide
 * here. A channel's policies are Fabric's implicit ones, ANY of the organisations' own, so that one list says it all.
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
  readonly applicationReaders: Policy
  /** `/Channel/Application/Writers`: whose proposals are considered (`peer/Propose`). */
  readonly applicationWriters: Policy
  /** `/Channel/Readers`: who may ask the orderer for blocks. */
  readonly readers: Policy
  /** `/Channel/Writers`: whose transactions are ordered. */
  readonly writers: Policy
  /** `/Channel/Orderer/BlockValidation`: whose signature makes a block. */
  readonly blockValidation: Policy
}

/**
 * @param organisations MSP ids of the application organisations
 * @param ordering MSP id of the ordering organisation
 */
export function channelPolicies(organisations: readonly string[], ordering: string): ChannelPolicies {
  const applicationReaders = organisations.flatMap(readersOf)
  const applicationWriters = organisations.flatMap(writersOf)
  return {
    applicationReaders: anyOf(applicationReaders),
    applicationWriters: anyOf(applicationWriters),
    readers: anyOf([...applicationReaders, ...readersOf(ordering)]),
    writers: anyOf([...applicationWriters, ...orderersOf(ordering)]),
    blockValidation: anyOf(orderersOf(ordering)),
  }
}

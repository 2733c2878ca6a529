import type { EvaluateName } from './api/index.ts'
import type { StateStub } from './ledger/book.ts'
import type { ClientIdentity } from './ledger/caller.ts'
import { transact, type Configuration, type Stub } from './transact.ts'

export type { ClientIdentity, Configuration }
export type { KeyValue } from './ledger/book.ts'
export { roleAttribute } from './ledger/caller.ts'

/**
 * Committed state as of one block. An absent key reads as no bytes; a range is in the order of the keys' UTF-8 bytes and
 * without its end. Errors: whatever the place throws that holds it; what says that private data are not available is
 * passed on in the words of Fabric's peers (`notHeld`).
 */
export type StateReader = Pick<
  StateStub,
  'getState' | 'getStateByRange' | 'getPrivateData' | 'getPrivateDataByRange'
>

/** A query as it would be proposed to a peer, and who signed it. */
export interface Query {
  readonly name: EvaluateName
  readonly commitment: string
  readonly transient: Readonly<Record<string, Uint8Array>>
  readonly client: ClientIdentity
}

/** What a peer says when it should hold a private value and does not: {@link answerQuery} passes it on as it is. */
export const notHeld = (): Error => new Error('private data matching public hash version is not available')

/**
 * Answers a query as the chaincode does, since it is the chaincode: the caller is established, the token verified and the
 * handler run, on state that somebody else than a peer holds. Errors: the chaincode's own, code in the message.
 */
export function answerQuery(query: Query, state: StateReader, configuration: Configuration): Promise<string> {
  const at = configuration.now()
  const refuse = (): never => {
    throw new Error('A query writes nothing.')
  }
  const stub: Stub = {
    getState: (key) => state.getState(key),
    getStateByRange: (start, end) => state.getStateByRange(start, end),
    getPrivateData: (collection, key) => state.getPrivateData(collection, key),
    getPrivateDataByRange: (collection, start, end) => state.getPrivateDataByRange(collection, start, end),
    getTxID: () => 'query',
    getTxTimestamp: () => ({ seconds: Math.floor(at / 1000), nanos: (at % 1000) * 1_000_000 }),
    getTransient: () => new Map(Object.entries(query.transient)),
    putState: refuse,
    putPrivateData: refuse,
    setEvent: refuse,
  }
  return transact(query.name, query.commitment, { stub, client: query.client }, configuration)
}

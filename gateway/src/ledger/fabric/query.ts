import type { Channel, Endorser, IdentityContext } from 'fabric-common'
import { MedledgerError } from 'medledger-chaincode/api'
import type { LedgerLogLine, Sealed } from '../port.ts'
import { askPeers, type AskOptions } from './ask.ts'
import { toldAlike } from './look-up.ts'
import type { Health } from './node.ts'
import type { Answer } from './round.ts'
import { isOwn, type Seen } from './tail.ts'
import { blockNumberOf, chainHeightOf, validationCodeName, validationCodeOf } from './wire.ts'

/** Fabric's query system chaincode. */
const systemChaincode = 'qscc'

export interface Queries {
  /** See the port. */
  evaluate(sealed: Sealed, organisations: readonly string[], minimumBlock?: number): Promise<Uint8Array>
  /** A transaction's fate, as far as what the channel's peers tell of it can be believed. It never rejects. */
  lookUp(transactionId: string): Promise<Seen | undefined>
}

export interface QueryOptions {
  readonly channel: Channel
  readonly chaincode: string
  readonly ownMspId: string
  /** A context with a new transaction id. */
  readonly newContext: () => IdentityContext
  readonly peersOf: (organisation: string) => readonly Endorser[]
  readonly health: Health
  /** How many blocks the own peer has delivered; 0 while its stream is down. */
  readonly ownHeight: () => number
  readonly connectMs: number
  /** For one peer. */
  readonly timeoutMs: number
  /** For all peers of one query. */
  readonly totalMs: number
  readonly log: (line: LedgerLogLine) => void
}

export const toTransientMap = (transient: Sealed['transient']): Record<string, Buffer> =>
  Object.fromEntries(Object.entries(transient).map(([key, value]) => [key, Buffer.from(value)]))

interface Call {
  readonly chaincode: string
  readonly fcn: string
  readonly args: string[]
  readonly transient?: Sealed['transient']
}

/** Undefined for bytes that are no message: a peer may send anything. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** What a peer has delivered it holds, so that an only peer of the own organisation need not be asked. */
const isDelivered = (
  { mspid }: Endorser,
  block: number,
  { channel, ownMspId, ownHeight }: QueryOptions,
): boolean => mspid === ownMspId && channel.getEndorsers(ownMspId).length === 1 && ownHeight() > block

export function createQueries(options: QueryOptions): Queries {
  const { channel, chaincode, ownMspId, newContext, peersOf, health, totalMs, log } = options
  const askOptions = (ofSystem: boolean): AskOptions => ({
    ...options,
    // That a peer does not have a transaction yet is an answer, though Fabric gives it as a failure.
    onFailure: (peer, { away, reason }) => {
      if (away || !ofSystem) log({ event: 'query.failed', peer, reason })
    },
  })
  const ask = async (
    peer: Endorser,
    { chaincode, fcn, args, transient }: Call,
  ): Promise<Answer<Uint8Array>> => {
    const query = channel.newQuery(chaincode)
    const context = newContext()
    query.build(context, {
      fcn,
      args,
      ...(transient === undefined ? {} : { transientMap: toTransientMap(transient) }),
      generateTransactionId: false,
    })
    query.sign(context)
    const answer = await askPeers(
      [peer],
      query.getSignedProposal(),
      askOptions(chaincode === systemChaincode),
    )
    return answer.kind === 'endorsed' ? { ...answer, response: answer.response.response.payload } : answer
  }

  const qscc = async (peer: Endorser, fcn: string, ...args: string[]): Promise<Uint8Array | undefined> => {
    const answer = await ask(peer, { chaincode: systemChaincode, fcn, args: [channel.name, ...args] })
    return answer.kind === 'endorsed' ? answer.response : undefined
  }
  const fateAt = async (peer: Endorser, transactionId: string): Promise<Seen | undefined> => {
    const processed = await qscc(peer, 'GetTransactionByID', transactionId)
    const block = processed && (await qscc(peer, 'GetBlockByTxID', transactionId))
    if (processed === undefined || block === undefined) return undefined
    const code = readable(() => validationCodeName(validationCodeOf(processed)))
    const number = readable(() => blockNumberOf(block))
    // The id may have been used first by somebody else, and ours may be valid in the same block.
    if (code === undefined || number === undefined || !isOwn(code)) return undefined
    return { block: number, valid: code === 'VALID', code }
  }
  const heightAt = async (peer: Endorser): Promise<number> => {
    const info = await qscc(peer, 'GetChainInfo')
    return (info && readable(() => chainHeightOf(info))) ?? 0
  }

  const holds = async (peer: Endorser, block: number): Promise<boolean> =>
    isDelivered(peer, block, options) || (await heightAt(peer)) > block

  return {
    async evaluate({ name, commitment, transient }, organisations, minimumBlock) {
      const call: Call = { chaincode, fcn: name, args: [commitment], transient }
      const end = performance.now() + totalMs
      let faulty = false
      const peers = organisations.flatMap((organisation) => peersOf(organisation))
      for (const peer of health.failingLast(peers)) {
        if (performance.now() >= end) break
        if (minimumBlock !== undefined && !(await holds(peer, minimumBlock))) continue
        const answer = await ask(peer, call)
        if (answer.kind === 'endorsed') return answer.response
        if (answer.kind === 'refused') throw answer.error
        if (!answer.away) faulty = true
      }
      const asked = organisations.join(', ')
      if (faulty) throw new MedledgerError('INTERNAL', `The ledger could not work on this query at ${asked}.`)
      throw new MedledgerError('LEDGER_UNAVAILABLE', `No peer of ${asked} can answer.`)
    },

    lookUp: (transactionId) =>
      toldAlike(channel.getEndorsers(), ownMspId, (peer) => fateAt(peer, transactionId)),
  }
}

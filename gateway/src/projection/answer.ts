import { readMessage, type Constitution, type EvaluateName, type Organisation } from 'medledger-chaincode/api'
import { answerQuery, roleAttribute, type ClientIdentity } from 'medledger-chaincode/queries'
import type { LedgerTransport, Sealed } from '../ledger/index.ts'
import type { Log } from '../log.ts'
import type { Projection } from '../store/index.ts'
import type { KeptProjection } from './keep.ts'
import { readSnapshot } from './state.ts'

/** The queries that are answered from the projection: lists of what is stored. */
const lists: ReadonlySet<string> = new Set<EvaluateName>(['ListDocuments', 'ListConsents', 'ListEntries'])

/** How long the projection may be behind what the gateway has heard of; then a peer is asked. */
const waitMs = 500
/** Whoever is further behind is not waited for: it is being made anew, or its stream hangs. */
const mostBlocksBehind = 20

export interface AnswerSources {
  readonly database: Projection
  readonly projection: Pick<KeptProjection, 'state' | 'reaches'>
  readonly transport: Pick<LedgerTransport, 'evaluate' | 'height'>
  readonly constitution: Constitution
  readonly organisation: Organisation
  readonly members: ReadonlySet<string>
  readonly now: () => number
  readonly log: Pick<Log, 'event'>
  /** Hears who has answered a list. */
  readonly answered: (source: AnswerSource) => void
}

export type AnswerSource = 'projection' | 'peer'

/**
 * Answers lists by running the chaincode's own query here, on what the own peer has delivered, and everything else at a
 * peer. A peer is asked for lists too where the projection cannot answer: the own organisation is not among those asked, it
 * has stopped, is behind, or lacks private data; and when its database fails. Errors: as `LedgerTransport.evaluate`.
 */
export function answerLists(sources: AnswerSources): LedgerTransport['evaluate'] {
  const { transport, organisation, answered } = sources
  return async (sealed, organisations, minimumBlock) => {
    if (!lists.has(sealed.name)) return transport.evaluate(sealed, organisations, minimumBlock)
    const answer = organisations.includes(organisation.name)
      ? await answerHere(sealed, minimumBlock, sources)
      : undefined
    if (answer === undefined) {
      answered('peer')
      return transport.evaluate(sealed, organisations, minimumBlock)
    }
    answered('projection')
    if (answer instanceof Error) throw answer
    return answer
  }
}

/** The answer, or the chaincode's refusal; undefined when neither can be had here. */
async function answerHere(
  sealed: Sealed,
  minimumBlock: number | undefined,
  { database, projection, transport, members, ...rest }: AnswerSources,
): Promise<Uint8Array | Error | undefined> {
  const { blocks, connected } = transport.height()
  // Others may know more than a peer that is away.
  if (!connected) return undefined
  const newest = Math.max(blocks - 1, minimumBlock ?? 0)
  const isFar = newest - projection.state().blocks > mostBlocksBehind
  if (!(await projection.reaches(newest, isFar ? 0 : waitMs))) return undefined
  try {
    return await readSnapshot(database, members, async (snapshot) => {
      // It may have been begun anew meanwhile.
      if (snapshot.blocks <= newest) return undefined
      const { constitution, organisation, now, log } = rest
      const configuration = {
        constitution,
        now,
        log: (detail: string): void => log.event('projection.query', { detail }),
      }
      const query = { ...sealed, name: sealed.name as EvaluateName, client: gatewayOf(organisation) }
      return Buffer.from(await answerQuery(query, snapshot.state, configuration), 'utf8')
    })
  } catch (error) {
    // What is not the chaincode's own refusal may not be so at a peer.
    const refusal = error instanceof Error ? readMessage(error.message) : undefined
    return refusal?.code === 'INTERNAL' ? undefined : refusal
  }
}

/** What a peer would read in the certificate with which this gateway signs its proposals. */
const gatewayOf = ({ mspId }: Organisation): ClientIdentity => ({
  getMSPID: () => mspId,
  getAttributeValue: (name) => (name === roleAttribute ? 'gateway' : null),
})

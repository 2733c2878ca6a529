import type { Channel, Endorsement, Endorser, IdentityContext } from 'fabric-common'
import type { Endorsers } from 'medledger-chaincode/api'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LedgerLogLine, Observe, Sealed } from '../port.ts'
import { askPeers, type PeerResponse } from './ask.ts'
import { endorse } from './endorse.ts'
import type { Health } from './node.ts'
import type { Pace } from './pace.ts'
import { toTransientMap } from './query.ts'
import type { Answer, Verdict } from './round.ts'
import { isEndorsedBy } from './verify.ts'

/** Rounds whose answers differ are repeated as often: the peers are rarely more than one block apart. */
const mostRounds = 5

export const pauseMs = 50

export interface ProposeOptions {
  readonly channel: Channel
  readonly chaincode: string
  /** A context with a new transaction id. */
  readonly newContext: () => IdentityContext
  readonly peersOf: (organisation: string) => readonly Endorser[]
  readonly peerHealth: Health
  /** The own organisation, which is asked first. */
  readonly organisation: string
  readonly connectMs: number
  readonly endorseTimeoutMs: number
  /** After how long without enough endorsements a further organisation is asked. */
  readonly pace: Pace
  readonly log: (line: LedgerLogLine) => void
  readonly observe: Observe
}

/** What is to be proposed, and how far each organisation may be what kept earlier proposals of it from being valid. */
export interface Request {
  readonly sealed: Sealed
  readonly endorsers: Endorsers
  readonly suspicion: ReadonlyMap<string, number>
}

export interface Proposal {
  readonly transactionId: string
  /** Whose peers endorsed it. */
  readonly organisations: readonly string[]
  /** Who has seen it, in other words knows its transaction id. */
  readonly asked: ReadonlySet<string>
  readonly context: IdentityContext
  readonly endorsement: Endorsement
  readonly payload: Uint8Array
}

export const unused = (): Promise<never> => Promise.reject(new Error('not used'))

/**
 * The organisations in the order in which to ask them: the own one, others, who is to be last; after them those whose
 * peers all failed lately; and whoever is under suspicion after those who are less so.
 */
function preferred(
  { endorsers: { among, last }, suspicion }: Request,
  { organisation, peersOf, peerHealth }: ProposeOptions,
): string[] {
  const rank = (name: string): number => (name === organisation ? 0 : name === last ? 2 : 1)
  const peers = among
    .toSorted((one, other) => rank(one) - rank(other))
    .flatMap((name) => peersOf(name).map((peer) => ({ name: peer.name, organisation: name })))
  const organisations = new Set(peerHealth.failingLast(peers).map((peer) => peer.organisation))
  const suspected = (name: string): number => suspicion.get(name) ?? 0
  return [...organisations].toSorted((one, other) => suspected(one) - suspected(other))
}

interface SignedProposal {
  readonly sealed: Sealed
  readonly signed: unknown
  readonly transactionId: string
  readonly timeoutMs: number
}

async function askOrganisation(
  organisation: string,
  { sealed: { name }, signed, transactionId, timeoutMs }: SignedProposal,
  { organisation: own, pace, peersOf, peerHealth, connectMs, log, observe }: ProposeOptions,
): Promise<Answer<PeerResponse>> {
  const began = performance.now()
  observe({ step: 'propose', name, outcome: organisation, milliseconds: 0 })
  const answer = await askPeers(peersOf(organisation), signed, {
    health: peerHealth,
    connectMs,
    timeoutMs,
    isGenuine: isEndorsedBy,
    onFailure: (peer, { reason }) => log({ event: 'endorse.failed', transactionId, peer, reason }),
  })
  const outcome = answer.kind === 'refused' ? answer.error.code : answer.kind
  const milliseconds = performance.now() - began
  if (organisation === own && answer.kind !== 'failed') pace.answered(milliseconds)
  observe({ step: 'endorsement', name, outcome, milliseconds })
  return answer
}

/** One proposal, endorsed as the verdict says. The SDK gets matching endorsements only, or none at all. */
async function proposeOnce(
  request: Request,
  timeoutMs: number,
  options: ProposeOptions,
): Promise<{ proposal: Proposal } | { verdict: Exclude<Verdict<PeerResponse>, { kind: 'endorsed' }> }> {
  const { sealed, endorsers } = request
  const context = options.newContext()
  const { transactionId } = context
  const endorsement = options.channel.newEndorsement(options.chaincode)
  endorsement.build(context, {
    fcn: sealed.name,
    args: [sealed.commitment],
    transientMap: toTransientMap(sealed.transient),
    generateTransactionId: false,
  })
  endorsement.sign(context)
  const signed: unknown = endorsement.getSignedProposal()
  const asked = new Set<string>()
  const began = performance.now()
  const verdict = await endorse<PeerResponse>(endorsers, {
    hedgeMs: options.pace.hedgeMs(),
    preferred: preferred(request, options),
    ask: (organisation) => {
      asked.add(organisation)
      return askOrganisation(organisation, { sealed, signed, transactionId, timeoutMs }, options)
    },
  })
  const outcome = verdict.kind === 'endorsed' ? verdict.kind : verdict.error.code
  options.observe({ step: 'endorse', name: sealed.name, outcome, milliseconds: performance.now() - began })
  if (verdict.kind !== 'endorsed') {
    options.log({ event: `endorse.${verdict.kind}`, transactionId, code: verdict.error.code })
    return { verdict }
  }
  await endorsement.send({
    handler: { endorse: () => Promise.resolve(verdict.responses), commit: unused, query: unused },
  })
  const { organisations, payload } = verdict
  return { proposal: { transactionId, organisations, asked, context, endorsement, payload } }
}

/** Proposes until the endorsers agree. Errors: those of the verdict; nothing has been ordered. */
export async function propose(request: Request, options: ProposeOptions): Promise<Proposal> {
  const end = performance.now() + options.endorseTimeoutMs
  for (let round = 1; ; round += 1) {
    const outcome = await proposeOnce(request, Math.max(1, end - performance.now()), options)
    if ('proposal' in outcome) return outcome.proposal
    const pause = pauseMs * 2 ** (round - 1)
    const again = outcome.verdict.kind === 'split' && round < mostRounds && performance.now() + pause < end
    if (!again) throw outcome.verdict.error
    await sleep(pause)
  }
}

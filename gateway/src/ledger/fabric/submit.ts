import type { Channel, Commit, Endorsement, Endorser, IdentityContext } from 'fabric-common'
import { MedledgerError, type Endorsers } from 'medledger-chaincode/api'
import { setTimeout as sleep } from 'node:timers/promises'
import { OutcomeUnknown, type Committed, type LedgerLogLine, type Sealed } from '../port.ts'
import { askPeers, type PeerResponse } from './ask.ts'
import { awaitCommit } from './commit.ts'
import { endorse } from './endorse.ts'
import type { Health } from './node.ts'
import { order, type OrdererNode } from './order.ts'
import { toTransientMap } from './query.ts'
import type { Verdict } from './round.ts'
import type { Seen, Tail } from './tail.ts'
import { isEndorsedBy } from './verify.ts'
import { endorsedResult } from './wire.ts'

/** A request is proposed this often in all when what it read keeps changing. */
export const mostProposals = 5

/** Rounds whose answers differ are repeated as often: the peers are rarely more than one block apart. */
const mostRounds = 5

const pauseMs = 50

export interface SubmitOptions {
  readonly channel: Channel
  readonly chaincode: string
  /** A context with a new transaction id. */
  readonly newContext: () => IdentityContext
  readonly peersOf: (organisation: string) => readonly Endorser[]
  readonly orderers: readonly OrdererNode[]
  readonly peerHealth: Health
  readonly ordererHealth: Health
  readonly tail: Tail
  readonly lookUp: (transactionId: string) => Promise<Seen | undefined>
  /** The own organisation, which is asked first. */
  readonly organisation: string
  readonly connectMs: number
  readonly endorseTimeoutMs: number
  readonly hedgeMs: number
  readonly orderTimeoutMs: number
  readonly commitTimeoutMs: number
  readonly log: (line: LedgerLogLine) => void
}

interface Proposal {
  /** Whose peers endorsed it. */
  readonly organisations: readonly string[]
  readonly transactionId: string
  readonly context: IdentityContext
  readonly endorsement: Endorsement
  readonly payload: Uint8Array
}

const unused = (): Promise<never> => Promise.reject(new Error('not used'))

/** The organisations in the order in which to ask them: the own one, others, who is to be last; those whose peers all failed lately at the end. */
function preferred(
  { organisation, peersOf, peerHealth }: SubmitOptions,
  { among, last }: Endorsers,
): string[] {
  const rank = (name: string): number => (name === organisation ? 0 : name === last ? 2 : 1)
  const ownFirst = among.toSorted((one, other) => rank(one) - rank(other))
  const best = ownFirst.flatMap((name) =>
    peersOf(name).map((peer) => ({ name: peer.name, organisation: name })),
  )
  return [...new Set(peerHealth.failingLast(best).map((peer) => peer.organisation))]
}

/** One proposal, endorsed as the verdict says. The SDK gets matching endorsements only, or none at all. */
async function proposeOnce(
  sealed: Sealed,
  endorsers: Endorsers,
  timeoutMs: number,
  options: SubmitOptions,
): Promise<{ proposal: Proposal } | { verdict: Exclude<Verdict<PeerResponse>, { kind: 'endorsed' }> }> {
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
  const verdict = await endorse<PeerResponse>(endorsers, {
    hedgeMs: options.hedgeMs,
    preferred: preferred(options, endorsers),
    ask: (organisation) =>
      askPeers(options.peersOf(organisation), signed, {
        health: options.peerHealth,
        connectMs: options.connectMs,
        timeoutMs,
        isGenuine: isEndorsedBy,
        onFailure: (peer, { reason }) =>
          options.log({ event: 'endorse.failed', transactionId, peer, reason }),
      }),
  })
  if (verdict.kind !== 'endorsed') {
    options.log({ event: `endorse.${verdict.kind}`, transactionId, code: verdict.error.code })
    return { verdict }
  }
  await endorsement.send({
    handler: { endorse: () => Promise.resolve(verdict.responses), commit: unused, query: unused },
  })
  const { organisations, payload } = verdict
  return { proposal: { transactionId, organisations, context, endorsement, payload } }
}

/** Proposes until the endorsers agree. Errors: see `submit`; nothing has been ordered. */
async function propose(sealed: Sealed, endorsers: Endorsers, options: SubmitOptions): Promise<Proposal> {
  const end = performance.now() + options.endorseTimeoutMs
  for (let round = 1; ; round += 1) {
    const outcome = await proposeOnce(sealed, endorsers, Math.max(1, end - performance.now()), options)
    if ('proposal' in outcome) return outcome.proposal
    const pause = pauseMs * 2 ** (round - 1)
    const again = outcome.verdict.kind === 'split' && round < mostRounds && performance.now() + pause < end
    if (!again) throw outcome.verdict.error
    await sleep(pause)
  }
}

function signedCommit({ endorsement, context }: Proposal): Commit {
  const commit = endorsement.newCommit()
  commit.build(context)
  commit.sign(context)
  return commit
}

/** After an unclear order the block may still come, but a caller has waited long enough already. */
const unclearCommitTimeoutMs = 1000

/** Orders a proposal and waits for its fate. Errors: LEDGER_UNAVAILABLE (nothing ordered), OUTCOME_UNKNOWN. */
async function commitProposal(proposal: Proposal, options: SubmitOptions): Promise<Seen> {
  const { transactionId } = proposal
  const { tail, log } = options
  const expected = tail.expect(transactionId)
  try {
    const ordered = (await signedCommit(proposal).send({
      handler: {
        commit: (envelope: unknown) =>
          order(envelope, {
            orderers: options.orderers,
            health: options.ordererHealth,
            timeoutMs: options.orderTimeoutMs,
            connectMs: 400,
            attemptMs: 1500,
            pauseMs: 200,
            random: Math.random,
            seen: () => expected.peek() !== undefined,
            onFailure: (orderer, attempt) => log({ event: 'order.failed', transactionId, orderer, attempt }),
          }),
        endorse: unused,
        query: unused,
      },
    })) as 'accepted' | 'unknown'
    const timeoutMs =
      ordered === 'accepted'
        ? options.commitTimeoutMs
        : Math.min(options.commitTimeoutMs, unclearCommitTimeoutMs)
    const seen = await awaitCommit(expected, {
      timeoutMs,
      pollMs: 300,
      patienceMs: 1000,
      connected: () => tail.height().connected,
      lookUp: () => options.lookUp(transactionId),
    })
    if (seen !== undefined) return seen
    log({ event: 'commit.unknown', transactionId, ordered })
    throw new OutcomeUnknown(transactionId)
  } finally {
    expected.cancel()
  }
}

const conflicts: ReadonlySet<string> = new Set(['MVCC_READ_CONFLICT', 'PHANTOM_READ_CONFLICT'])

/**
 * After a transaction that should have been valid: its endorsers may have endorsed badly on purpose, so that others are
 * asked next time, where there are others.
 */
function distrust({ organisations }: Proposal, { organisation, peersOf, peerHealth }: SubmitOptions): void {
  for (const name of organisations) {
    if (name !== organisation) for (const peer of peersOf(name)) peerHealth.failed(peer)
  }
}

/** See the port. */
export async function submit(
  sealed: Sealed,
  endorsers: Endorsers,
  options: SubmitOptions,
): Promise<Committed> {
  let first: string | undefined
  let last = ''
  for (let count = 1; count <= mostProposals; count += 1) {
    const proposal = await propose(sealed, endorsers, options).catch((error: unknown) => {
      // An earlier proposal got through after all, though its id came back as invalid: whoever asks by request id knows.
      if (first !== undefined && error instanceof MedledgerError && error.code === 'DUPLICATE_REQUEST') {
        throw new OutcomeUnknown(first)
      }
      throw error
    })
    const { transactionId } = proposal
    first ??= transactionId
    const { block, valid, code } = await commitProposal(proposal, options)
    if (valid) return { transactionId, block, payload: endorsedResult(proposal.payload) }
    options.log({ event: 'commit.invalid', transactionId, block, code })
    last = code
    if (!conflicts.has(code)) distrust(proposal, options)
    // Those who lost together must not come back together.
    if (count < mostProposals) await sleep(Math.random() * pauseMs * 2 ** count)
  }
  if (conflicts.has(last)) {
    throw new MedledgerError(
      'CHANGED_MEANWHILE',
      'What the request read kept changing. Nothing was committed.',
    )
  }
  throw new MedledgerError('LEDGER_UNAVAILABLE', `The ledger kept finding the request invalid: ${last}.`)
}

import type { Commit } from 'fabric-common'
import { MedledgerError, type Endorsers } from 'medledger-chaincode/api'
import { setTimeout as sleep } from 'node:timers/promises'
import { OutcomeUnknown, type Committed, type Sealed } from '../port.ts'
import { awaitCommit } from './commit.ts'
import type { Health } from './node.ts'
import { order, type OrdererNode } from './order.ts'
import { pauseMs, propose, unused, type Proposal, type ProposeOptions } from './propose.ts'
import { isUsedUp, type Expected, type Seen, type Tail } from './tail.ts'
import { endorsedResult } from './wire.ts'

/** A request is proposed this often in all when its transactions are invalid. */
export const mostProposals = 5

export interface SubmitOptions extends ProposeOptions {
  readonly orderers: readonly OrdererNode[]
  readonly ordererHealth: Health
  readonly tail: Tail
  readonly lookUp: (transactionId: string) => Promise<Seen | undefined>
  readonly orderTimeoutMs: number
  readonly commitTimeoutMs: number
  /** For all proposals of a request together: none is begun that could not be finished by then. */
  readonly submitTimeoutMs: number
}

function signedCommit({ endorsement, context }: Proposal): Commit {
  const commit = endorsement.newCommit()
  commit.build(context)
  commit.sign(context)
  return commit
}

/** Has a proposal ordered, and tells of it. Errors: LEDGER_UNAVAILABLE (nothing ordered). */
async function orderProposal(
  name: string,
  proposal: Proposal,
  expected: Expected,
  { orderers, ordererHealth, orderTimeoutMs, log, observe }: SubmitOptions,
): Promise<'accepted' | 'unknown'> {
  const { transactionId } = proposal
  const send = (envelope: unknown): Promise<'accepted' | 'unknown'> =>
    order(envelope, {
      orderers,
      health: ordererHealth,
      timeoutMs: orderTimeoutMs,
      connectMs: 400,
      attemptMs: 1500,
      pauseMs: 200,
      random: Math.random,
      seen: () => expected.peek() !== undefined,
      onFailure: (orderer, attempt) => log({ event: 'order.failed', transactionId, orderer, attempt }),
    })
  const began = performance.now()
  let outcome: 'accepted' | 'unknown' | 'refused' = 'refused'
  observe({ step: 'order.send', name, outcome: '', milliseconds: 0 })
  try {
    const handler = { commit: send, endorse: unused, query: unused }
    outcome = (await signedCommit(proposal).send({ handler })) as 'accepted' | 'unknown'
    return outcome
  } finally {
    observe({ step: 'order', name, outcome, milliseconds: performance.now() - began })
  }
}

/** After an unclear order the block may still come, but a caller has waited long enough already. */
const unclearCommitTimeoutMs = 1000

/** Orders a proposal and waits for its fate. Errors: LEDGER_UNAVAILABLE (nothing ordered), OUTCOME_UNKNOWN. */
async function commitProposal(name: string, proposal: Proposal, options: SubmitOptions): Promise<Seen> {
  const { transactionId } = proposal
  const { tail, log, observe } = options
  const expected = tail.expect(transactionId)
  try {
    const ordered = await orderProposal(name, proposal, expected, options)
    const began = performance.now()
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
    const milliseconds = performance.now() - began
    observe({ step: 'commit', name, outcome: seen?.code ?? 'unknown', milliseconds })
    if (seen !== undefined) return seen
    log({ event: 'commit.unknown', transactionId, ordered })
    throw new OutcomeUnknown(transactionId)
  } finally {
    expected.cancel()
  }
}

const conflicts: ReadonlySet<string> = new Set(['MVCC_READ_CONFLICT', 'PHANTOM_READ_CONFLICT'])

/**
 * After a transaction that should have been valid, its endorsers may have endorsed badly on purpose; when its id was
 * used up, anybody who was asked may have done that, and most likely one whose answer differed. So others are asked
 * next time, where there are others, and with every such try the suspicion narrows.
 */
function distrust(
  { organisations, asked }: Proposal,
  code: string,
  suspicion: Map<string, number>,
  { organisation, peersOf, peerHealth }: SubmitOptions,
): void {
  for (const name of isUsedUp(code) ? asked : organisations) {
    if (name === organisation) continue
    suspicion.set(name, (suspicion.get(name) ?? 0) + (organisations.includes(name) ? 1 : 2))
    for (const peer of peersOf(name)) peerHealth.failed(peer)
  }
}

const isDuplicate = (error: unknown): boolean =>
  error instanceof MedledgerError && error.code === 'DUPLICATE_REQUEST'

/** Why a request is given up whose every transaction was invalid. */
const givenUp = (code: string): MedledgerError =>
  conflicts.has(code)
    ? new MedledgerError('CHANGED_MEANWHILE', 'What the request read kept changing. Nothing was committed.')
    : new MedledgerError(
        'LEDGER_UNAVAILABLE',
        `The ledger kept finding the request invalid: ${code}. Nothing was committed.`,
      )

/** See the port. */
export async function submit(
  sealed: Sealed,
  endorsers: Endorsers,
  options: SubmitOptions,
): Promise<Committed> {
  const end = performance.now() + options.submitTimeoutMs
  const longestTryMs = options.endorseTimeoutMs + options.orderTimeoutMs + options.commitTimeoutMs
  const suspicion = new Map<string, number>()
  let doubtful: string | undefined
  for (let count = 1; ; count += 1) {
    const proposal = await propose({ sealed, endorsers, suspicion }, options).catch((error: unknown) => {
      // That one got through after all: whoever asks by the request's id will see.
      throw doubtful !== undefined && isDuplicate(error) ? new OutcomeUnknown(doubtful) : error
    })
    const { transactionId } = proposal
    const { block, valid, code } = await commitProposal(sealed.name, proposal, options)
    if (valid) return { transactionId, block, payload: endorsedResult(proposal.payload) }
    options.log({ event: 'commit.invalid', transactionId, block, code })
    const pause = Math.random() * pauseMs * 2 ** count
    const isLate = performance.now() + pause + longestTryMs > end
    if (count === mostProposals || isLate) throw givenUp(code)
    if (!conflicts.has(code)) {
      doubtful ??= transactionId
      distrust(proposal, code, suspicion, options)
    }
    // Those who lost together must not come back together.
    await sleep(pause)
  }
}

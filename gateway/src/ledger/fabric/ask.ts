import { readMessage } from 'medledger-chaincode/api'
import { reach, type Health, type LedgerNode } from './node.ts'
import type { Answer, Failure } from './round.ts'

export interface PeerNode extends LedgerNode {
  sendProposal(signedProposal: unknown, timeoutMs: number): Promise<unknown>
}

/** A peer's answer to a proposal, as the SDK decodes it. */
export interface PeerResponse {
  readonly response: { readonly status: number; readonly message: string; readonly payload: Uint8Array }
  readonly payload: Uint8Array
  readonly endorsement?: { readonly endorser: Uint8Array; readonly signature: Uint8Array } | null
}

/** A peer's words for what another peer may not suffer from: its chaincode, its connections, the data it holds. */
const infrastructure: readonly (readonly [RegExp, string])[] = [
  [/private data matching public hash/i, 'it lacks the private data'],
  [/failed to distribute private|could not assemble/i, 'it cannot pass private data on'],
  [
    /could not launch chaincode|connection to .* failed|chaincode .* (is not|not) (running|connected|registered|available)|chaincode stream terminated/i,
    'its chaincode is away',
  ],
  [/timeout|timed out|deadline/i, 'it took too long'],
  [/shutting down|unavailable|not connected/i, 'it is away'],
]

const failed = (away: boolean, reason: string): Failure => ({ kind: 'failed', away, reason })

/** What a peer's words mean; they may hold what nobody else should read, so only our own ones are passed on. */
export function readRefusal(message: string): Answer<never> {
  const error = readMessage(message)
  if (error !== undefined) return { kind: 'refused', error }
  const known = infrastructure.find(([pattern]) => pattern.test(message))
  return known === undefined ? failed(false, 'its answer is not one of ours') : failed(true, known[1])
}

export function readResponse(response: PeerResponse): Answer<PeerResponse> {
  const { status, message } = response.response
  if (status !== 200) return readRefusal(message)
  return response.endorsement
    ? { kind: 'endorsed', payload: response.payload, response }
    : failed(false, 'it answered without an endorsement')
}

/** gRPC's codes for a call that did not come through: CANCELLED, DEADLINE_EXCEEDED, UNAVAILABLE. */
const lostCalls: ReadonlySet<unknown> = new Set([1, 4, 14])

export function readFailure(error: unknown): Answer<never> {
  const { code, message = '' } = error as { readonly code?: unknown; readonly message?: string }
  return lostCalls.has(code) ? failed(true, 'the call did not come through') : readRefusal(message)
}

export interface AskOptions {
  readonly health: Health
  /** How long to wait for a connection that is not there. */
  readonly connectMs: number
  /** For one peer, connection included. */
  readonly timeoutMs: number
  readonly onFailure: (peer: string, failure: Failure) => void
  /** Whether an answer is really endorsed by a peer of this MSP; without it every endorsement counts. */
  readonly isGenuine?: (mspId: string, response: PeerResponse) => boolean
}

async function askPeer(
  peer: PeerNode,
  signedProposal: unknown,
  { connectMs, timeoutMs, isGenuine }: AskOptions,
): Promise<Answer<PeerResponse>> {
  const began = performance.now()
  if (!(await reach(peer, Math.min(connectMs, timeoutMs)))) return failed(true, 'it is not connected')
  try {
    const left = Math.max(1, Math.round(timeoutMs - (performance.now() - began)))
    const response = (await peer.sendProposal(signedProposal, left)) as PeerResponse
    const answer = readResponse(response)
    if (answer.kind !== 'endorsed' || isGenuine === undefined || isGenuine(peer.mspid, response))
      return answer
    return failed(true, 'its endorsement is not its own')
  } catch (error) {
    return readFailure(error)
  }
}

/** Asks the peers of one organisation, those that failed lately at the end, until one of them has an answer. */
export async function askPeers(
  peers: readonly PeerNode[],
  signedProposal: unknown,
  options: AskOptions,
): Promise<Answer<PeerResponse>> {
  const end = performance.now() + options.timeoutMs
  let answer: Answer<PeerResponse> = failed(true, 'it has no peer')
  for (const peer of options.health.failingLast(peers)) {
    const timeoutMs = end - performance.now()
    if (timeoutMs <= 0) break
    answer = await askPeer(peer, signedProposal, { ...options, timeoutMs })
    if (answer.kind !== 'failed') {
      options.health.recovered(peer)
      return answer
    }
    if (answer.away) options.health.failed(peer)
    options.onFailure(peer.name, answer)
  }
  return answer
}

import { status } from '@grpc/grpc-js'
import { forClient } from '../chaincode/client-access.ts'
import type { ChaincodeConnection } from '../chaincode/connection.ts'
import type { Execution } from '../chaincode/executions.ts'
import { sha256 } from '../../fabric/digest.ts'
import { systemVersion, type ChainDefinition } from '../../fabric/definition.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { PrivateSets } from '../ledger/private-data.ts'
import type { SimulationResults } from '../ledger/read-write-set-builder.ts'
import { createSimulation } from '../ledger/simulate.ts'
import type { Bundle } from '../configuration/bundle.ts'
import type { Member } from '../msp/membership.ts'
import { holds } from '../../fabric/policy.ts'
import type { Signer } from '../../fabric/signer.ts'
import { build, encode, encoded, peer } from '../../fabric/message.ts'
import {
  checkExpiry,
  checkProposal,
  checkWriter,
  ProposalError,
  readProposal,
  type Proposal,
} from './proposal.ts'
import { querySystem, systemChaincodeName } from './system-chaincode.ts'

export interface EndorserOptions {
  readonly signer: Signer
  readonly channel: string
  /** The one in force. */
  readonly configuration: () => Bundle
  /** Of what the chaincode process runs. */
  readonly chaincodeName: string
  readonly ledger: Ledger
  readonly chaincode: ChaincodeConnection
  readonly now: () => number
  /** Gives private data to the members' peers; resolves when it is on the disk of this peer, if it is one. */
  readonly distribute: (transactionId: string, sets: PrivateSets) => Promise<void>
  readonly log: (line: string) => void
}

const refusalStatus = 500

/** Fabric's shim.ERRORTHRESHOLD: from here on a response refuses the transaction. */
const errorThreshold = 400

const answer = (response: peer.Response): Buffer => encoded(peer.ProposalResponse, { response })

const refuse = (message: string): Buffer => answer(build(peer.Response, { status: refusalStatus, message }))

/** What is endorsed: `results`, what the chaincode said, and under which name and version. */
interface Endorsed {
  readonly response: peer.Response
  readonly event: peer.ChaincodeEvent | undefined
  readonly results: Buffer
  readonly version: string
}

/** The endorsement of Fabric's default plugin: signed is the payload together with the endorser's identity. */
function endorse(
  proposal: Proposal,
  { response, event, results, version }: Endorsed,
  signer: Signer,
): Buffer {
  // The transient part of a proposal is left out of what is hashed, so that it never has to be shown.
  const visible = encoded(peer.ChaincodeProposalPayload, { input: proposal.invocation })
  const payload = encoded(peer.ProposalResponsePayload, {
    proposalHash: sha256(proposal.channelHeader, proposal.signatureHeader, visible),
    extension$: encoded(peer.ChaincodeAction, {
      results,
      events: event === undefined ? undefined : encode(event),
      response,
      chaincodeId: build(peer.ChaincodeID, { name: proposal.chaincode, version }),
    }),
  })
  const endorsement = build(peer.Endorsement, {
    endorser: signer.identity,
    signature: signer.sign(payload, signer.identity),
  })
  return encoded(peer.ProposalResponse, { version: 1, response, payload, endorsement })
}

async function simulate(
  proposal: Proposal,
  { mspId }: Member,
  definition: ChainDefinition,
  options: EndorserOptions,
): Promise<{ execution: Execution; results: SimulationResults }> {
  const snapshot = options.ledger.state.snapshot()
  try {
    const { channel, ledger, chaincode } = options
    const { transactionId, input, signedProposal } = proposal
    const simulation = createSimulation(snapshot, definition, transactionId, ledger.history)
    const own = forClient(simulation, { channel, definition, mspId })
    const execution = await chaincode.execute(own, transactionId, input, signedProposal)
    return { execution, results: simulation.results() }
  } finally {
    snapshot.release()
  }
}

async function run(
  proposal: Proposal,
  member: Member,
  definition: ChainDefinition,
  options: EndorserOptions,
): Promise<Buffer> {
  const { transactionId, chaincode } = proposal
  const { execution, results } = await simulate(proposal, member, definition, options)
  const { response, event } = execution
  if (response.getStatus() >= errorThreshold) return answer(response)
  if (results.privateSets.size > 0) await options.distribute(transactionId, results.privateSets)
  event?.setChaincodeId(chaincode)
  event?.setTxId(transactionId)
  const { version } = definition
  return endorse(proposal, { response, event, results: results.publicSet, version }, options.signer)
}

/** `qscc/*` is for the channel's Readers. */
function query(proposal: Proposal, member: Member, options: EndorserOptions): Buffer {
  const isLocal = member.mspId === options.signer.mspId
  const isReader = holds(options.configuration().policies.applicationReaders, [member])
  if (!isReader || (isOfNoChannel(proposal) && !isLocal))
    return refuse(`access denied for [${systemChaincodeName}][${proposal.channel}]`)
  const response = querySystem(options.ledger, options.channel, proposal.input.getArgsList_asU8())
  if (response.getStatus() >= errorThreshold) return answer(response)
  const results = Buffer.alloc(0)
  return endorse(proposal, { response, event: undefined, results, version: systemVersion }, options.signer)
}

/** Errors: {@link ProposalError} when the ledger has a transaction of this id, valid or not. */
function checkUnique({ transactionId, creator }: Proposal, { transactions }: Ledger): void {
  if (transactions.find(transactionId) !== undefined)
    throw new ProposalError(
      `duplicate transaction found [${transactionId}]. Creator [${creator.toString('hex')}]`,
    )
}

/** Fabric's command line asks about a channel without being on it; then only the peer's own organisation may. */
const isOfNoChannel = ({ channel, chaincode }: Proposal): boolean =>
  channel === '' && chaincode === systemChaincodeName

/**
 * Endorses a proposal (core/endorser/endorser.go). Gives a `protos.ProposalResponse`; one without an endorsement when
 * the chaincode or its peer refuses. Errors: {@link ProposalError} when the proposal itself cannot be considered.
 */
async function process(signedProposal: Buffer, options: EndorserOptions): Promise<Buffer> {
  const proposal = readProposal(signedProposal)
  const { channel, chaincode } = proposal
  const { membership, policies } = options.configuration()
  checkExpiry(proposal, membership, options.now())
  if (channel !== options.channel && !isOfNoChannel(proposal)) return refuse(`channel '${channel}' not found`)
  const member = checkProposal(proposal, membership)
  checkUnique(proposal, options.ledger)
  if (chaincode === systemChaincodeName) return query(proposal, member, options)
  checkWriter(member, channel, policies.applicationWriters)
  try {
    // Of the state that the simulation begins with: nothing is waited for between the two.
    const definition =
      chaincode === options.chaincodeName ? options.ledger.definitionOf(chaincode) : undefined
    if (definition === undefined)
      return refuse(
        `make sure the chaincode ${chaincode} has been successfully defined on channel ${channel} and try again: chaincode ${chaincode} not found`,
      )
    return await run(proposal, member, definition, options)
  } catch (error) {
    const { transactionId } = proposal
    options.log(`transaction ${transactionId} was not endorsed`)
    return refuse(
      `error in simulation: failed to execute transaction ${transactionId}: ${(error as Error).message}`,
    )
  }
}

/** A unary call as grpc-js hands it over. */
type Callback = (error: { code: status; details: string } | null, answer?: Buffer) => void

async function reply(signedProposal: Buffer, callback: Callback, options: EndorserOptions): Promise<void> {
  let content: Buffer
  try {
    content = await process(signedProposal, options)
  } catch (error) {
    const code = error instanceof ProposalError ? status.UNKNOWN : status.INTERNAL
    callback({ code, details: (error as Error).message })
    return
  }
  callback(null, content)
}

/** The handler of `protos.Endorser/ProcessProposal`. */
export const createEndorser =
  (options: EndorserOptions): ((call: { readonly request: Buffer }, callback: Callback) => void) =>
  (call, callback) =>
    void reply(call.request, callback, options)

import { common, msp, peer as protos } from '@hyperledger/fabric-protos'
import type { Endorser } from 'fabric-common'
import { MedledgerError, writeMessage, type Endorsers, type LedgerErrorCode } from 'medledger-chaincode/api'
import { createPrivateKey } from 'node:crypto'
import type { PeerResponse } from '../../../../gateway/src/ledger/fabric/ask.ts'
import { nativeIdentityProvider, toX509 } from '../../../../gateway/src/ledger/fabric/identity.ts'
import { rememberHealth } from '../../../../gateway/src/ledger/fabric/node.ts'
import { createPace } from '../../../../gateway/src/ledger/fabric/pace.ts'
import { Client } from '../../../../gateway/src/ledger/fabric/sdk.ts'
import { signLowS } from '../../../../gateway/src/ledger/fabric/sign.ts'
import type { SubmitOptions } from '../../../../gateway/src/ledger/fabric/submit.ts'
import { createTail, type Seen, type Tail } from '../../../../gateway/src/ledger/fabric/tail.ts'
import type { LedgerLogLine, LedgerStep, Sealed } from '../../../../gateway/src/ledger/port.ts'
import { createAuthority } from '../../../../scripts/network/certificates.ts'
import {
  blockOf,
  fakeOrderer,
  fakePeer,
  type OrdererBehaviour,
  type PeerBehaviour,
} from '../../../support/fabric-fakes.ts'

export const names = ['north', 'south', 'authority'] as const
export type Name = (typeof names)[number]

export const anyTwo: Endorsers = { required: [], among: [...names], count: 2 }
export const custodian: Endorsers = { required: ['north'], among: [...names], count: 2 }

export const sealed: Sealed = {
  name: 'RequestAccess',
  commitment: 'commitment',
  transient: { request: Buffer.from('a private request') },
}

/** The gateway's pair signs for all peers: only the MSP's name in the identity tells them apart here. */
const pair = await createAuthority({ commonName: 'gateway', organisation: 'North' }, Date.now())
const key = createPrivateKey(pair.privateKey)

/** A peer's identity as Fabric writes it. */
export function identityOf(mspId: string, certificate = pair.certificate): Buffer {
  const identity = new msp.SerializedIdentity()
  identity.setMspid(mspId)
  identity.setIdBytes(Buffer.from(certificate))
  return Buffer.from(identity.serializeBinary())
}

/** The same identity in more bytes than it needs: PEM may be followed by anything. */
export const paddedIdentityOf = (mspId: string): Buffer =>
  identityOf(mspId, `${pair.certificate}${'#'.repeat(20_000)}`)

/** What a peer of this organisation says that came to `result`. */
export function endorsing(
  organisation: string,
  result = 'result',
  endorser = identityOf(organisation),
): PeerResponse {
  const response = new protos.Response()
  response.setStatus(200)
  response.setPayload(Buffer.from(result))
  const action = new protos.ChaincodeAction()
  action.setResponse(response)
  const content = new protos.ProposalResponsePayload()
  content.setExtension$(action.serializeBinary())
  const payload = Buffer.from(content.serializeBinary())
  return {
    // The copy that nobody signs says something else, and must not be believed.
    response: { status: 200, message: '', payload: Buffer.from('unsigned') },
    payload,
    endorsement: { endorser, signature: signLowS(Buffer.concat([payload, endorser]), key) },
  }
}

/** What a peer says that signed something else than it sends. */
export function forging(organisation: string): PeerResponse {
  const { endorsement } = endorsing(organisation, 'another result')
  return { ...endorsing(organisation), ...(endorsement ? { endorsement } : {}) }
}

export const refusing = (code: LedgerErrorCode): PeerBehaviour => ({
  response: { status: 500, message: writeMessage(new MedledgerError(code, 'No.')), payload: Buffer.alloc(0) },
  payload: Buffer.alloc(0),
})

export interface Envelope {
  readonly payload: Uint8Array
}

export function transactionIdOf({ payload }: Envelope): string {
  const header = common.Payload.deserializeBinary(payload).getHeader()
  return common.ChannelHeader.deserializeBinary(header?.getChannelHeader_asU8() ?? new Uint8Array()).getTxId()
}

/** The endorsed bytes in an envelope, with each endorsement. */
export function endorsed({ payload }: Envelope): {
  readonly content: Uint8Array
  readonly endorsements: ReadonlyArray<{ readonly endorser: Uint8Array; readonly signature: Uint8Array }>
} {
  const transaction = protos.Transaction.deserializeBinary(
    common.Payload.deserializeBinary(payload).getData_asU8(),
  )
  const [action] = transaction.getActionsList()
  const body = protos.ChaincodeActionPayload.deserializeBinary(action?.getPayload_asU8() ?? new Uint8Array())
  const given = body.getAction()?.getEndorsementsList() ?? []
  return {
    content: body.getAction()?.getProposalResponsePayload_asU8() ?? new Uint8Array(),
    endorsements: given.map((each) => ({
      endorser: each.getEndorser_asU8(),
      signature: each.getSignature_asU8(),
    })),
  }
}

export interface World {
  readonly tail: Tail
  readonly ordered: Envelope[]
  readonly lines: LedgerLogLine[]
  readonly steps: LedgerStep[]
  /** Whose peers got the proposal of a transaction, in the order in which they were asked. */
  readonly seenBy: (transactionId: string) => readonly string[]
  readonly options: SubmitOptions
}

interface WorldOptions {
  readonly peers?: Partial<Record<Name, (call: number) => PeerBehaviour>>
  readonly orderer?: OrdererBehaviour
  /**
   * The validation code of the nth transaction, or the codes of all envelopes with its id in its block; undefined: no
   * block ever has it.
   */
  readonly codes?: (count: number, seenBy: readonly string[]) => string | readonly string[] | undefined
  readonly lookUp?: (transactionId: string) => Promise<Seen | undefined>
}

async function openChannel(): Promise<Pick<SubmitOptions, 'channel' | 'newContext'>> {
  const client = new Client('test')
  const identity = toX509({ mspId: 'NorthMSP', ...pair })
  const context = client.newIdentityContext(await nativeIdentityProvider.getUserContext(identity, 'test'))
  return { channel: client.newChannel('medledger'), newContext: () => context.calculateTransactionId() }
}

const base = await openChannel()

/** The transaction id of a signed proposal, whose bytes begin like an envelope's payload. */
const proposedId = (signed: unknown): string =>
  transactionIdOf({ payload: (signed as { readonly proposal_bytes: Uint8Array }).proposal_bytes })

/** A network of fakes: peers that endorse, an orderer, and the own peer's chain. */
export function world({
  peers = {},
  orderer = 'SUCCESS',
  codes = () => 'VALID',
  lookUp,
}: WorldOptions = {}): World {
  const tail = createTail()
  tail.connection(true)
  tail.deliver(blockOf(0))
  const ordered: Envelope[] = []
  const lines: LedgerLogLine[] = []
  const steps: LedgerStep[] = []
  const seen = new Map<string, string[]>()
  const seenBy = (transactionId: string): readonly string[] => seen.get(transactionId) ?? []
  const nodes = new Map<string, readonly Endorser[]>(
    names.map((name) => {
      let calls = 0
      const behaviour = (signed: unknown): PeerBehaviour => {
        if (signed !== undefined) {
          calls += 1
          seen.set(proposedId(signed), [...seenBy(proposedId(signed)), name])
        }
        return peers[name]?.(calls) ?? endorsing(name)
      }
      return [name, [fakePeer(`peer.${name}`, name, behaviour) as unknown as Endorser]]
    }),
  )
  const onSent = (envelope: unknown): void => {
    ordered.push(envelope as Envelope)
    const transactionId = transactionIdOf(envelope as Envelope)
    const given = codes(ordered.length, seenBy(transactionId))
    if (given === undefined) return
    const transactions = [given].flat().map((code) => ({ transactionId, code }))
    setTimeout(() => tail.deliver(blockOf(ordered.length, transactions)), 1)
  }
  const options: SubmitOptions = {
    ...base,
    chaincode: 'medledger',
    peersOf: (name) => nodes.get(name) ?? [],
    orderers: [fakeOrderer('orderer', orderer, onSent)],
    peerHealth: rememberHealth(1000),
    ordererHealth: rememberHealth(1000),
    tail,
    lookUp: lookUp ?? (() => Promise.resolve(undefined)),
    organisation: 'north',
    connectMs: 20,
    endorseTimeoutMs: 300,
    pace: createPace({ leastMs: 30, mostMs: 30 }),
    orderTimeoutMs: 50,
    commitTimeoutMs: 100,
    submitTimeoutMs: 10_000,
    log: (line) => void lines.push(line),
    observe: (step) => void steps.push(step),
  }
  return { tail, ordered, lines, steps, seenBy, options }
}

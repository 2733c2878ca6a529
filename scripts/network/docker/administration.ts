import { common as messages } from '../fabric/message.ts'
import { createSigner, type Signer } from '../fabric/signer.ts'
import type { Credentials } from '../issue.ts'
import { hostOf } from '../names.ts'
import { credentialsOf } from '../profile.ts'
import { addressOf } from '../reach.ts'
import type { Topology } from '../topology.ts'
import { connectOrderer, connectPeer, type OrdererClient, type PeerClient } from './node-client.ts'
import { administerOrderer, type OrdererAdministration } from './participation.ts'
import { envelopeOf, payloadOf, seekEnvelope, signCall, type Call } from './proposal.ts'

/** One organisation's administrator, with its peer and its orderer. */
export interface Administrator {
  readonly organisation: string
  readonly mspId: string
  readonly orderer: OrdererAdministration
  /** What the peer answers to a call. Errors: a PeerRefusal; gRPC's. */
  ask(call: Call): Promise<Buffer>
  /** The peer's blocks from the first to a last one, as `common.Block`. */
  blocks(channel: string, last: number): AsyncGenerator<Buffer>
  /** Has a call endorsed by peers (the own one when none are named) and ordered; it is not waited for. */
  submit(call: Call, endorsers?: readonly string[]): Promise<void>
}

export interface Administration {
  readonly administrators: readonly Administrator[]
  close(): void
}

const success: number = messages.Status.SUCCESS

/** Opens the administrators of every organisation of a network. The caller is in the network. */
export function openAdministration(
  topology: Topology,
  credentials: Credentials,
  now: () => number = Date.now,
): Administration {
  const names = topology.constitution.organisations.map(({ name }) => name)
  const endpointOf = (part: 'peer' | 'orderer', name: string): { address: string; authority: string } => ({
    address: addressOf(topology, part, name),
    authority: credentialsOf(credentials, name).tlsCa.certificate,
  })
  const peers = new Map<string, PeerClient>(
    names.map((name) => [name, connectPeer(endpointOf('peer', name))]),
  )
  const orderers = new Map<string, OrdererClient>(
    topology.orderers.map((name) => [name, connectOrderer(endpointOf('orderer', name))]),
  )
  const peerOf = (name: string): PeerClient => {
    const found = peers.get(name)
    if (found === undefined) throw new RangeError(`the network has no organisation ${name}`)
    return found
  }
  const administrators = names.map((organisation): Administrator => {
    const own = credentialsOf(credentials, organisation)
    const signer: Signer = createSigner(own.mspId, own.admin)
    return {
      organisation,
      mspId: own.mspId,
      orderer: administerOrderer(organisation, own),
      ask: async (call) =>
        payloadOf(await peerOf(organisation).propose(signCall(call, signer, now()).proposal)),
      blocks: (channel, last) => peerOf(organisation).deliver(seekEnvelope(channel, last, signer, now())),
      async submit(call, endorsers = [organisation]) {
        const signed = signCall(call, signer, now())
        const answers = await Promise.all(endorsers.map((name) => peerOf(name).propose(signed.proposal)))
        for (const answer of answers) payloadOf(answer)
        await order(envelopeOf(signed, answers, signer), orderers)
      },
    }
  })
  return {
    administrators,
    close() {
      for (const client of [...peers.values(), ...orderers.values()]) client.close()
    },
  }
}

/** Errors: when no orderer takes it, with what the last one said. */
async function order(envelope: Buffer, orderers: ReadonlyMap<string, OrdererClient>): Promise<void> {
  let fault = 'there is none'
  for (const [name, orderer] of orderers) {
    try {
      const { status, info } = await orderer.broadcast(envelope)
      if (status === success) return
      fault = `${hostOf('orderer', name)} answered ${status} ${info}`
    } catch (error) {
      fault = `${hostOf('orderer', name)}: ${(error as Error).message}`
    }
  }
  throw new Error(`no orderer took the transaction: ${fault}`)
}

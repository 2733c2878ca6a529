import '../../../../gateway/src/ledger/fabric/silence.ts'
import { common, msp } from '@hyperledger/fabric-protos'
import { Committer, Endorser } from 'fabric-common'
import { createPrivateKey, randomBytes } from 'node:crypto'
import { vi, type MockInstance } from 'vitest'
import type { FabricIdentity } from '../../../../gateway/src/ledger/fabric/identity.ts'
import { signLowS } from '../../../../gateway/src/ledger/fabric/sign.ts'

interface Envelope {
  readonly payload: Buffer
  readonly signature: Buffer
}

type Send = (this: Committer, envelope: Envelope, timeoutMs: number) => Promise<unknown>

/** Makes a bogus envelope under the transaction id of a real one. */
export type Steal = (real: Envelope) => Envelope

/** With the header of the real one, but created and signed by somebody else: the id is not hers. */
export function underIdOf({ mspId, certificate, privateKey }: FabricIdentity): Steal {
  return ({ payload }) => {
    const creator = new msp.SerializedIdentity()
    creator.setMspid(mspId)
    creator.setIdBytes(Buffer.from(certificate))
    const signatureHeader = new common.SignatureHeader()
    signatureHeader.setCreator(creator.serializeBinary())
    signatureHeader.setNonce(randomBytes(24))
    const content = common.Payload.deserializeBinary(payload)
    content.getHeader()?.setSignatureHeader(signatureHeader.serializeBinary())
    const stolen = Buffer.from(content.serializeBinary())
    return { payload: stolen, signature: signLowS(stolen, createPrivateKey(privateKey)) }
  }
}

/** The signed proposal as an endorser got it: its bytes begin like an envelope's payload, and its signature is good. */
export function replayed(): Steal {
  const send = vi.spyOn(Endorser.prototype, 'sendProposal')
  return () => {
    const [proposal] = send.mock.lastCall as unknown as [{ proposal_bytes: Buffer; signature: Buffer }]
    return { payload: proposal.proposal_bytes, signature: proposal.signature }
  }
}

/** Has the first envelope that is ordered from now on preceded by a bogus one, and waits for what comes of that. */
export function orderFirst(steal: Steal, settled: () => Promise<void>): MockInstance {
  // The SDK declares an encoded envelope and takes a decoded one.
  const { sendBroadcast } = Object.getOwnPropertyDescriptors(Committer.prototype)
  const send = sendBroadcast.value as unknown as Send
  const first: Send = async function first(real, timeoutMs) {
    await send.call(this, steal(real), timeoutMs)
    await settled()
    return send.call(this, real, timeoutMs)
  }
  return vi
    .spyOn(Committer.prototype, 'sendBroadcast')
    .mockImplementationOnce(first as unknown as Committer['sendBroadcast'])
}

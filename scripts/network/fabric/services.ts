import type { MethodDefinition } from '@grpc/grpc-js'

/**
 * Fabric's gRPC services with bytes in and bytes out, so that a handler sees exactly what was signed and a block is
 * encoded once for all its subscribers.
 */
export type RawMethod = MethodDefinition<Buffer, Buffer>

const same = (content: Buffer): Buffer => content

const method = (path: string, requestStream: boolean, responseStream: boolean): RawMethod => ({
  path,
  requestStream,
  responseStream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
})

const bidirectional = (path: string): RawMethod => method(path, true, true)

export const endorserService = { processProposal: method('/protos.Endorser/ProcessProposal', false, false) }

export const ordererService = {
  broadcast: bidirectional('/orderer.AtomicBroadcast/Broadcast'),
  deliver: bidirectional('/orderer.AtomicBroadcast/Deliver'),
}

export const deliverService = {
  deliver: bidirectional('/protos.Deliver/Deliver'),
  deliverFiltered: bidirectional('/protos.Deliver/DeliverFiltered'),
  deliverWithPrivateData: bidirectional('/protos.Deliver/DeliverWithPrivateData'),
}

export const chaincodeService = { connect: bidirectional('/protos.Chaincode/Connect') }

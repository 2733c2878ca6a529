import type { ChaincodeConnection } from '../chaincode/connection.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { deliverService, endorserService } from '../../fabric/services.ts'
import { blockAnswer, createFilteredAnswer, createPrivateAnswer } from './deliver-answers.ts'
import { createDeliver, createStreams } from './deliver.ts'
import { createEndorser, type EndorserOptions } from './endorse.ts'
import type { Admission } from './access.ts'
import { listen, type RunningServer, type Stream } from './server.ts'

export interface PeerOptions extends EndorserOptions {
  readonly ledger: Ledger
  readonly chaincode: ChaincodeConnection
  readonly port: number
  readonly tls: { readonly certificate: string; readonly privateKey: string }
}

/** Serves `protos.Endorser` and `protos.Deliver` from a ledger. Errors: when the port is taken. */
export function servePeer(options: PeerOptions): Promise<RunningServer> {
  const { ledger, channel, configuration, now, chaincodeName } = options
  const admission = (): Admission => {
    const { membership, policies } = configuration()
    return { membership, policy: policies.applicationReaders }
  }
  const streams = createStreams()
  const source = {
    height: () => ledger.blocks.height,
    read: (number: number) => ledger.blocks.read(number),
    onCommit: ledger.onCommit,
  }
  const delivering = (encode: (block: Buffer, mspId: string) => Buffer): ((stream: Stream) => void) =>
    createDeliver({ source, channel, admission, now, encode, track: streams.track })
  return listen({
    port: options.port,
    ...options.tls,
    services: [
      { methods: endorserService, handlers: { processProposal: createEndorser(options) } },
      {
        methods: deliverService,
        handlers: {
          deliver: delivering(blockAnswer),
          deliverFiltered: delivering(createFilteredAnswer(channel)),
          deliverWithPrivateData: delivering(createPrivateAnswer(chaincodeName, ledger)),
        },
      },
    ],
    endStreams: streams.end,
  })
}

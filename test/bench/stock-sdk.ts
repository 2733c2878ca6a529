import '../../gateway/src/ledger/fabric/silence.ts'
import { DefaultEventHandlerStrategies, Gateway, type Contract } from 'fabric-network'
import { seal, type RequestOf, type SubmitName } from 'medledger-chaincode/api'
import { prepareProfile } from '../../gateway/src/ledger/fabric/profile.ts'
import type { BenchInstance } from './instance.ts'

/** The ledger through fabric-network as it comes: its own signer, endorsement and commit handlers. */
export interface StockLedger {
  /** Endorsed by the peers of these MSPs. */
  submit<N extends SubmitName>(
    name: N,
    request: RequestOf<N>,
    token: string,
    mspIds: readonly string[],
  ): Promise<void>
  close(): void
}

const timeoutSeconds = 30

export async function connectStock(instance: BenchInstance, organisation: string): Promise<StockLedger> {
  const { mspId, certificate, privateKey } = instance.identityOf(organisation)
  const gateway = new Gateway()
  const { channel } = instance.constitution
  await gateway.connect(prepareProfile(instance.profileOf(organisation), channel, mspId), {
    identity: { type: 'X.509', mspId, credentials: { certificate, privateKey } } as never,
    discovery: { enabled: false },
    tlsInfo: { certificate, key: privateKey },
    eventHandlerOptions: {
      strategy: DefaultEventHandlerStrategies.MSPID_SCOPE_ALLFORTX,
      commitTimeout: timeoutSeconds,
      endorseTimeout: timeoutSeconds,
    },
  })
  const contract: Contract = (await gateway.getNetwork(channel)).getContract(instance.chaincode)
  return {
    async submit(name, request, token, mspIds) {
      const { commitment, transient } = seal(name, request, token)
      await contract
        .createTransaction(name)
        .setTransient(transient as Record<string, Buffer>)
        .setEndorsingOrganizations(...mspIds)
        .submit(commitment)
    },
    close: () => gateway.disconnect(),
  }
}

import fabric from 'fabric-contract-api'
import type { Context } from 'fabric-contract-api'
import { silenceDebug } from '../../../chaincode/src/quiet.ts'

const transient = ({ stub }: Context, name: string): Buffer =>
  Buffer.from(stub.getTransient().get(name) ?? [])

/** A chaincode that does nothing but write: what a transaction costs before it has any meaning. */
class BareContract extends fabric.Contract {
  constructor() {
    super('bare')
  }

  async WritePrivate(context: Context, commitment: string): Promise<string> {
    const collection = transient(context, 'collection').toString()
    await context.stub.putPrivateData(collection, commitment, transient(context, 'value'))
    return commitment
  }

  async WritePublic(context: Context, commitment: string): Promise<string> {
    await context.stub.putState(commitment, transient(context, 'value'))
    return commitment
  }
}

silenceDebug()

export const contracts: readonly (typeof BareContract)[] = [BareContract]

import fabric from 'fabric-contract-api'
import type { Context } from 'fabric-contract-api'

const transientText = ({ stub }: Context, name: string): string =>
  Buffer.from(stub.getTransient().get(name) ?? []).toString()

async function read(context: Context): Promise<number> {
  const collection = transientText(context, 'collection')
  const value = await context.stub.getPrivateData(collection, transientText(context, 'key'))
  return Number(Buffer.from(value).toString() || '0')
}

/** A chaincode that counts in private data, for tests of the ledger's client. */
class ProbeContract extends fabric.Contract {
  constructor() {
    super('probe')
  }

  async Count(context: Context, commitment: string): Promise<string> {
    const next = (await read(context)) + 1
    const { stub } = context
    const key = transientText(context, 'key')
    await stub.putPrivateData(transientText(context, 'collection'), key, Buffer.from(String(next)))
    return commitment
  }

  async Read(context: Context, _commitment: string): Promise<string> {
    return String(await read(context))
  }

  Refuse(_context: Context, _commitment: string): Promise<string> {
    return Promise.reject(new Error('[FORBIDDEN] This is never allowed.'))
  }
}

export const contracts: readonly (typeof ProbeContract)[] = [ProbeContract]

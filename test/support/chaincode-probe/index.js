import { Contract } from 'fabric-contract-api'

/** What a chaincode may ask of its peer, one transaction each; for tests of the embedded network. */
class Probe extends Contract {
  async put(ctx, key, value) {
    await ctx.stub.putState(key, Buffer.from(value))
    ctx.stub.setEvent('put', Buffer.from(key))
  }

  async get(ctx, key) {
    return (await ctx.stub.getState(key)).toString()
  }

  /** Reads, then writes: two of these on one key conflict. */
  async increment(ctx, key) {
    const before = Number((await ctx.stub.getState(key)).toString() || '0')
    await ctx.stub.putState(key, Buffer.from(String(before + 1)))
    return String(before + 1)
  }

  /** The value comes in the transient part of the proposal. */
  async putPrivate(ctx, collection, key) {
    await ctx.stub.putPrivateData(collection, key, ctx.stub.getTransient().get('value'))
    return 'written'
  }

  async getPrivate(ctx, collection, key) {
    return Buffer.from(await ctx.stub.getPrivateData(collection, key)).toString()
  }

  async getPrivateHash(ctx, collection, key) {
    return Buffer.from(await ctx.stub.getPrivateDataHash(collection, key)).toString('hex')
  }

  async deletePrivate(ctx, collection, key) {
    await ctx.stub.deletePrivateData(collection, key)
  }

  async rangePrivate(ctx, collection, start, end) {
    const keys = []
    for await (const { key } of ctx.stub.getPrivateDataByRange(collection, start, end)) keys.push(key)
    return JSON.stringify(keys)
  }

  async rangeAndWrite(ctx, collection) {
    for await (const row of ctx.stub.getPrivateDataByRange(collection, '', '')) void row
    await ctx.stub.putState('after-range', Buffer.from('x'))
  }

  async rangePublic(ctx) {
    for await (const row of ctx.stub.getStateByRange('', '')) void row
  }

  async history(ctx, key) {
    await ctx.stub.getHistoryForKey(key)
  }

  async fail() {
    throw new Error('refused by the chaincode')
  }

  async hang() {
    await new Promise((resolve) => {
      setTimeout(resolve, 60_000)
    })
  }

  async whoAmI(ctx) {
    const role = ctx.clientIdentity.getAttributeValue('medledger.role')
    return JSON.stringify({ mspId: ctx.clientIdentity.getMSPID(), role })
  }
}

export const contracts = [Probe]

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

  async putPrivateArgument(ctx, collection, key, value) {
    await ctx.stub.putPrivateData(collection, key, Buffer.from(value))
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

  async purgePrivate(ctx, collection, key) {
    await ctx.stub.purgePrivateData(collection, key)
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

  /** The keys of a public range, at most so many of them. */
  async rangePublic(ctx, start, end, most) {
    const keys = []
    for await (const { key } of ctx.stub.getStateByRange(start, end)) {
      keys.push(key)
      if (keys.length >= Number(most)) break
    }
    return JSON.stringify(keys)
  }

  /** Writes how many keys a range has: what comes into the range meanwhile makes it invalid. */
  async countInto(ctx, start, end, key) {
    const keys = JSON.parse(await this.rangePublic(ctx, start, end, 'Infinity'))
    await ctx.stub.putState(key, Buffer.from(String(keys.length)))
    return String(keys.length)
  }

  async page(ctx, start, end, size, bookmark) {
    const { iterator, metadata } = await ctx.stub.getStateByRangeWithPagination(
      start,
      end,
      Number(size),
      bookmark,
    )
    const keys = []
    for (let row = await iterator.next(); row.value !== undefined; row = await iterator.next()) {
      keys.push(row.value.key)
      if (row.done) break
    }
    return JSON.stringify({ keys, bookmark: metadata.bookmark, count: metadata.fetchedRecordsCount })
  }

  async pageAndWrite(ctx, start, end) {
    await ctx.stub.getStateByRangeWithPagination(start, end, 2, '')
    await ctx.stub.putState('after-page', Buffer.from('x'))
  }

  async putMany(ctx, prefix, count) {
    for (let index = 0; index < Number(count); index += 1)
      await ctx.stub.putState(`${prefix}${String(index).padStart(4, '0')}`, Buffer.from('x'))
  }

  async remove(ctx, key) {
    await ctx.stub.deleteState(key)
  }

  /** Attributes are separated by commas. */
  async putComposite(ctx, type, attributes) {
    await ctx.stub.putState(ctx.stub.createCompositeKey(type, attributes.split(',')), Buffer.from('x'))
  }

  async composites(ctx, type, attributes) {
    const found = []
    const known = attributes === '' ? [] : attributes.split(',')
    for await (const { key } of ctx.stub.getStateByPartialCompositeKey(type, known))
      found.push(ctx.stub.splitCompositeKey(key).attributes)
    return JSON.stringify(found)
  }

  async history(ctx, key) {
    const past = []
    for await (const { txId, isDelete, value, timestamp } of ctx.stub.getHistoryForKey(key))
      past.push({ txId, isDelete, value: Buffer.from(value).toString(), seconds: Number(timestamp.seconds) })
    return JSON.stringify(past)
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

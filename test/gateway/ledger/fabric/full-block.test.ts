import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toFullBlock } from '../../../../gateway/src/ledger/fabric/full-block.ts'
import type { FullBlock } from '../../../../gateway/src/ledger/port.ts'
import { build, common, encoded, wrap } from '../../../../scripts/network/fabric/message.ts'
import { deliveredOf, envelopeOf, hashOf, type BlockSample } from '../../../support/full-blocks.ts'

const read = (sample: BlockSample): ReturnType<typeof toFullBlock> =>
  toFullBlock(deliveredOf(sample).content, 'medledger', sample.number)

function readable(sample: BlockSample): FullBlock {
  const block = read(sample)
  if ('fault' in block) throw new Error(block.fault)
  return block
}

const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString()

describe('a full block', () => {
  test("has the network's own hashes, whatever its number", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 40), fc.uint8Array({ minLength: 32, maxLength: 32 }), (number, previous) => {
        const sample = { number, previousHash: Buffer.from(previous), transactions: [{ id: 'a' }] }
        expect(read(sample)).toMatchObject({
          number,
          previousHash: Buffer.from(previous).toString('hex'),
          hash: deliveredOf(sample).hash.toString('hex'),
        })
      }),
    )
  })

  test('tells of each transaction its id, its place and its code', () => {
    const { transactions } = readable({ number: 7, transactions: [{ id: 'a' }, { id: 'b', code: 11 }] })
    expect(transactions).toMatchObject([
      { transactionId: 'a', block: 7, position: 0, valid: true, code: 'VALID' },
      { transactionId: 'b', block: 7, position: 1, valid: false, code: 'MVCC_READ_CONFLICT' },
    ])
  })

  test('has the writes of a valid transaction however its creator has written it', () => {
    const changes = [{ key: 'k', value: 'v' }]
    const honest = common.Envelope.deserializeBinary(envelopeOf({ id: 'a', changes }))
    const payload = Buffer.from(honest.getPayload_asU8())
    const header = common.Payload.deserializeBinary(payload).getHeader()
    const channelHeader = Buffer.from(header?.getChannelHeader_asU8() ?? [])
    expect(channelHeader.subarray(0, 2)).toEqual(Buffer.from([8, 3]))
    // 2^32 + 3 is 3 for a field of 32 bits.
    const longType = Buffer.concat([
      Buffer.from([8, 0x83, 0x80, 0x80, 0x80, 0x10]),
      channelHeader.subarray(2),
    ])
    const written = {
      'with a longer type': Buffer.concat([payload, wrap(1, wrap(1, longType))]),
      'with a second, empty header': Buffer.concat([payload, wrap(1, Buffer.alloc(0))]),
      'with an unknown group': Buffer.concat([payload, Buffer.from([0x7b, 0x7c])]),
    }
    for (const [how, bytes] of Object.entries(written)) {
      const { transactions } = readable({ number: 1, transactions: [{ bytes: wrap(1, bytes), code: 0 }] })
      const found = transactions.map(({ transactionId, publicWrites }) => [
        transactionId,
        publicWrites.map(({ key, value }) => [text(key), text(value)]),
      ])
      expect([how, found]).toEqual([how, [['a', [['k', 'v']]]]])
    }
  })

  test('is not readable when a valid transaction is of a type that is never valid, or has no id', () => {
    const ofType = (type: 0 | 2 | 3, txId: string): Buffer => {
      const channelHeader = encoded(common.ChannelHeader, { type, txId })
      const header = build(common.Header, { channelHeader })
      return encoded(common.Envelope, { payload: encoded(common.Payload, { header }) })
    }
    for (const bytes of [ofType(0, 'a'), ofType(2, 'a'), ofType(3, '')])
      expect(read({ number: 1, transactions: [{ bytes, code: 0 }] })).toEqual({
        number: 1,
        fault: 'undecodable',
      })
  })

  test('has the public writes of the own chaincode', () => {
    const changes = [{ key: 'k', value: 'v' }, { key: 'gone' }]
    const other = { id: 'b', chaincode: 'another', changes }
    const { transactions } = readable({ number: 1, transactions: [{ id: 'a', changes }, other] })
    const [writes, none] = transactions.map(({ publicWrites }) =>
      publicWrites.map(({ key, value }) => [text(key), text(value)]),
    )
    expect(writes).toEqual([
      ['k', 'v'],
      ['gone', undefined],
    ])
    expect(none).toEqual([])
  })

  test('has private values that the peer holds, and the hashes of those that it does not', () => {
    const collection = 'consent-north'
    const changes = [
      { collection, key: 'held', value: 'v' },
      { collection, key: 'lacked', value: 'w', isMissing: true },
      { collection: 'access-north', key: 'held', value: 'x' },
    ]
    const [transaction] = readable({ number: 1, transactions: [{ id: 'a', changes }] }).transactions
    const told = transaction?.privateWrites.map(({ collection, keyHash, valueHash, held }) => ({
      collection,
      keyHash,
      valueHash,
      held: held && [text(held.key), text(held.value)],
    }))
    expect(told).toEqual([
      { collection, keyHash: hashOf('held'), valueHash: hashOf('v'), held: ['held', 'v'] },
      { collection, keyHash: hashOf('lacked'), valueHash: hashOf('w'), held: undefined },
      {
        collection: 'access-north',
        keyHash: hashOf('held'),
        valueHash: hashOf('x'),
        held: ['held', 'x'],
      },
    ])
  })

  test.each([
    ['a deletion', {}],
    ['a purge', { isPurge: true }],
    ['a value of no bytes, which Fabric takes for a deletion', { value: '' }],
  ])('tells of %s that the key is gone', (_what, change) => {
    const changes = [{ collection: 'consent-north', key: 'k', ...change }]
    const [transaction] = readable({ number: 1, transactions: [{ id: 'a', changes }] }).transactions
    expect(transaction?.privateWrites).toEqual([
      { collection: 'consent-north', keyHash: hashOf('k'), valueHash: undefined },
    ])
  })

  test('takes a private value that is not the one on the chain for none', () => {
    const of = (value: string): BlockSample => ({
      number: 1,
      transactions: [{ id: 'a', changes: [{ collection: 'registry', key: 'k', value }] }],
    })
    const content = Buffer.from(deliveredOf(of('true')).content)
    // The value itself is only beside the block; in it is its hash.
    content.write('lies', content.lastIndexOf('true'))
    const block = toFullBlock(content, 'medledger', 1) as FullBlock
    expect(block.transactions[0]?.privateWrites).toEqual([
      { collection: 'registry', keyHash: hashOf('k'), valueHash: hashOf('true') },
    ])
  })

  test('may have an invalid transaction that is no message, and that wrote nothing', () => {
    const changes = [{ key: 'k', value: 'v' }]
    const broken = { bytes: Buffer.from([0xff, 0xff]), code: 2 }
    const { transactions } = readable({ number: 1, transactions: [broken, { id: 'a', code: 10, changes }] })
    expect(transactions).toMatchObject([
      { transactionId: '', code: 'BAD_PAYLOAD', publicWrites: [] },
      { transactionId: 'a', code: 'ENDORSEMENT_POLICY_FAILURE', publicWrites: [], privateWrites: [] },
    ])
  })
})

describe('what is no block', () => {
  test('is one whose data are not those of its header', () => {
    const content = Buffer.from(deliveredOf({ number: 4, transactions: [{ id: 'first' }] }).content)
    content.write('other', content.indexOf('first'))
    expect(toFullBlock(content, 'medledger', 4)).toEqual({ number: 4, fault: 'data-hash' })
  })

  test.each([
    ['no bytes', Buffer.alloc(0), 9],
    ['bytes that are no message', Buffer.from('Lindqvist'), 9],
    ['a block without a header', Buffer.from([10, 0]), 9],
    ['a valid transaction that is no message', deliveredOf(only(Buffer.from([0xff]))).content, 5],
    ['a valid one without results', deliveredOf(only(envelopeOf({ id: 'a' }).subarray(0, -30))).content, 5],
  ])('are %s', (_what, content, number) => {
    expect(toFullBlock(content, 'medledger', 9)).toEqual({ number, fault: 'undecodable' })
  })

  test('are any bytes, and reading them never throws', () => {
    const { content } = deliveredOf({
      number: 1,
      transactions: [{ id: 'a', changes: [{ collection: 'registry', key: 'k', value: 'v' }] }],
    })
    fc.assert(
      fc.property(fc.nat(content.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(content)
        changed[at] = byte
        expect(() => toFullBlock(changed, 'medledger', 1)).not.toThrow()
      }),
    )
  })
})

function only(bytes: Buffer): BlockSample {
  return { number: 5, transactions: [{ bytes, code: 0 }] }
}

import { describe, expect, test } from 'vitest'
import { awaitCommit, type CommitOptions } from '../../../../gateway/src/ledger/fabric/commit.ts'
import { createTail } from '../../../../gateway/src/ledger/fabric/tail.ts'
import { blockOf } from '../../../support/fabric-fakes.ts'

describe('the end of the chain', () => {
  test('its height is one more than the newest delivered block', () => {
    const tail = createTail()
    expect(tail.height()).toEqual({ blocks: 0, connected: false })
    tail.connection(true)
    tail.deliver(blockOf(7))
    expect(tail.height()).toEqual({ blocks: 8, connected: true })
  })

  test('waiting for a block ends with it, or at the deadline', async () => {
    const tail = createTail()
    const waiting = tail.waitForBlock(3, 1000)
    tail.deliver(blockOf(2))
    tail.deliver(blockOf(3))
    await waiting
    await tail.waitForBlock(1, 0)
    await expect(tail.waitForBlock(4, 5)).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
  })

  test('closing it settles whoever waits', async () => {
    const tail = createTail()
    const expected = tail.expect('t')
    const waiting = expect(tail.waitForBlock(3, 10_000)).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
    tail.close()
    await waiting
    expect(await expected.seen).toBeUndefined()
  })
})

describe("a transaction's fate", () => {
  const options = (more: Partial<CommitOptions> = {}): CommitOptions => ({
    timeoutMs: 500,
    pollMs: 1,
    patienceMs: 10_000,
    connected: () => true,
    lookUp: () => Promise.reject(new Error('nobody must be asked')),
    ...more,
  })

  test('is its first status in a block; that of an envelope which only claims its id never counts', async () => {
    const tail = createTail()
    const expected = tail.expect('t')
    tail.deliver(blockOf(4, [{ transactionId: 'u' }, { transactionId: 't', code: 'BAD_PROPOSAL_TXID' }]))
    expect(expected.peek()).toBeUndefined()
    tail.deliver(blockOf(5, [{ transactionId: 't', code: 'MVCC_READ_CONFLICT' }]))
    tail.deliver(blockOf(6, [{ transactionId: 't' }]))
    const seen = await awaitCommit(expected, options())
    expect(seen).toEqual({ block: 5, valid: false, code: 'MVCC_READ_CONFLICT' })
    expect(expected.peek()).toEqual(seen)
  })

  test('is its own status, wherever in the block others claim its id', () => {
    const foreign = [
      'BAD_COMMON_HEADER',
      'BAD_PROPOSAL_TXID',
      'INVALID_ENDORSER_TRANSACTION',
      'DUPLICATE_TXID',
    ]
    for (const own of ['VALID', 'MVCC_READ_CONFLICT', 'ENDORSEMENT_POLICY_FAILURE']) {
      for (const codes of [
        [...foreign, own],
        [own, ...foreign],
      ]) {
        const tail = createTail()
        tail.deliver(blockOf(0))
        const expected = tail.expect('t')
        tail.deliver(
          blockOf(
            1,
            codes.map((code) => ({ transactionId: 't', code })),
          ),
        )
        expect(expected.peek()).toEqual({ block: 1, valid: own === 'VALID', code: own })
      }
    }
  })

  test.each([
    'NIL_ENVELOPE',
    'BAD_PAYLOAD',
    'BAD_COMMON_HEADER',
    'BAD_CREATOR_SIGNATURE',
    'BAD_PROPOSAL_TXID',
    'UNSUPPORTED_TX_PAYLOAD',
    'INVALID_CONFIG_TRANSACTION',
    'CODE_99',
  ])('is not told by %s, which anybody can get for its id', (code) => {
    const tail = createTail()
    tail.deliver(blockOf(0))
    const expected = tail.expect('t')
    tail.deliver(blockOf(1, [{ transactionId: 't', code }]))
    expect(expected.peek()).toBeUndefined()
    tail.deliver(blockOf(2, [{ transactionId: 't', code: 'DUPLICATE_TXID' }]))
    expect(expected.peek()).toEqual({ block: 2, valid: false, code: 'DUPLICATE_TXID' })
  })

  test('may lie in a block that was missed: then a second copy says nothing', () => {
    const tail = createTail()
    const expected = tail.expect('t')
    tail.deliver(blockOf(7, [{ transactionId: 't', code: 'DUPLICATE_TXID' }]))
    expect(expected.peek()).toBeUndefined()
  })

  test('is asked of other peers while the own one is away', async () => {
    const tail = createTail()
    let asked = 0
    const lookUp: CommitOptions['lookUp'] = () => {
      asked += 1
      return Promise.resolve(asked < 3 ? undefined : { block: 9, valid: true, code: 'VALID' })
    }
    const seen = await awaitCommit(tail.expect('t'), options({ connected: () => false, lookUp }))
    expect(seen).toEqual({ block: 9, valid: true, code: 'VALID' })
    expect(asked).toBe(3)
  })

  test('is asked of other peers when the own one seems to hang', async () => {
    const lookUp: CommitOptions['lookUp'] = () => Promise.resolve({ block: 9, valid: true, code: 'VALID' })
    const seen = await awaitCommit(createTail().expect('t'), options({ patienceMs: 10, lookUp }))
    expect(seen?.block).toBe(9)
  })

  test('is unknown at the deadline', async () => {
    expect(await awaitCommit(createTail().expect('t'), options({ timeoutMs: 10 }))).toBeUndefined()
  })
})

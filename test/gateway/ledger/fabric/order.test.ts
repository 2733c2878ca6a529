import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { rememberHealth } from '../../../../gateway/src/ledger/fabric/node.ts'
import {
  concludeOrdering,
  order,
  readStatus,
  type Attempt,
  type OrderOptions,
} from '../../../../gateway/src/ledger/fabric/order.ts'
import { fakeOrderer, type OrdererBehaviour } from '../../../support/fabric-fakes.ts'

const attempts = fc.constantFrom<Attempt[]>('accepted', 'unsent', 'unavailable', 'rejected', 'unclear')

const options = (behaviours: readonly OrdererBehaviour[]): OrderOptions & { sent: unknown[] } => {
  const sent: unknown[] = []
  return {
    orderers: behaviours.map((behaviour, index) =>
      fakeOrderer(`orderer${index}`, behaviour, (envelope) => sent.push(envelope)),
    ),
    health: rememberHealth(1000),
    timeoutMs: 60,
    connectMs: 20,
    attemptMs: 20,
    pauseMs: 5,
    random: () => 0,
    seen: () => false,
    onFailure: () => {},
    sent,
  }
}

describe('ordering', () => {
  test('nothing was ordered only when every attempt failed openly', () => {
    fc.assert(
      fc.property(fc.array(attempts), (history) => {
        const outcome = concludeOrdering(history)
        if (history.includes('accepted')) expect(outcome).toBe('accepted')
        else expect(outcome === 'refused').toBe(!history.includes('unclear'))
      }),
    )
  })

  test('only SUCCESS is an acceptance', () => {
    expect(readStatus('SUCCESS')).toBe('accepted')
    expect(readStatus('SERVICE_UNAVAILABLE')).toBe('unavailable')
    for (const status of ['BAD_REQUEST', 'FORBIDDEN', 'NOT_FOUND', undefined, 200])
      expect(readStatus(status)).toBe('rejected')
  })

  test('it goes on to the next orderer, with the same envelope', async () => {
    const given = options(['away', 'SERVICE_UNAVAILABLE', 'breaks', 'SUCCESS'])
    const envelope = { payload: 'bytes' }
    expect(await order(envelope, given)).toBe('accepted')
    expect(given.sent).toEqual([envelope, envelope, envelope])
    expect(given.sent.every((item) => item === envelope)).toBe(true)
  })

  test('an orderer that comes back within the time gets it', async () => {
    const behaviours: OrdererBehaviour[] = ['away', 'away', 'SUCCESS']
    const given = options([])
    const one = fakeOrderer('orderer', () => behaviours.shift() ?? 'SUCCESS')
    expect(await order('envelope', { ...given, orderers: [one], timeoutMs: 1000 })).toBe('accepted')
  })

  test.each<OrdererBehaviour[]>([['away'], ['SERVICE_UNAVAILABLE', 'away'], ['BAD_REQUEST'], []])(
    'with %s the ledger is unavailable',
    async (...behaviours) => {
      await expect(order('envelope', options(behaviours))).rejects.toMatchObject({
        code: 'LEDGER_UNAVAILABLE',
      })
    },
  )

  test.each<OrdererBehaviour[]>([['breaks'], ['hangs', 'away'], ['breaks', 'BAD_REQUEST']])(
    'with %s the outcome is unknown',
    async (...behaviours) => {
      expect(await order('envelope', options(behaviours))).toBe('unknown')
    },
  )

  test('a transaction that has been seen in a block was ordered, whatever the orderers said', async () => {
    expect(await order('envelope', { ...options(['breaks', 'away']), seen: () => true })).toBe('accepted')
  })
})

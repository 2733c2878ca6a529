import { beforeEach, describe, expect, test } from 'vitest'
import { eventOf, issuerKeysChanged, transactions, type TransactionName } from 'medledger-chaincode/api'
import { followKeyChanges, type KeyChanges } from '../../../gateway/src/identity/index.ts'
import type { BlockWatcher } from '../../../gateway/src/ledger/index.ts'

let watcher: BlockWatcher | undefined
let changes: KeyChanges

const deliver = (number: number, event?: string): void =>
  watcher?.block({
    number,
    transactions: [
      { transactionId: 'a', block: number, position: 0, valid: true, code: 'VALID' },
      {
        transactionId: 'b',
        block: number,
        position: 1,
        valid: true,
        code: 'VALID',
        ...(event !== undefined && { event }),
      },
    ],
  })

beforeEach(() => {
  changes = followKeyChanges({
    watch(given) {
      watcher = given
      return () => {
        watcher = undefined
      }
    },
  })
})

describe('a change of keys', () => {
  test('is every block that announces one, and no other', () => {
    const before = changes.count()
    deliver(4)
    deliver(5, 'something-else')
    expect([changes.count(), changes.block()]).toEqual([before, undefined])
    deliver(6, issuerKeysChanged)
    expect([changes.count(), changes.block()]).toEqual([before + 1, 6])
    deliver(7)
    expect([changes.count(), changes.block()]).toEqual([before + 1, 6])
  })

  test('may have been missed when the stream was away', () => {
    watcher?.connection(true)
    const before = changes.count()
    expect(changes.isLive()).toBe(true)
    watcher?.connection(false)
    expect(changes.isLive()).toBe(false)
    watcher?.connection(true)
    expect(changes.isLive()).toBe(true)
    expect(changes.count()).toBeGreaterThan(before)
  })

  test('is heard of no more after the end', () => {
    changes.stop()
    expect(watcher).toBeUndefined()
  })
})

test('the ledger announces keys that are added or revoked, and nothing else', () => {
  const names = Object.keys(transactions) as TransactionName[]
  expect(names.filter((name) => eventOf(name) === issuerKeysChanged)).toEqual([
    'AddIssuerKey',
    'RevokeIssuerKey',
  ])
})

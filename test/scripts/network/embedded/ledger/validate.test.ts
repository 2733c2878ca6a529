import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { definitionOf } from '../../../../../scripts/network/fabric/definition.ts'
import { hashedSpace } from '../../../../../scripts/network/embedded/ledger/keys.ts'
import type {
  CollectionSet,
  NamespaceSet,
} from '../../../../../scripts/network/embedded/ledger/read-write-set.ts'
import type { Version } from '../../../../../scripts/network/embedded/ledger/state.ts'
import {
  validateBlock,
  writesOf,
  type ValidationContext,
} from '../../../../../scripts/network/embedded/ledger/validate.ts'
import { code, codeName } from '../../../../../scripts/network/embedded/ledger/validation-code.ts'
import type { CheckedTransaction } from '../../../../../scripts/network/embedded/ledger/verify-signatures.ts'
import { demoTopology } from '../../../../../scripts/network/topology.ts'
import { createMemoryState } from '../../../../support/memory-state.ts'

const definition = definitionOf(demoTopology())
const everyone = ['NorthMSP', 'SouthMSP', 'AuthorityMSP']
const empty = Buffer.alloc(0)

type Changes = Partial<Omit<CheckedTransaction, 'header' | 'action' | 'endorsers'>> & {
  readonly id?: string
  readonly channel?: string
  readonly chaincodeVersion?: string
  readonly by?: readonly string[]
  readonly namespace?: Partial<NamespaceSet>
}

/** A transaction of the probe that everyone has endorsed, with some things different. */
function transaction({
  id = 'id',
  channel,
  by = everyone,
  namespace,
  chaincodeVersion,
  ...rest
}: Changes = {}): CheckedTransaction {
  const set = {
    namespace: definition.name,
    reads: [],
    writes: [],
    ranges: [],
    collections: [],
    unsupported: [],
    ...namespace,
  }
  return {
    envelope: empty,
    fault: undefined,
    isCreatorValid: true,
    endorsers: by.map((mspId) => ({ mspId, role: 'peer' as const })),
    header: {
      channel: channel ?? 'medledger',
      type: 3,
      transactionId: id,
      creator: empty,
      nonce: empty,
      timestampSeconds: 0,
      payload: empty,
      signature: empty,
      extension: empty,
    },
    action: {
      chaincode: definition.name,
      chaincodeVersion: chaincodeVersion ?? definition.version,
      eventName: undefined,
      endorsed: empty,
      endorsements: [],
      namespaces: [set],
    },
    ...rest,
  }
}

const collectionSet = (collection: string, set: Partial<CollectionSet>): CollectionSet => ({
  collection,
  reads: [],
  writes: [],
  purges: [],
  privateHash: empty,
  ...set,
})
const write = { key: 'k', value: Buffer.from('v') }
const privately = (...names: readonly string[]): Partial<NamespaceSet> => ({
  collections: names.map((name) => collectionSet(name, { writes: [write] })),
})

/** As every purge is made: a deletion that says that it is one. */
const purging = (name: string): Partial<NamespaceSet> => ({
  collections: [collectionSet(name, { writes: [{ key: 'k', value: undefined }], purges: ['k'] })],
})

function validate(
  transactions: readonly CheckedTransaction[],
  held: Readonly<Record<string, Version>> = {},
  own = definition,
): string[] {
  const state = createMemoryState()
  state.write(
    Object.entries(held).map(([key, version]) => ({
      space: definition.name,
      key,
      entry: { value: Buffer.from(key), version },
    })),
  )
  const context: ValidationContext = {
    block: 7,
    channel: 'medledger',
    definitionOf: (name) => (name === own.name ? { ...own, sequence: 1 } : undefined),
    state,
    hasTransaction: (id) => id === 'committed',
    configuration: () => {
      throw new Error('no configuration is judged here')
    },
  }
  return validateBlock(transactions, context).map(codeName)
}

describe('one transaction', () => {
  test.each<[string, Changes, string]>([
    ['that everyone endorsed', {}, 'VALID'],
    ['of another channel', { channel: 'other' }, 'BAD_CREATOR_SIGNATURE'],
    ['with a false creator', { isCreatorValid: false }, 'BAD_CREATOR_SIGNATURE'],
    ['that is on the ledger', { id: 'committed' }, 'DUPLICATE_TXID'],
    ['endorsed under another version, which Fabric does not compare', { chaincodeVersion: '0' }, 'VALID'],
    [
      'that writes in a foreign namespace',
      { namespace: { namespace: 'other', writes: [write] } },
      'INVALID_CHAINCODE',
    ],
    ['that cannot be read', { fault: code.BAD_RWSET }, 'BAD_RWSET'],
    ['with a false id', { fault: code.BAD_PROPOSAL_TXID }, 'BAD_PROPOSAL_TXID'],
    [
      'with a false header and a false creator',
      { fault: code.BAD_COMMON_HEADER, isCreatorValid: false },
      'BAD_COMMON_HEADER',
    ],
    [
      'with a false creator and a false id',
      { fault: code.BAD_PROPOSAL_TXID, isCreatorValid: false },
      'BAD_CREATOR_SIGNATURE',
    ],
    [
      'that is on the ledger and cannot be read',
      { id: 'committed', fault: code.BAD_RWSET },
      'DUPLICATE_TXID',
    ],
  ])('%s', (_, changes, expected) => {
    expect(validate([transaction(changes)])).toEqual([expected])
  })
})

describe('endorsements', () => {
  const failure = 'ENDORSEMENT_POLICY_FAILURE'
  test.each<[string, readonly string[], Partial<NamespaceSet>, string]>([
    ['a public write by one', ['NorthMSP'], { writes: [write] }, failure],
    ['a public write by a majority', ['NorthMSP', 'SouthMSP'], { writes: [write] }, 'VALID'],
    ['nothing written, by one', ['NorthMSP'], {}, failure],
    [
      'an access entry without its custodian',
      ['SouthMSP', 'AuthorityMSP'],
      privately('access-north'),
      failure,
    ],
    [
      'an access entry by its custodian and another',
      ['NorthMSP', 'AuthorityMSP'],
      privately('access-north'),
      'VALID',
    ],
    ['a consent without its custodian', ['SouthMSP', 'AuthorityMSP'], privately('consent-north'), 'VALID'],
    [
      'entries of two custodians by one of them',
      ['NorthMSP', 'AuthorityMSP'],
      privately('access-north', 'access-south'),
      failure,
    ],
    [
      'entries of two custodians by both',
      ['NorthMSP', 'SouthMSP'],
      privately('access-north', 'access-south'),
      'VALID',
    ],
    ['a collection that does not exist', everyone, privately('nowhere'), failure],
    ['a purge without the custodian', ['SouthMSP', 'AuthorityMSP'], purging('access-north'), failure],
    ['a purge by the custodian and another', ['NorthMSP', 'AuthorityMSP'], purging('access-north'), 'VALID'],
  ])('%s', (_, by, namespace, expected) => {
    expect(validate([transaction({ by, namespace })])).toEqual([expected])
  })
})

test('what is only written in a collection needs that collection’s policy, and not the chaincode’s', () => {
  const name = 'own'
  const policy = { count: 1, rules: [{ mspId: 'NorthMSP', role: 'peer' as const }] }
  const collection = {
    name,
    members: new Set(['NorthMSP']),
    policy,
    memberOnlyRead: false,
    memberOnlyWrite: false,
  }
  const own = { ...definition, collections: new Map([[name, collection]]) }
  const by = ['NorthMSP']
  expect(validate([transaction({ by, namespace: privately(name) })], {}, own)).toEqual(['VALID'])
  const both = { ...privately(name), writes: [write] }
  expect(validate([transaction({ by, namespace: both })], {}, own)).toEqual(['ENDORSEMENT_POLICY_FAILURE'])
})

describe('conflicts', () => {
  const version = { block: 1, transaction: 0 }
  const increment = (id: string, seen: Version | undefined): CheckedTransaction =>
    transaction({ id, namespace: { reads: [{ key: 'k', version: seen }], writes: [write] } })

  test('a read of what has changed since is stale', () => {
    const held = { k: version }
    expect(validate([increment('a', version)], held)).toEqual(['VALID'])
    expect(validate([increment('a', undefined)], held)).toEqual(['MVCC_READ_CONFLICT'])
    expect(validate([increment('a', { block: 1, transaction: 1 })], held)).toEqual(['MVCC_READ_CONFLICT'])
    expect(validate([increment('a', version)])).toEqual(['MVCC_READ_CONFLICT'])
  })

  test('an earlier valid transaction of the block wins, an invalid one does not count', () => {
    const held = { k: version }
    expect(validate([increment('a', version), increment('b', version)], held)).toEqual([
      'VALID',
      'MVCC_READ_CONFLICT',
    ])
    const invalid = transaction({
      ...increment('a', version),
      id: 'a',
      by: [],
      namespace: { writes: [write] },
    })
    expect(validate([{ ...invalid, endorsers: [] }, increment('b', version)], held)).toEqual([
      'ENDORSEMENT_POLICY_FAILURE',
      'VALID',
    ])
  })

  test('reads of private data conflict by the hashes of their keys', () => {
    const read = collectionSet('access-north', { reads: [{ key: 'k', version }] })
    expect(validate([transaction({ namespace: { collections: [read] } })])).toEqual(['MVCC_READ_CONFLICT'])
    const absent = collectionSet('access-north', {
      reads: [{ key: 'k', version: undefined }],
      writes: [write],
    })
    const both = ['a', 'b'].map((id) => transaction({ id, namespace: { collections: [absent] } }))
    expect(validate(both)).toEqual(['VALID', 'MVCC_READ_CONFLICT'])
  })

  test('a purge conflicts as a deletion does, whether there is anything to purge or not', () => {
    const reading = transaction({
      id: 'b',
      namespace: {
        collections: [collectionSet('access-north', { reads: [{ key: 'k', version: undefined }] })],
      },
    })
    const purge = transaction({ id: 'a', namespace: purging('access-north') })
    expect(validate([purge, reading])).toEqual(['VALID', 'MVCC_READ_CONFLICT'])
    expect(validate([reading, purge])).toEqual(['VALID', 'VALID'])
  })

  test('a range that an earlier transaction of the block wrote into, or the state has otherwise, is a phantom', () => {
    const ranging = (end: string): CheckedTransaction =>
      transaction({
        id: 'b',
        namespace: { ranges: [{ start: 'a', end, isExhausted: true, seen: [] }], writes: [write] },
      })
    const writing = transaction({ id: 'a', namespace: { writes: [write] } })
    expect(validate([ranging('z')])).toEqual(['VALID'])
    expect(validate([ranging('z')], { k: version })).toEqual(['PHANTOM_READ_CONFLICT'])
    expect(validate([writing, ranging('z')])).toEqual(['VALID', 'PHANTOM_READ_CONFLICT'])
    expect(validate([writing, ranging('k')])).toEqual(['VALID', 'VALID'])
    expect(validate([ranging('z'), transaction({ id: 'a', namespace: { writes: [write] } })])).toEqual([
      'VALID',
      'VALID',
    ])
  })

  test('a range that foresees the version of a write in its block has not changed', () => {
    const seeing = (index: number): CheckedTransaction =>
      transaction({
        id: 'b',
        namespace: {
          ranges: [
            {
              start: 'a',
              end: 'z',
              isExhausted: true,
              seen: [{ key: 'k', version: { block: 7, transaction: index } }],
            },
          ],
        },
      })
    const writing = transaction({ id: 'a', namespace: { writes: [write] } })
    expect(validate([writing, seeing(0)])).toEqual(['VALID', 'VALID'])
    expect(validate([writing, seeing(1)])).toEqual(['VALID', 'PHANTOM_READ_CONFLICT'])
  })

  test('of stale reads and phantoms Fabric names what it finds first', () => {
    const ranges = [{ start: 'a', end: 'z', isExhausted: true, seen: [] }]
    const stale = { key: 'k', version: undefined }
    const privately = collectionSet('access-north', { reads: [{ key: 'k', version }] })
    const held = { k: version }
    expect(validate([transaction({ namespace: { reads: [stale], ranges } })], held)).toEqual([
      'MVCC_READ_CONFLICT',
    ])
    expect(validate([transaction({ namespace: { ranges, collections: [privately] } })], held)).toEqual([
      'PHANTOM_READ_CONFLICT',
    ])
  })

  test('the second use of an id in a block is a duplicate, even of one that conflicts', () => {
    expect(validate([transaction(), transaction()])).toEqual(['VALID', 'DUPLICATE_TXID'])
    expect(validate([increment('a', version), increment('a', version)])).toEqual([
      'MVCC_READ_CONFLICT',
      'DUPLICATE_TXID',
    ])
  })

  test('an id is free as long as only what is not endorsed has had it', () => {
    expect(validate([transaction({ by: ['NorthMSP'] }), transaction(), transaction()])).toEqual([
      'ENDORSEMENT_POLICY_FAILURE',
      'VALID',
      'DUPLICATE_TXID',
    ])
  })

  test('of any number of increments of one state exactly the first is valid', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 8 }), (ids) => {
        fc.pre(!ids.includes('committed'))
        const codes = validate(ids.map((id) => increment(id, undefined)))
        expect(codes).toEqual(ids.map((_, index) => (index === 0 ? 'VALID' : 'MVCC_READ_CONFLICT')))
      }),
    )
  })
})

test('only valid transactions write, each with its own version', () => {
  const transactions = [
    transaction({ namespace: { writes: [write] } }),
    transaction({ namespace: privately('access-north') }),
  ]
  expect(writesOf(7, transactions, [code.MVCC_READ_CONFLICT, code.VALID])).toEqual([
    {
      space: hashedSpace(definition.name, 'access-north'),
      key: 'k',
      entry: { value: write.value, version: { block: 7, transaction: 1 } },
    },
  ])
})

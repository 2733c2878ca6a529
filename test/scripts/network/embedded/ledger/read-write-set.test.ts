import { describe, expect, test } from 'vitest'
import { sha256 } from '../../../../../scripts/network/fabric/digest.ts'
import { build, encoded, kvrwset, rwset } from '../../../../../scripts/network/fabric/message.ts'
import {
  keyHashOf,
  privateWritesOf,
  readWriteSetOf,
  withoutKeys,
  type CollectionSet,
} from '../../../../../scripts/network/embedded/ledger/read-write-set.ts'

type HashedWrite = Parameters<typeof build<InstanceType<typeof kvrwset.KVWriteHash>>>[1]

/** How a collection's hashed write is read. */
function read(write: HashedWrite): CollectionSet | undefined {
  const hashedRwset = encoded(kvrwset.HashedRWSet, {
    hashedWritesList: [build(kvrwset.KVWriteHash, { keyHash: sha256(Buffer.from('k')), ...write })],
  })
  const set = build(rwset.CollectionHashedReadWriteSet, { collectionName: 'c', hashedRwset })
  const own = build(rwset.NsReadWriteSet, { namespace: 'n', collectionHashedRwsetList: [set] })
  return readWriteSetOf(encoded(rwset.TxReadWriteSet, { nsRwsetList: [own] }))[0]?.collections[0]
}

const valueHash = sha256(Buffer.from('value'))

describe('a hashed write', () => {
  test.each<[string, HashedWrite, { value: Buffer | undefined; isPurge: boolean }]>([
    ['of a value', { valueHash }, { value: valueHash, isPurge: false }],
    ['that deletes', { isDelete: true }, { value: undefined, isPurge: false }],
    ['without a hash', {}, { value: undefined, isPurge: false }],
    ['of an empty value', { valueHash: sha256() }, { value: undefined, isPurge: false }],
    ['that purges', { isDelete: true, isPurge: true }, { value: undefined, isPurge: true }],
    // No simulation makes it; Fabric's state takes the hash all the same.
    ['that writes and purges', { valueHash, isPurge: true }, { value: valueHash, isPurge: true }],
  ])('%s is read as Fabric reads it', (_, write, { value, isPurge }) => {
    const key = keyHashOf('k')
    expect(read(write)).toMatchObject({ writes: [{ key, value }], purges: isPurge ? [key] : [] })
  })
})

test('a private write set without some keys has the others as they were', () => {
  const whole = encoded(kvrwset.KVRWSet, {
    writesList: [
      build(kvrwset.KVWrite, { key: 'a', value: Buffer.from('1') }),
      build(kvrwset.KVWrite, { key: 'b', isDelete: true }),
      build(kvrwset.KVWrite, { key: 'c', value: Buffer.from('3') }),
    ],
  })
  const gone = new Set(['a', 'never'].map(keyHashOf))
  const rest = withoutKeys(whole, (keyHash) => gone.has(keyHash))
  expect(privateWritesOf(rest)).toEqual([
    { key: 'b', value: undefined },
    { key: 'c', value: Buffer.from('3') },
  ])
  expect(withoutKeys(whole, () => false)).toEqual(whole)
  expect(withoutKeys(whole, () => true)).toHaveLength(0)
})

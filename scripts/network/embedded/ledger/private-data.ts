import { build, bytes, decode, encode, type ledger, rwset } from '../../fabric/message.ts'

/** A transaction's private write sets (`kvrwset.KVRWSet` bytes) by collection, all of one chaincode. */
export type PrivateSets = ReadonlyMap<string, Buffer>

/** `rwset.TxPvtReadWriteSet`, as peers send, store and deliver it. */
export function toPrivateMessage(namespace: string, sets: PrivateSets): ledger.rwset.TxPvtReadWriteSet {
  const collectionPvtRwsetList = [...sets].map(([collectionName, content]) =>
    build(rwset.CollectionPvtReadWriteSet, { collectionName, rwset: content }),
  )
  return build(rwset.TxPvtReadWriteSet, {
    dataModel: rwset.TxReadWriteSet.DataModel.KV,
    nsPvtRwsetList: [build(rwset.NsPvtReadWriteSet, { namespace, collectionPvtRwsetList })],
  })
}

export const encodePrivate = (namespace: string, sets: PrivateSets): Buffer =>
  encode(toPrivateMessage(namespace, sets))

/** Errors: when the bytes are not a `rwset.TxPvtReadWriteSet`. */
export function decodePrivate(content: Uint8Array): PrivateSets {
  const namespaces = decode(rwset.TxPvtReadWriteSet, content).getNsPvtRwsetList()
  const collections = namespaces.flatMap((namespace) => namespace.getCollectionPvtRwsetList())
  return new Map(collections.map((set) => [set.getCollectionName(), bytes(set.getRwset_asU8())]))
}

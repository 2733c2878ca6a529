import { describe, expect, test } from 'vitest'
import type { PrivateSets } from '../../../../../scripts/network/embedded/ledger/private-data.ts'
import { createPrivateAnswer } from '../../../../../scripts/network/embedded/node/deliver-answers.ts'
import { createBlock, encodeBlock } from '../../../../../scripts/network/fabric/block.ts'
import { definitionOf } from '../../../../../scripts/network/fabric/definition.ts'
import { decode, peer } from '../../../../../scripts/network/fabric/message.ts'
import { narrowTopology } from '../../../../../scripts/network/topology.ts'

const product = definitionOf(narrowTopology())
const collection = 'access-north'
const held: PrivateSets = new Map([
  [collection, Buffer.from([1])],
  ['no longer defined', Buffer.from([2])],
])

/** The collections of which a client is delivered what the peer holds. */
function seenBy(mspId: string, memberOnlyRead: boolean): string[] {
  const collections = new Map(
    [...product.collections].map(([name, one]) => [name, { ...one, memberOnlyRead }] as const),
  )
  const answer = createPrivateAnswer(product.name, {
    definitionOf: () => ({ ...product, collections, sequence: 1 }),
    privateData: () => new Map([[3, held]]),
  })
  const block = encodeBlock(createBlock(7, Buffer.alloc(32), []))
  const message = decode(peer.DeliverResponse, answer(block, mspId)).getBlockAndPrivateData()
  const sets = message?.getPrivateDataMapMap().get(3)?.getNsPvtRwsetList() ?? []
  return sets.flatMap((set) => set.getCollectionPvtRwsetList().map((one) => one.getCollectionName()))
}

describe('a full block', () => {
  test('has what the peer holds, for every organisation’s clients, as the product has it', () => {
    expect(seenBy('NorthMSP', false)).toEqual([collection])
    expect(seenBy('SouthMSP', false)).toEqual([collection])
  })

  test('has a collection with memberOnlyRead for its members’ clients alone', () => {
    expect(seenBy('NorthMSP', true)).toEqual([collection])
    expect(seenBy('SouthMSP', true)).toEqual([])
  })
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createPrivateExchange } from '../../../../scripts/network/embedded/private-exchange.ts'
import type { PeerPart } from '../../../../scripts/network/embedded/node/peer-part.ts'
import type { PartName } from '../../../../scripts/network/embedded/part-name.ts'
import { readTransaction } from '../../../../scripts/network/embedded/ledger/transaction.ts'
import { decodeBlock } from '../../../../scripts/network/fabric/block.ts'
import { sha256 } from '../../../../scripts/network/fabric/digest.ts'
import {
  collection,
  createPurgeWorld,
  definition,
  members,
  outsider,
  type Peer,
} from './ledger/purge-world.ts'

const root = mkdtempSync(join(tmpdir(), 'medledger-exchange-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const peers: readonly Peer[] = [...members, outsider]
const content = Buffer.from('a private write set')
const sets = new Map([[collection, content]])

test('private data reach the members, and nobody once the transaction is on the ledger', async () => {
  const world = createPurgeWorld(root)
  for (const peer of peers) await world.open(peer)
  const parts = new Map(
    peers.map((mspId): [PartName, PeerPart] => [
      `peer-${mspId}`,
      // Of a peer only its organisation and its ledger are asked.
      { mspId, ledger: world.of(mspId) } as PeerPart,
    ]),
  )
  const exchange = createPrivateExchange(definition.name, parts)
  const holders = (transactionId: string): string[] =>
    peers.filter(
      (peer) => world.of(peer).transient.find(transactionId, collection, sha256(content)) !== undefined,
    )
  await exchange.distribute('peer-NorthMSP', 'waiting', sets)
  expect(holders('waiting')).toEqual([...members])
  await world.commit({ kinds: { k: 'put' }, sentTo: members })
  const [envelope = Buffer.alloc(0)] = decodeBlock(world.of('NorthMSP').blocks.read(0)).envelopes
  const committed = readTransaction(envelope).header?.transactionId ?? ''
  await exchange.distribute('peer-NorthMSP', committed, sets)
  expect(holders(committed)).toEqual([])
  world.closeAll()
})

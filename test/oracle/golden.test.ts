import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { versionBytes } from '../../scripts/network/embedded/ledger/commit-hash.ts'
import { createRangeRecord, toRangeMessage } from '../../scripts/network/embedded/ledger/range-query.ts'
import { createReadWriteSet } from '../../scripts/network/embedded/ledger/read-write-set-builder.ts'
import { readWriteSetOf } from '../../scripts/network/embedded/ledger/read-write-set.ts'
import { blockHash, dataHashOf, headerBytes } from '../../scripts/network/fabric/block.ts'
import { sha256, transactionId } from '../../scripts/network/fabric/digest.ts'
import { decode, encode, encoded, peer } from '../../scripts/network/fabric/message.ts'

/** Bytes in hexadecimal. */
type Hex = string

interface Golden {
  readonly transactionId: { readonly nonce: Hex; readonly creator: Hex; readonly id: string }
  readonly proposalHash: Readonly<
    Record<'channelHeader' | 'signatureHeader' | 'payload' | 'visible' | 'hash' | 'hashOfVisible', Hex>
  >
  readonly blockHeaders: ReadonlyArray<{
    readonly number: string
    readonly previousHash: Hex
    readonly dataHash: Hex
    readonly bytes: Hex
    readonly hash: Hex
  }>
  readonly blockData: { readonly envelopes: readonly Hex[]; readonly hash: Hex }
  readonly versions: ReadonlyArray<{
    readonly block: number
    readonly transaction: number
    readonly bytes: Hex
  }>
  readonly readWriteSet: Readonly<Record<'public' | 'collection' | 'private' | 'privateHash', string>>
  readonly ranges: ReadonlyArray<{ readonly rows: number; readonly exhausted: boolean; readonly sha256: Hex }>
}

/** What Fabric's own code makes of the same input; the file says of which release. */
const golden = JSON.parse(readFileSync(new URL('golden.json', import.meta.url), 'utf8')) as Golden

const fromHex = (hex: Hex): Buffer => Buffer.from(hex, 'hex')

test('a transaction id', () => {
  const { nonce, creator, id } = golden.transactionId
  expect(transactionId(fromHex(nonce), fromHex(creator))).toBe(id)
})

test('the hash of a proposal, in which what is transient does not count', () => {
  const { channelHeader, signatureHeader, payload, visible, hash, hashOfVisible } = golden.proposalHash
  const input = decode(peer.ChaincodeProposalPayload, fromHex(payload)).getInput_asU8()
  expect(encoded(peer.ChaincodeProposalPayload, { input }).toString('hex')).toBe(visible)
  const ours = sha256(fromHex(channelHeader), fromHex(signatureHeader), fromHex(visible)).toString('hex')
  expect(ours).toBe(hash)
  expect(ours).toBe(hashOfVisible)
})

test.each(golden.blockHeaders)('the header of block $number after "$previousHash"', (header) => {
  const block = {
    number: Number(header.number),
    previousHash: fromHex(header.previousHash),
    dataHash: fromHex(header.dataHash),
  }
  expect(headerBytes(block).toString('hex')).toBe(header.bytes)
  expect(blockHash(block).toString('hex')).toBe(header.hash)
})

test('the hash of a block’s data', () => {
  expect(dataHashOf(golden.blockData.envelopes.map(fromHex)).toString('hex')).toBe(golden.blockData.hash)
})

test.each(golden.versions)('the version of block $block, transaction $transaction', (version) => {
  expect(versionBytes(version).toString('hex')).toBe(version.bytes)
})

describe('a read/write set', () => {
  const set = createReadWriteSet('medledger')
  set.read('', 'read', { block: 5, transaction: 2 })
  set.read('', 'absent', undefined)
  set.read('', 'at the beginning', { block: 0, transaction: 0 })
  set.read('', 'ä', { block: 1, transaction: 0 })
  set.read('', 'z', { block: 1, transaction: 1 })
  set.write('', 'written', Buffer.from('value'), false)
  set.write('', 'deleted', undefined, false)
  set.write('', '\u00e9', Buffer.from('e'), false)
  set.read('access-north', 'read', { block: 3, transaction: 4 })
  set.read('access-north', 'absent', undefined)
  set.write('access-north', 'written', Buffer.from('secret'), false)
  set.write('access-north', 'deleted', undefined, false)
  set.write('access-north', 'purged', undefined, true)
  set.read('registry', 'only read', { block: 9, transaction: 9 })
  const { publicSet, privateSets } = set.results()
  const { readWriteSet } = golden

  test('with reads, writes, deletions, hashes and a purge', () => {
    expect(publicSet.toString('hex')).toBe(readWriteSet.public)
  })

  test('of private values, and its hash, which the public one holds', () => {
    const content = privateSets.get(readWriteSet.collection) ?? Buffer.alloc(0)
    expect(content.toString('hex')).toBe(readWriteSet.private)
    expect(sha256(content).toString('hex')).toBe(readWriteSet.privateHash)
    const [own] = readWriteSetOf(fromHex(readWriteSet.public))
    const found = own?.collections.find(({ collection }) => collection === readWriteSet.collection)
    expect(found?.privateHash.toString('hex')).toBe(readWriteSet.privateHash)
  })
})

test.each(golden.ranges)(
  'a range of $rows rows, read to its end: $exhausted',
  ({ rows, exhausted, ...range }) => {
    const record = createRangeRecord('r', 's')
    for (let row = 0; row < rows; row += 1)
      record.see({ key: `r${String(row).padStart(5, '0')}`, version: { block: row, transaction: row % 7 } })
    if (exhausted) record.exhaust()
    expect(sha256(encode(toRangeMessage(record.query()))).toString('hex')).toBe(range.sha256)
  },
)

import { describe, expect, test } from 'vitest'
import {
  blockHash,
  createBlock,
  encodeBlock,
  slot,
  withMetadata,
  type Block,
} from '../../../../scripts/network/fabric/block.ts'
import { common, encoded } from '../../../../scripts/network/fabric/message.ts'
import type { Administration, Administrator } from '../../../../scripts/network/docker/administration.ts'
import { compareChains } from '../../../../scripts/network/docker/compare.ts'
import { demoTopology } from '../../../../scripts/network/topology.ts'

const topology = demoTopology(7000, 'docker')

/** A chain whose blocks have one transaction each, with a validation code and a commit hash. */
function chain(codes: readonly number[], commitHash = 'state'): Block[] {
  const blocks: Block[] = []
  for (const [number, code] of codes.entries()) {
    const before = blocks.at(-1)
    const plain = createBlock(number, before === undefined ? Buffer.alloc(0) : blockHash(before), [
      Buffer.from(`transaction ${number}`),
    ])
    const judged = withMetadata(plain, slot.validationCodes, Buffer.from([code]))
    blocks.push(withMetadata(judged, slot.commitHash, Buffer.from(`${commitHash} ${number}`)))
  }
  return blocks
}

/** A peer that has these blocks and nothing else. */
const peerWith = (organisation: string, blocks: readonly Block[]): Administrator => ({
  organisation,
  mspId: `${organisation}MSP`,
  orderer: { participation: () => Promise.resolve(undefined), join: () => Promise.resolve() },
  ask: () => Promise.resolve(encoded(common.BlockchainInfo, { height: blocks.length })),
  async *blocks(_channel, last) {
    for (const block of blocks.slice(0, last + 1)) yield encodeBlock(block)
  },
  submit: () => Promise.resolve(),
})

const compare = (...chains: readonly Block[][]): ReturnType<typeof compareChains> => {
  const administrators = chains.map((blocks, index) => peerWith(`o${index}`, blocks))
  const administration: Administration = { administrators, close() {} }
  return compareChains({ topology, administration })
}

describe('the peers’ chains', () => {
  const good = chain([0, 0, 11, 0])

  test('are the same when everything is, and it is told how much was compared', async () => {
    expect(await compare(good, good, good)).toEqual({
      blocks: 4,
      transactions: 4,
      valid: 3,
      differences: [],
    })
  })

  test('are compared as far as all of them go', async () => {
    expect(await compare(good, good.slice(0, 2))).toMatchObject({ blocks: 2, differences: [] })
  })

  test.each<[string, Block[], string]>([
    ['a validation code', chain([0, 0, 0, 0]), 'validation codes'],
    ['what was committed', chain([0, 0, 11, 0], 'other'), 'commit hash'],
    [
      'a transaction',
      good.with(3, {
        ...createBlock(3, good[3]?.previousHash ?? Buffer.alloc(0), [Buffer.from('x')]),
        metadata: good[3]?.metadata ?? [],
      }),
      'data',
    ],
  ])('differ in %s', async (_what, other, aspect) => {
    const { differences } = await compare(good, other)
    expect(differences.length).toBeGreaterThan(0)
    expect(differences.every((line) => line.startsWith('block '))).toBe(true)
    expect(differences.join('\n')).toContain(`o0 and o1 differ in the ${aspect}`)
  })

  test('that do not hang together are told, even when all peers have the same', async () => {
    const cut = good.with(2, { ...(good[2] as Block), previousHash: Buffer.alloc(32) })
    expect((await compare(cut, cut)).differences).toContain('block 2 of o0: it does not follow from block 1')
    const altered = good.with(1, { ...(good[1] as Block), envelopes: [Buffer.from('forged')] })
    expect((await compare(altered, altered)).differences).toContain(
      'block 1 of o1: its data are not what its header says',
    )
  })
})

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { serveOrderer } from '../../scripts/network/embedded/node/orderer.ts'
import { hashedSpace } from '../../scripts/network/embedded/ledger/keys.ts'
import { readTransaction } from '../../scripts/network/embedded/ledger/transaction.ts'
import { codeName } from '../../scripts/network/embedded/ledger/validation-code.ts'
import {
  blockHash,
  dataHashOf,
  decodeBlock,
  encodeBlock,
  slot,
  validationCodesOf,
  type Block,
} from '../../scripts/network/fabric/block.ts'
import { lifecycleName } from '../../scripts/network/fabric/definition.ts'
import { common } from '../../scripts/network/fabric/message.ts'
import { credentialsOf } from '../../scripts/network/profile.ts'
import { ordererPort } from '../../scripts/network/topology.ts'
import { createWorld, type World } from '../scripts/network/embedded/attacks/world.ts'
import { poll } from '../support/poll.ts'
import { compareHistories } from './history.ts'
import { comparePrivateValues } from './private-values.ts'
import { withProbe } from './probe.ts'
import type { Programs } from './programs.ts'
import { startRealPeer, type RealPeer } from './real-peer.ts'
import { differencesOf, entriesOf, readSnapshot } from './snapshot.ts'

/** What a chain does with the peers that judge it. */
export interface Chain {
  readonly world: World
  /** Puts the envelopes into the next block, has it judged here, and hands it to the real peer. */
  commit(transactions: readonly Labelled[]): Promise<void>
}

/** A transaction and in words where it comes from. */
export interface Labelled {
  readonly kind: string
  readonly envelope: Buffer
}

/** What came of a chain. */
export interface Verdict {
  readonly blocks: number
  /** How many transactions have which code, by both. */
  readonly codes: ReadonlyMap<string, number>
  /** How many transactions there were of each kind. */
  readonly kinds: ReadonlyMap<string, number>
  /** A line for each thing on which the two do not agree. */
  readonly differences: readonly string[]
  /** The real peer's copy of the chain. */
  readonly judged: readonly Block[]
}

export interface ChainOptions {
  readonly programs: Programs
  /** A folder for this chain alone. */
  readonly directory: string
  /** Whether the collections are for their members' clients alone (`memberOnlyRead`, `memberOnlyWrite`). */
  readonly isMemberOnly: boolean
  /** Grows the chain; the first two blocks are there. */
  readonly grow: (chain: Chain) => Promise<void>
}

const standstillMs = 20_000
const { Status } = common

const increase = (counts: Map<string, number>, name: string, by = 1): void =>
  void counts.set(name, (counts.get(name) ?? 0) + by)

const slotOf = ({ metadata }: Block, index: number): Buffer => metadata[index] ?? Buffer.alloc(0)

/** A line for each transaction that the two judge differently. */
function codeDifferences(ours: Block, theirs: Block, labels: readonly string[]): string[] {
  const other = validationCodesOf(theirs)
  return validationCodesOf(ours).flatMap((code, index) =>
    code === other[index]
      ? []
      : [
          `transaction ${index} (${labels[index] ?? 'one of the first blocks'}): ` +
            `ours ${codeName(code)}, Fabric’s ${codeName(other[index] ?? -1)}`,
        ],
  )
}

/** Everything in which two copies of a block differ, in words. */
export function blockDifferences(ours: Block, theirs: Block, labels: readonly string[]): string[] {
  const isSame = {
    'the hashes': blockHash(ours).equals(blockHash(theirs)),
    'the data': dataHashOf(theirs.envelopes).equals(ours.dataHash),
    'the commit hashes': slotOf(ours, slot.commitHash).equals(slotOf(theirs, slot.commitHash)),
  }
  const different = Object.entries(isSame).flatMap(([what, holds]) => (holds ? [] : [`${what} differ`]))
  return [...codeDifferences(ours, theirs, labels), ...different].map(
    (difference) => `block ${ours.number}, ${difference}`,
  )
}

/** Every key that a block names as written, whatever its transaction's code. */
function keysOf({ north, channel }: World): string[] {
  const writtenBy = (envelope: Buffer): string[] =>
    (readTransaction(envelope).action?.namespaces ?? [])
      .filter(({ namespace }) => namespace === channel.definition.name)
      .flatMap(({ writes }) => writes.map(({ key }) => key))
  const blocks = Array.from({ length: north.blocks.height }, (_, number) =>
    decodeBlock(north.blocks.read(number)),
  )
  return [...new Set(blocks.flatMap(({ envelopes }) => envelopes.flatMap(writtenBy)))]
}

function spacesOf({ channel }: World): string[] {
  const { name, collections } = channel.definition
  const approvals = channel.configuration.organisations.map(({ mspId }) =>
    hashedSpace(lifecycleName, `_implicit_org_${mspId}`),
  )
  const hashed = [...collections.keys()].map((collection) => hashedSpace(name, collection))
  return [name, lifecycleName, ...hashed, ...approvals]
}

/**
 * Makes a chain that a real peer of North joins, and compares when it has grown: heights, hashes, codes, commit hashes,
 * and the state. Errors: Error with what the peer said when it does not get to the end of the chain.
 */
export async function judgeChain({
  programs,
  directory,
  isMemberOnly,
  grow,
}: ChainOptions): Promise<Verdict> {
  const blocks: Buffer[] = []
  const listeners = new Set<() => void>()
  const labels: string[][] = [[], []]
  const world = await createWorld(
    mkdir(directory, 'ours'),
    (block) => void blocks.push(encodeBlock(block)),
    (definition) => ({
      ...definition,
      collections: new Map(
        [...definition.collections].map(([name, collection]) => [
          name,
          { ...collection, memberOnlyRead: isMemberOnly, memberOnlyWrite: isMemberOnly },
        ]),
      ),
    }),
  )
  const { topology, credentials, channel } = world
  const [ordering] = topology.orderers
  const server = await serveOrderer({
    ordering: {
      blocks: {
        get height() {
          return blocks.length
        },
        read: (number) => blocks[number] ?? Buffer.alloc(0),
      },
      accept: () => ({ status: Status.FORBIDDEN, info: 'the oracle alone makes this chain' }),
      onCommit(listener) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    },
    channel: channel.name,
    configuration: () => world.configuration(),
    port: ordererPort(topology),
    tls: credentialsOf(credentials, ordering).tls.orderer,
    now: Date.now,
  })
  const peer = await startRealPeer({
    programs,
    directory: join(directory, 'fabric'),
    topology,
    credentials,
    organisation: 'north',
  })
  const kinds = new Map<string, number>()
  try {
    await peer.join(blocks[0] ?? Buffer.alloc(0))
    const chain: Chain = {
      world,
      async commit(transactions) {
        labels.push(transactions.map(({ kind }) => kind))
        for (const { kind } of transactions) increase(kinds, kind.replace(/:.*/, ''))
        await world.commit(transactions.map(({ envelope }) => envelope))
        for (const listener of listeners) listener()
      },
    }
    await grow(chain)
    await follow(peer, blocks.length).catch((error: Error) => {
      throw new Error(`${error.message}; the peer said:\n${peer.said()}`)
    })
    const settled = (): Promise<void> => follow(peer, blocks.length)
    const others = await withProbe(chain, peer, async () => [
      ...(await compareHistories(chain, peer, keysOf(world))),
      ...(await comparePrivateValues(chain, peer, settled)),
    ])
    await settled()
    const judged: Block[] = []
    for await (const block of peer.blocks(blocks.length - 1)) judged.push(block)
    const codes = new Map<string, number>()
    const differences = judged.flatMap((theirs): string[] => {
      const ours = decodeBlock(world.north.blocks.read(theirs.number))
      for (const code of validationCodesOf(ours)) increase(codes, codeName(code))
      return blockDifferences(ours, theirs, labels[theirs.number] ?? [])
    })
    const theirs = readSnapshot(await peer.snapshot(blocks.length - 1))
    differences.push(...differencesOf(entriesOf(world.north.state, spacesOf(world)), theirs), ...others)
    return { blocks: judged.length, codes, kinds, differences, judged }
  } finally {
    await peer.stop()
    await server.close()
    world.close()
  }
}

/** Waits until the peer has so many blocks. Errors: Error naming the block at which it stands still. */
export async function follow(peer: RealPeer, height: number): Promise<void> {
  let reached = -1
  for (;;) {
    const next = await poll(
      `the peer goes on after block ${reached}`,
      async () => {
        const now = await peer.height()
        return now > reached ? now : undefined
      },
      { deadlineMs: standstillMs },
    )
    if (next === height) return
    reached = next
  }
}

function mkdir(directory: string, name: string): string {
  const path = join(directory, name)
  mkdirSync(path, { recursive: true })
  return path
}

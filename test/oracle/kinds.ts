import { createSimulation, type Simulation } from '../../scripts/network/embedded/ledger/simulate.ts'
import type { SimulationResults } from '../../scripts/network/embedded/ledger/read-write-set-builder.ts'
import { canonicalEnvelope } from '../../scripts/network/embedded/ledger/transaction.ts'
import { sha256, transactionId } from '../../scripts/network/fabric/digest.ts'
import { build, encoded, kvrwset, rwset, type ledger } from '../../scripts/network/fabric/message.ts'
import type { Signer } from '../../scripts/network/fabric/signer.ts'
import { forge, publicWrites, resultsOf, type Forgery } from '../scripts/network/embedded/attacks/forge.ts'
import { families, honest } from '../scripts/network/embedded/attacks/transactions.ts'
import type { Newcomer } from '../support/channel-changes.ts'
import type { World } from '../scripts/network/embedded/attacks/world.ts'
import type { Draw } from './draw.ts'

/*
 * Transactions of every kind, drawn at random: what our own simulation makes, what a client can make by hand, replays, and
 * attacks.
 */

/** A transaction for a block, and in words where it comes from. */
export interface Drawn {
  readonly kind: string
  readonly envelope: Buffer
  /** Set when nothing may come after it in its block. */
  readonly isLast?: boolean
}

/** What is drawn from, while the chain grows. */
export interface Source {
  readonly world: World
  /** On the channel for a part of the time. */
  readonly west: Newcomer
  readonly draw: Draw
  /** What has been drawn before, committed or not. */
  readonly earlier: readonly Drawn[]
}

const keys = [
  ...Array.from({ length: 12 }, (_, index) => `k${index}`),
  'k',
  'k1/ä',
  'kß',
  'k\u{1f600}',
  'k\uffee',
  'l',
]
/** A range of more rows than one answer to a chaincode holds, and than Fabric keeps as they are. */
export const rangeKeys = Array.from({ length: 150 }, (_, index) => `r${String(index).padStart(3, '0')}`)
const bounds = [
  '',
  'a',
  'k',
  'k1',
  'k5',
  'kß',
  'l',
  'r',
  'r010',
  'r049',
  'r050',
  'r051',
  'r099',
  'r100',
  's',
  '~',
]

const collectionsOf = ({ channel }: World): string[] => [...channel.definition.collections.keys()]
const organisationsOf = ({ topology }: World): string[] =>
  topology.constitution.organisations.map(({ name }) => name)

/** One who may send transactions. */
function creatorOf({ world, west, draw }: Source): Signer {
  if (draw.chance(0.04)) return west.of('gateway')
  const organisation = draw.one(organisationsOf(world))
  // North's operator has been revoked.
  return world.of(organisation, draw.one(organisation === 'north' ? ['gateway'] : ['gateway', 'operator']))
}

/** Mostly those whom every policy is content with, sometimes too few, sometimes somebody who does not count. */
function endorsersOf({ world, west, draw }: Source): Signer[] {
  const peers = organisationsOf(world).map((name) => world.of(name, 'peer'))
  if (draw.chance(0.6)) return peers
  const some = draw.some(peers, 0.6)
  if (draw.chance(0.7)) return some
  const stranger = draw.one([
    () => world.of('south', 'gateway'),
    () => world.of('north', 'admin'),
    () => world.of('authority', 'orderer'),
    () => world.attackers.rogue('peer'),
    () => world.attackers.revokedPeer,
    () => west.of('peer'),
    () => draw.one(peers),
  ])()
  return draw.chance(0.5) ? [...some, stranger] : [stranger, ...some]
}

/** Reads a range to its end, or as far as the draw will have it. */
function readRange(simulation: Simulation, draw: Draw): void {
  const [start, end] = [draw.one(bounds), draw.one(bounds)]
  const rows = simulation.range(start, end)
  const limit = draw.chance(0.5) ? Number.MAX_SAFE_INTEGER : draw.below(draw.chance(0.3) ? 160 : 12)
  for (let count = 0; count < limit; count += 1) if (rows.next() === undefined) return
}

const valueOf = (draw: Draw): Buffer => (draw.chance(0.1) ? Buffer.alloc(0) : draw.bytes(1 + draw.below(24)))

/** One step of a chaincode; what a peer refuses is not part of the transaction. */
function step(simulation: Simulation, { world, draw }: Source): void {
  const collection = draw.one(collectionsOf(world))
  const key = draw.one(draw.chance(0.2) ? rangeKeys : keys)
  const steps: Array<() => unknown> = [
    () => simulation.get('', key),
    () => simulation.get('', key),
    () => simulation.put('', key, valueOf(draw)),
    () => simulation.put('', key, valueOf(draw)),
    () => simulation.delete('', key),
    () => readRange(simulation, draw),
    () => simulation.getPrivateHash(collection, key),
    () => simulation.get(collection, key),
    () => simulation.put(collection, key, valueOf(draw)),
    () => simulation.put(collection, key, valueOf(draw)),
    () => simulation.delete(collection, key),
    () => simulation.purge(collection, key),
  ]
  try {
    draw.one(steps)()
  } catch {
    // A value that this peer does not hold: a chaincode would give up here, another one would not have asked.
  }
}

/** Gives private values to the members' peers, as gossip would; now and then one of them goes without. */
function distribute(
  { world, draw }: Source,
  id: string,
  { privateSets }: Pick<SimulationResults, 'privateSets'>,
): void {
  for (const [index, ledger] of world.ledgers.entries()) {
    const mspId = world.channel.configuration.organisations[index]?.mspId ?? ''
    const visible = [...privateSets].filter(
      ([name]) => world.channel.definition.collections.get(name)?.members.has(mspId) === true,
    )
    if (visible.length > 0 && !draw.chance(0.05))
      ledger.transient.add(id, ledger.blocks.height, new Map(visible))
  }
}

/** A transaction as our own simulation makes it now; put into a later block, it may be stale by then. */
export function simulated(source: Source): Drawn {
  const { world, draw } = source
  const creator = creatorOf(source)
  const nonce = draw.bytes(24)
  const id = transactionId(nonce, creator.identity)
  const ledger = draw.one(world.ledgers)
  const snapshot = ledger.state.snapshot()
  try {
    const simulation = createSimulation(snapshot, world.channel.definition, id, ledger.history)
    for (let count = 1 + draw.below(5); count > 0; count -= 1) step(simulation, source)
    const results = simulation.results()
    distribute(source, id, results)
    const forged = forge({ creator, endorsers: endorsersOf(source), nonce, results: results.publicSet })
    return { kind: 'simulated', envelope: forged.envelope }
  } finally {
    snapshot.release()
  }
}

type Version = ledger.rwset.kvrwset.Version | undefined

const versionOf = ({ world, draw }: Source): Version =>
  draw.chance(0.3)
    ? undefined
    : build(kvrwset.Version, { blockNum: draw.below(world.north.blocks.height + 1), txNum: draw.below(4) })

/** The version that a key has now, so that reads made by hand are sometimes right. */
function currentVersion({ world }: Source, space: string, key: string): Version {
  const found = world.north.state.get(space, key)
  if (found === undefined) return undefined
  const { block, transaction } = found.version
  return build(kvrwset.Version, { blockNum: block, txNum: transaction })
}

function publicPart(source: Source): Buffer {
  const { world, draw } = source
  const some = (): string[] => draw.some(keys, 0.1)
  const read = (key: string): ledger.rwset.kvrwset.KVRead =>
    build(kvrwset.KVRead, {
      key,
      version: draw.chance(0.7)
        ? currentVersion(source, world.channel.definition.name, key)
        : versionOf(source),
    })
  const range = (): ledger.rwset.kvrwset.RangeQueryInfo => {
    const seen = some().map((key) =>
      build(kvrwset.KVRead, { key, version: build(kvrwset.Version, { blockNum: draw.below(5) }) }),
    )
    return build(kvrwset.RangeQueryInfo, {
      startKey: draw.one(bounds),
      endKey: draw.one(bounds),
      itrExhausted: draw.chance(0.5),
      rawReads: draw.chance(0.2) ? undefined : build(kvrwset.QueryReads, { kvReadsList: seen }),
    })
  }
  return encoded(kvrwset.KVRWSet, {
    readsList: some().map(read),
    rangeQueriesInfoList: draw.chance(0.2) ? [range()] : [],
    // Not in the order of the keys, deleted with a value: what no simulation writes. A key twice makes Fabric's peers add
    // up the flags of both writes (tx_ops.go), and end; the embedded network refuses it.
    writesList: draw.shuffled(some()).map((key) =>
      build(kvrwset.KVWrite, {
        key,
        isDelete: draw.chance(0.2),
        value: draw.chance(0.9) ? draw.bytes(8) : undefined,
      }),
    ),
  })
}

function privatePart(source: Source, collectionName: string): Buffer {
  const { draw } = source
  const hash = (key = draw.one(keys)): Buffer => sha256(Buffer.from(key))
  const valueHash = (): Buffer => (draw.chance(0.8) ? draw.bytes(32) : draw.one([Buffer.alloc(0), sha256()]))
  const hashedRwset = encoded(kvrwset.HashedRWSet, {
    hashedReadsList: draw.chance(0.3)
      ? [build(kvrwset.KVReadHash, { keyHash: hash(), version: versionOf(source) })]
      : [],
    hashedWritesList: draw.shuffled(draw.some(keys, 0.08)).map((key) =>
      build(kvrwset.KVWriteHash, {
        keyHash: hash(key),
        isDelete: draw.chance(0.2),
        // With a value it purges what was before and writes that, which no simulation does.
        isPurge: draw.chance(0.2),
        valueHash: valueHash(),
      }),
    ),
  })
  return encoded(rwset.CollectionHashedReadWriteSet, {
    collectionName,
    hashedRwset,
    pvtRwsetHash: draw.chance(0.9) ? draw.bytes(32) : undefined,
  })
}

/** A read/write set that a client has written by hand, and that peers were found to sign. */
export function handmade(source: Source): Drawn {
  const { world, draw } = source
  const { name } = world.channel.definition
  const collections = draw
    .some(collectionsOf(world), 0.25)
    .map((collection) => privatePart(source, collection))
  const own = { namespace: name, set: publicPart(source), collections }
  // Of a namespace that does not exist and a policy that fails, Fabric says either, as a Go map has it: never both here.
  const foreign = draw.chance(0.08) && collections.length === 0
  const other = {
    namespace: draw.one(['other', `${name}$$h${draw.one(collectionsOf(world))}`, 'lscc', '']),
    set: publicWrites({ key: 'k', value: 'v' }),
  }
  const everyone = organisationsOf(world).map((organisation) => world.of(organisation, 'peer'))
  const forgery: Forgery = {
    creator: creatorOf(source),
    endorsers: foreign ? everyone : endorsersOf(source),
    nonce: draw.bytes(24),
    results: foreign ? resultsOf(own, other) : resultsOf(own),
  }
  return { kind: foreign ? 'handmade, foreign namespace' : 'handmade', envelope: forge(forgery).envelope }
}

/** An envelope once more, as it was. */
export function replayed(source: Source): Drawn {
  const { draw, earlier } = source
  return earlier.length === 0 ? simulated(source) : { ...draw.one(earlier), kind: 'replayed' }
}

/**
 * What makes a Fabric peer (2.5.16) give up instead of giving a verdict, so that nothing after it could be compared: a
 * hashed write in a collection that is not defined, valid or not (coordinator.StoreBlock), which any writer of a channel
 * can send; and a transaction of no channel, which no honest orderer puts into a block.
 */
const stopsFabric = new Set(['a collection that does not exist', 'no channel'])

/**
 * What does so as soon as another transaction of the same block comes after it and gets as far as its endorsements
 * (validator_keylevel.go, extractDependenciesForTx): any writer can send these as well.
 */
const stopsFabricBeforeOthers = new Set(['no action', 'an unreadable result'])

const attacks = [families.endorsements, families.placements, families.identities, families.forms]
  .flat()
  .filter(({ name }) => !stopsFabric.has(name))

const isCanonical = (envelope: Buffer): boolean => canonicalEnvelope(envelope)?.equals(envelope) === true

/** One of the attacks of the unit tests; those that already make a block unsound are not drawn. */
export function attacked(source: Source): Drawn {
  const { world, draw } = source
  const { name, make } = draw.one(attacks)
  const { envelope } = make(world)
  return isCanonical(envelope)
    ? { kind: `attack: ${name}`, envelope, isLast: stopsFabricBeforeOthers.has(name) }
    : { kind: 'plain', envelope: forge(honest(world)).envelope }
}

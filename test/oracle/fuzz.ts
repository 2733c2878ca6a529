import { readTransaction } from '../../scripts/network/embedded/ledger/transaction.ts'
import { forge, publicWrites, resultsOf } from '../scripts/network/embedded/attacks/forge.ts'
import { honest } from '../scripts/network/embedded/attacks/transactions.ts'
import { credentialsOf } from '../../scripts/network/profile.ts'
import type { World } from '../scripts/network/embedded/attacks/world.ts'
import type { Chain, Labelled } from './chain.ts'
import {
  batchTimeout,
  configurationOf,
  createNewcomer,
  revocations,
  type Change,
} from '../support/channel-changes.ts'
import { createRedefinitions, type Redefinitions } from './definitions.ts'
import { createDraw, type Draw } from './draw.ts'
import { attacked, handmade, rangeKeys, replayed, simulated, type Drawn, type Source } from './kinds.ts'
import { commitScenarios } from './scenarios.ts'

/** How often which kind is drawn, out of a hundred. */
const weights: ReadonlyArray<readonly [number, (source: Source) => Drawn]> = [
  [62, simulated],
  [18, handmade],
  [8, replayed],
  [12, attacked],
]

function drawOne(source: Source): Drawn {
  let rest = source.draw.below(100)
  for (const [weight, make] of weights) {
    if (rest < weight) return make(source)
    rest -= weight
  }
  return simulated(source)
}

/** How many envelopes may be drawn again; older ones are forgotten. */
const remembered = 400
const largestBlock = 24
/** A transaction waits for up to so many blocks, and may be stale by then. */
const longestWait = 4

const plain = (world: World): Labelled => ({ kind: 'plain', envelope: forge(honest(world)).envelope })

function isOfChannel(first: Labelled | undefined, { channel }: World): boolean {
  const { header } = readTransaction(first?.envelope ?? Buffer.alloc(0))
  return header?.channel === channel.name
}

/** Changes of the configuration, as they can come one after the other. */
function createChanges({ world, west, draw }: Source): () => Promise<Change> {
  let isWestIn = false
  let isRevoked = false
  let timeoutMs = world.channel.configuration.batch.timeoutMs
  const operator = credentialsOf(world.credentials, 'south').operator.certificate
  const changes: ReadonlyArray<(draw: Draw) => Change | Promise<Change>> = [
    () => {
      const drawn = 10 + draw.below(1000)
      // An update that changes nothing is none.
      timeoutMs = drawn === timeoutMs ? drawn + 1 : drawn
      return batchTimeout(timeoutMs)
    },
    () => {
      isRevoked = !isRevoked
      return revocations(world, isRevoked ? [operator] : [])
    },
    () => {
      isWestIn = !isWestIn
      return isWestIn ? west.join : west.leave
    },
  ]
  return async () => draw.one(changes)(draw)
}

/** A transaction that waits for so many blocks. */
interface Waiting {
  readonly left: number
  readonly transaction: Drawn
}

/** Whether it names another namespace than its chaincode's. */
function isForeign({ envelope }: Drawn): boolean {
  const { action } = readTransaction(envelope)
  return action?.namespaces.some(({ namespace }) => namespace !== action.chaincode) === true
}

/**
 * Takes out what goes into the next block. When the policies of two namespaces fail in different ways Fabric says either, as a
 * Go map has it: such a transaction is left out altogether when its chaincode's own policy may fail.
 */
function takeDue(waiting: Waiting[], { holdsForTwo }: Redefinitions): Drawn[] {
  const kept = waiting
    .filter(({ left }) => left > 0)
    .map(({ left, transaction }) => ({ left: left - 1, transaction }))
  const all = waiting.splice(0, waiting.length, ...kept)
  return all
    .filter(({ left }) => left <= 0)
    .map(({ transaction }) => transaction)
    .filter((drawn) => holdsForTwo() || !isForeign(drawn))
    .toSorted((one, other) => Number(one.isLast ?? false) - Number(other.isLast ?? false))
}

/** Lets a chain grow by so many transactions, all of which the seed decides. */
export const fuzz =
  (seed: number, transactions: number, directory: string) =>
  async (chain: Chain): Promise<void> => {
    const draw = createDraw(seed)
    const { world } = chain
    const earlier: Drawn[] = []
    const west = await createNewcomer(world, directory)
    const source: Source = { world, west, draw, earlier }
    const nextChange = createChanges(source)
    const redefinitions = createRedefinitions(source)
    const rows = rangeKeys.map((key) => ({ key, value: key }))
    const results = resultsOf({ namespace: world.channel.definition.name, set: publicWrites(...rows) })
    await chain.commit([{ kind: 'rows', envelope: forge(honest(world, { results })).envelope }])
    await commitScenarios(chain, createDraw(seed))

    const waiting: Waiting[] = []
    let made = 1
    while (made < transactions || waiting.length > 0) {
      const enough = Math.min(made + draw.below(largestBlock), transactions)
      for (; made < enough; made += 1) {
        const transaction = drawOne(source)
        earlier.push(transaction)
        if (earlier.length > remembered) earlier.shift()
        waiting.push({ left: draw.chance(0.6) ? 0 : draw.below(longestWait), transaction })
      }
      if (draw.chance(redefinitions.chance()))
        waiting.splice(draw.below(waiting.length + 1), 0, { left: 0, transaction: redefinitions.next() })
      if (draw.chance(0.04))
        await chain.commit([{ kind: 'configuration', envelope: configurationOf(world, await nextChange()) }])
      const due = takeDue(waiting, redefinitions)
      // A block is of the channel of its first transaction, and refused as a whole when that is another one.
      if (due.length > 0) await chain.commit(isOfChannel(due[0], world) ? due : [plain(world), ...due])
    }
    await chain.commit([redefinitions.first()])
  }

import { readTransaction } from '../../scripts/network/embedded/ledger/transaction.ts'
import { forge, publicWrites, resultsOf } from '../scripts/network/embedded/attacks/forge.ts'
import { honest } from '../scripts/network/embedded/attacks/transactions.ts'
import type { World } from '../scripts/network/embedded/attacks/world.ts'
import type { Chain, Labelled } from './chain.ts'
import { createDraw } from './draw.ts'
import { attacked, handmade, rangeKeys, replayed, simulated, type Drawn, type Source } from './kinds.ts'

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

/** Lets a chain grow by so many transactions, all of which the seed decides. */
export const fuzz =
  (seed: number, transactions: number) =>
  async (chain: Chain): Promise<void> => {
    const draw = createDraw(seed)
    const { world } = chain
    const earlier: Drawn[] = []
    const source: Source = { world, draw, earlier }
    const rows = rangeKeys.map((key) => ({ key, value: key }))
    const results = resultsOf({ namespace: world.channel.definition.name, set: publicWrites(...rows) })
    await chain.commit([{ kind: 'rows', envelope: forge(honest(world, { results })).envelope }])

    const waiting: Array<{ left: number; transaction: Drawn }> = []
    let made = 1
    while (made < transactions || waiting.length > 0) {
      for (let count = draw.below(largestBlock); count > 0 && made < transactions; count -= 1) {
        const transaction = drawOne(source)
        made += 1
        earlier.push(transaction)
        if (earlier.length > remembered) earlier.shift()
        waiting.push({ left: draw.chance(0.6) ? 0 : draw.below(longestWait), transaction })
      }
      const due = waiting
        .filter(({ left }) => left <= 0)
        .map(({ transaction }) => transaction)
        .toSorted((one, other) => Number(one.isLast ?? false) - Number(other.isLast ?? false))
      const kept = waiting
        .filter(({ left }) => left > 0)
        .map(({ left, transaction }) => ({ left: left - 1, transaction }))
      waiting.splice(0, waiting.length, ...kept)
      // A block is of the channel of its first transaction, and refused as a whole when that is another one.
      if (due.length > 0) await chain.commit(isOfChannel(due[0], world) ? due : [plain(world), ...due])
    }
  }

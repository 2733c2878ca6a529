import { build, bytes, common, decode, encoded, kvrwset, wrap } from '../../scripts/network/fabric/message.ts'
import { forge, publicWrites, resultsOf, type Forgery } from '../scripts/network/embedded/attacks/forge.ts'
import { honest } from '../scripts/network/embedded/attacks/transactions.ts'
import type { Chain, Labelled } from './chain.ts'
import type { Draw } from './draw.ts'

/* Blocks that chance would hardly make. */

const key = 'predicted'

/** A range of one key, read in the version that a transaction of a block gives it. */
const readingAhead = (blockNum: number, txNum: number): Buffer =>
  encoded(kvrwset.KVRWSet, {
    rangeQueriesInfoList: [
      build(kvrwset.RangeQueryInfo, {
        startKey: key,
        endKey: `${key}~`,
        itrExhausted: true,
        rawReads: build(kvrwset.QueryReads, {
          kvReadsList: [build(kvrwset.KVRead, { key, version: build(kvrwset.Version, { blockNum, txNum }) })],
        }),
      }),
    ],
  })

/** Commits them; nothing else has been drawn. */
export async function commitScenarios(chain: Chain, draw: Draw): Promise<void> {
  const { world } = chain
  const { name } = world.channel.definition
  const make = (kind: string, changes: Partial<Forgery>): Labelled => ({
    kind: `scenario: ${kind}`,
    envelope: forge(honest(world, { nonce: draw.bytes(24), ...changes })).envelope,
  })
  const of = (set: Buffer): Buffer => resultsOf({ namespace: name, set })
  const nonce = draw.bytes(24)
  const unendorsed = make('an id that is not endorsed', { nonce, endorsements: () => [] })
  const endorsed = make('the same id, endorsed', { nonce })
  await chain.commit([
    unendorsed,
    endorsed,
    make('the same id once more', { nonce, results: of(Buffer.alloc(0)) }),
  ])
  const creator = world.of('north', 'gateway')
  const odd = [Buffer.from([0x7b, 0x7c]), wrap(1, Buffer.alloc(0))].map((extra): Labelled => {
    const { kind, envelope } = make('a payload with more in it', {})
    const payload = Buffer.concat([bytes(decode(common.Envelope, envelope).getPayload_asU8()), extra])
    return { kind, envelope: Buffer.concat([wrap(1, payload), wrap(2, creator.sign(payload))]) }
  })
  await chain.commit(odd)
  const next = world.north.blocks.height
  const write = make('a write', { results: of(publicWrites({ key, value: 'value' })) })
  const kind = 'a range that foresees the version of a write'
  await chain.commit([
    write,
    ...[0, 1].map((index) => make(kind, { results: of(readingAhead(next, index)) })),
  ])
}

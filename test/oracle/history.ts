import { fromOrdered } from '../../scripts/network/embedded/ledger/keys.ts'
import { poll } from '../support/poll.ts'
import type { Chain } from './chain.ts'
import type { RealPeer } from './real-peer.ts'

/** One value that a key has had, as both tell of it. */
interface Past {
  readonly txId: string
  readonly isDelete: boolean
  readonly value: string
  readonly seconds: number
}

/** Asks until there is an answer. Errors: the last one, when there is none in time. */
async function patiently(ask: () => Promise<Buffer>): Promise<Buffer> {
  let fault: unknown
  const attempt = (): Promise<Buffer | undefined> =>
    ask().catch((error: unknown) => {
      fault = error
      return undefined
    })
  return poll('an answer of the chaincode', attempt).catch(() => {
    throw fault
  })
}

/** A line for each key whose past the two tell differently. The probe runs at the peer. */
export async function compareHistories(
  chain: Chain,
  peer: RealPeer,
  keys: readonly string[],
): Promise<string[]> {
  const { north, channel } = chain.world
  const differences: string[] = []
  for (const key of keys) {
    const ours = [...north.history.of(channel.definition.name, key)].map((past): Past => ({
      txId: past.getTxId(),
      isDelete: past.getIsDelete(),
      value: Buffer.from(past.getValue_asU8()).toString(),
      seconds: past.getTimestamp()?.getSeconds() ?? 0,
    }))
    const args = ['history', fromOrdered(key)].map((text) => Buffer.from(text))
    const call = { channel: channel.name, chaincode: channel.definition.name, args }
    // The chaincode's process and the definition's approval both take a moment at first.
    const answer = await patiently(() => peer.ask(call))
    const theirs = JSON.parse(answer.toString()) as Past[]
    const places = Array.from({ length: Math.max(ours.length, theirs.length) }, (_, place) => place)
    const place = places.find((one) => JSON.stringify(ours[one]) !== JSON.stringify(theirs[one]))
    if (place !== undefined)
      differences.push(
        `history of ${key}, place ${place}: ` +
          `ours ${JSON.stringify(ours[place])}, Fabric’s ${JSON.stringify(theirs[place])}`,
      )
  }
  return differences
}

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import {
  chaincodeCommand,
  chaincodeEnvironment,
} from '../../scripts/network/embedded/chaincode/environment.ts'
import { fromOrdered } from '../../scripts/network/embedded/ledger/keys.ts'
import { approve, install } from '../../scripts/network/docker/lifecycle.ts'
import type { Administrator } from '../../scripts/network/docker/administration.ts'
import { chaincodePackage } from '../../scripts/network/chaincode-package.ts'
import { poll } from '../support/poll.ts'
import type { Chain } from './chain.ts'
import type { RealPeer } from './real-peer.ts'

/*
 * What keys have held: the real peer is asked through a chaincode. So that it runs one, its organisation approves the
 * definition that stands on the chain, in a transaction of Fabric's own `_lifecycle`, which both validate.
 */

const probe = fileURLToPath(new URL('../support/chaincode-probe', import.meta.url))
const organisation = 'north'
const label = 'medledger_1'

/** One value that a key has had, as both tell of it. */
interface Past {
  readonly txId: string
  readonly isDelete: boolean
  readonly value: string
  readonly seconds: number
}

function startChaincode({ world: { topology, credentials } }: Chain): () => Promise<void> {
  const child = spawn(process.execPath, [...chaincodeCommand()], {
    cwd: probe,
    env: {
      ...process.env,
      ...chaincodeEnvironment(topology, credentials, organisation),
      CORE_CHAINCODE_LOGGING_LEVEL: 'CRITICAL',
    },
    stdio: 'ignore',
  })
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
  })
  return () => {
    child.kill('SIGKILL')
    return ended
  }
}

/** Has the peer install and approve the chaincode. */
async function approveChaincode(chain: Chain, peer: RealPeer): Promise<void> {
  const { channel } = chain.world
  const administrator: Pick<Administrator, 'ask' | 'submit'> = {
    ask: (call) => peer.ask(call),
    submit: async (call) =>
      chain.commit([{ kind: 'approval of a definition', envelope: await peer.endorse(call) }]),
  }
  const { id, content } = chaincodePackage(label)
  await install(administrator as Administrator, content)
  await approve(administrator as Administrator, channel.name, channel.definition, {
    sequence: chain.world.north.definitionOf(channel.definition.name)?.sequence ?? 1,
    packageId: id,
  })
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

/** A line for each key whose past the two tell differently. */
export async function compareHistories(
  chain: Chain,
  peer: RealPeer,
  keys: readonly string[],
): Promise<string[]> {
  const { north, channel } = chain.world
  await approveChaincode(chain, peer)
  const stop = startChaincode(chain)
  try {
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
  } finally {
    await stop()
  }
}

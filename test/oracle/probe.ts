import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import {
  chaincodeCommand,
  chaincodeEnvironment,
} from '../../scripts/network/embedded/chaincode/environment.ts'
import { approve, install } from '../../scripts/network/docker/lifecycle.ts'
import type { Administrator } from '../../scripts/network/docker/administration.ts'
import { chaincodePackage } from '../../scripts/network/chaincode-package.ts'
import type { Chain } from './chain.ts'
import type { RealPeer } from './real-peer.ts'

/*
 * The tests' chaincode, run by the real peer. So that it does, its organisation approves the definition that stands on the
 * chain, in a transaction of Fabric's own `_lifecycle`, which both validate.
 */

const directory = fileURLToPath(new URL('../support/chaincode-probe', import.meta.url))
const organisation = 'north'
const label = 'medledger_1'

function startChaincode({ world: { topology, credentials } }: Chain): () => Promise<void> {
  const child = spawn(process.execPath, [...chaincodeCommand()], {
    cwd: directory,
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

/** Runs the chaincode at the peer for as long as a task takes. */
export async function withProbe<Result>(
  chain: Chain,
  peer: RealPeer,
  task: () => Promise<Result>,
): Promise<Result> {
  await approveChaincode(chain, peer)
  const stop = startChaincode(chain)
  try {
    return await task()
  } finally {
    await stop()
  }
}

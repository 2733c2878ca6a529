import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Credentials } from '../../issue.ts'
import { credentialsOf } from '../../profile.ts'
import { ordererPort, type Topology } from '../../topology.ts'
import { firstEnvelopes, type Channel } from '../channel/channel.ts'
import { checkChain } from '../channel/compare.ts'
import type { Block } from '../../fabric/block.ts'
import { createSigner } from '../../fabric/signer.ts'
import { serveOrderer } from './orderer.ts'
import { openOrdering, type Ordering } from './ordering.ts'

export interface PartOptions {
  readonly topology: Topology
  readonly credentials: Credentials
  readonly channel: Channel
  /** The network's directory; each part has its own folder in it. */
  readonly directory: string
  readonly now: () => number
  readonly log: (line: string) => void
}

/** The orderer while it runs. */
export interface OrderingPart {
  readonly ordering: Ordering
  close(): Promise<void>
}

/** A new chain has the genesis block and the chaincode definition; a crash may have come between the two. */
async function initialise(ordering: Ordering, options: PartOptions): Promise<void> {
  const { topology, credentials, channel, now } = options
  const { height } = ordering.blocks
  if (height < 2)
    await ordering.initialise(firstEnvelopes(topology, credentials, channel, now()).slice(height))
  checkChain(ordering, channel.configuration)
}

/** Errors: when the chain cannot be used with this topology and these credentials, or the port is taken. */
export async function startOrdering(
  options: PartOptions,
  onBlock: (block: Block) => Promise<void>,
): Promise<OrderingPart> {
  const { topology, credentials, channel, now, log } = options
  const [organisation] = topology.orderers
  const { mspId, orderer, tls } = credentialsOf(credentials, organisation)
  const directory = join(options.directory, organisation, 'orderer')
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const ordering = openOrdering({
    directory,
    channel: channel.name,
    signer: createSigner(mspId, orderer),
    now,
    onBlock,
    onFailure: (error) => log(`the orderer has stopped: ${error.message}`),
    log: (line) => log(`orderer: ${line}`),
  })
  try {
    await initialise(ordering, options)
    const server = await serveOrderer({
      ordering,
      channel: channel.name,
      configuration: ordering.configurations.current,
      port: ordererPort(topology),
      tls: tls.orderer,
      now,
    })
    log(`the orderer listens on port ${ordererPort(topology)} at height ${ordering.blocks.height}`)
    return {
      ordering,
      async close() {
        await server.close()
        await ordering.close()
      },
    }
  } catch (error) {
    await ordering.close()
    throw error
  }
}

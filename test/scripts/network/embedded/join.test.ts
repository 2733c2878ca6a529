import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectOrderer, connectPeer } from '../../../../scripts/network/docker/node-client.ts'
import { seekEnvelope } from '../../../../scripts/network/docker/proposal.ts'
import { configurationIn } from '../../../../scripts/network/embedded/configuration/configurations.ts'
import type { Elements } from '../../../../scripts/network/embedded/configuration/elements.ts'
import { startEmbeddedNetwork, type EmbeddedNetwork } from '../../../../scripts/network/embedded/index.ts'
import { decodeBlock } from '../../../../scripts/network/fabric/block.ts'
import { definitionOf } from '../../../../scripts/network/fabric/definition.ts'
import { common } from '../../../../scripts/network/fabric/message.ts'
import { createSigner, type Signer } from '../../../../scripts/network/fabric/signer.ts'
import { issueCredentials, type Credentials } from '../../../../scripts/network/issue.ts'
import { credentialsOf } from '../../../../scripts/network/profile.ts'
import { addressOf } from '../../../../scripts/network/reach.ts'
import { narrowTopology, type Topology } from '../../../../scripts/network/topology.ts'
import { createNewcomer, redefinition, withWest, type Newcomer } from '../../../support/channel-changes.ts'
import { updateEnvelope } from '../../../support/channel-update.ts'
import { testPort } from '../../../support/ports.ts'
import {
  connectClient,
  eventually,
  exited,
  failureOf,
  startChaincode,
  temporaryDirectory,
  type ClientConnection,
} from './support.ts'

const directory = temporaryDirectory()
const narrow = narrowTopology(testPort(740))
let west: Newcomer
let credentials: Credentials
let network: Running

/** The network with its chaincode processes and a client of an organisation. */
interface Running {
  readonly network: EmbeddedNetwork
  readonly topology: Topology
  readonly client: (organisation: string) => Promise<ClientConnection>
  readonly close: () => Promise<void>
}

const namesOf = ({ constitution }: Topology): string[] => constitution.organisations.map(({ name }) => name)

async function start(topology: Topology): Promise<Running> {
  const chaincodes: ChildProcess[] = namesOf(topology).map((name) =>
    startChaincode(topology, credentials, name),
  )
  const running = await startEmbeddedNetwork({
    topology,
    credentials,
    directory: join(directory.path, 'ledger'),
    log: () => undefined,
  })
  await running.chaincodeReady()
  const clients: ClientConnection[] = []
  return {
    network: running,
    topology,
    async client(organisation) {
      const client = await connectClient(topology, credentials, organisation)
      clients.push(client)
      return client
    },
    async close() {
      for (const { gateway } of clients) gateway.disconnect()
      await running.close()
      for (const child of chaincodes) child.kill()
      await Promise.all(chaincodes.map(exited))
    },
  }
}

const signerOf = (organisation: string, part: 'peer' | 'admin'): Signer => {
  const own = credentialsOf(credentials, organisation)
  return createSigner(own.mspId, own[part])
}
const endpointOf = (
  part: 'peer' | 'orderer',
  organisation: string,
): { address: string; authority: string } => ({
  address: addressOf(network.topology, part, organisation),
  authority: credentialsOf(credentials, organisation).tlsCa.certificate,
})
const sameHeights = (): boolean => new Set(Object.values(network.network.heights())).size === 1

/** Has the orderer put an envelope into the chain, and waits until every peer has the block. */
async function broadcast(envelope: Buffer): Promise<void> {
  const orderer = connectOrderer(endpointOf('orderer', 'authority'))
  const { orderer: height = 0 } = network.network.heights()
  try {
    expect(await orderer.broadcast(envelope)).toEqual({ status: common.Status.SUCCESS, info: '' })
    await eventually(
      'the block at every peer',
      () => sameHeights() && network.network.heights().orderer === height + 1,
    )
  } finally {
    orderer.close()
  }
}

/** The configuration of the chain's first block. */
async function firstConfiguration(): Promise<Elements> {
  const peer = connectPeer(endpointOf('peer', 'north'))
  const { channel } = network.topology.constitution
  try {
    for await (const block of peer.deliver(seekEnvelope(channel, 0, signerOf('north', 'admin'), Date.now())))
      return configurationIn(decodeBlock(block)).elements
    throw new Error('the peer has no block')
  } finally {
    peer.close()
  }
}

const put = async (mspIds: readonly string[], key: string): Promise<string> => {
  const { contract } = await network.client('north')
  const transaction = contract.createTransaction('put').setEndorsingOrganizations(...mspIds)
  return failureOf(transaction.submit(key, 'value'))
}

async function restart(topology: Topology): Promise<void> {
  await network.close()
  network = await start(topology)
  await eventually('equal heights', sameHeights)
}

beforeAll(async () => {
  const first = await issueCredentials(narrow, join(directory.path, 'credentials'))
  west = await createNewcomer({ topology: narrow }, join(directory.path, 'newcomer'))
  credentials = new Map([...first, ...west.credentials])
  network = await start(narrow)
}, 20_000)

afterAll(async () => {
  await network.close()
  directory.remove()
})

test('a fourth organisation joins by an update, its peer catches up, and a new definition makes it an endorser', async () => {
  const { contract } = await network.client('north')
  const transaction = contract.createTransaction('putPrivate').setTransient({ value: Buffer.from('of old') })
  await transaction.setEndorsingOrganizations('NorthMSP', 'SouthMSP').submit('registry', 'entry')
  await broadcast(
    updateEnvelope({
      channel: narrow.constitution.channel,
      current: await firstConfiguration(),
      change: west.join.apply,
      signers: west.join.by.map((name) => signerOf(name, 'admin')),
      sender: signerOf('north', 'admin'),
    }),
  )

  const wide = withWest(narrow)
  await restart(wide)
  expect(await put(['NorthMSP', 'WestMSP'], 'before')).toContain('ENDORSEMENT_POLICY_FAILURE')
  const own = await network.client('west')
  expect(await failureOf(own.contract.evaluateTransaction('getPrivate', 'registry', 'entry'))).toContain(
    'private data matching public hash version is not available',
  )

  const endorsers = ['north', 'south', 'west'].map((name) => signerOf(name, 'peer'))
  await broadcast(redefinition(definitionOf(wide), 2, signerOf('north', 'admin'), endorsers))
  const check = async (key: string): Promise<void> => {
    expect(await put(['NorthMSP', 'SouthMSP', 'WestMSP'], key)).toBe('')
    expect(await put(['NorthMSP', 'SouthMSP'], `${key} too few`)).toContain('ENDORSEMENT_POLICY_FAILURE')
    const { contract: byWest } = await network.client('west')
    expect((await byWest.evaluateTransaction('get', key)).toString()).toBe('value')
    expect((await byWest.evaluateTransaction('getPrivate', 'registry', 'entry')).toString()).toBe('of old')
  }
  await check('after')
  await restart(wide)
  await check('after a restart')
}, 60_000)

import { Client, credentials } from '@grpc/grpc-js'
import type { NodeEndpoint } from '../../scripts/network/docker/node-client.ts'
import { seekEnvelope } from '../../scripts/network/docker/proposal.ts'
import { forClient } from '../../scripts/network/embedded/chaincode/client-access.ts'
import { privateSpace, toOrdered } from '../../scripts/network/embedded/ledger/keys.ts'
import { createSimulation, type Simulation } from '../../scripts/network/embedded/ledger/simulate.ts'
import { readTransaction } from '../../scripts/network/embedded/ledger/transaction.ts'
import { createPrivateAnswer } from '../../scripts/network/embedded/node/deliver-answers.ts'
import { bytes, decode, peer as messages } from '../../scripts/network/fabric/message.ts'
import { deliverService } from '../../scripts/network/fabric/services.ts'
import type { Signer } from '../../scripts/network/fabric/signer.ts'
import type { Chain } from './chain.ts'
import type { RealPeer } from './real-peer.ts'

/*
 * Private values themselves: the real peer simulates and endorses transactions that write them, so that it holds them, and both
 * sides are asked what they deliver of them to the clients of each organisation.
 */

const collection = 'access-north'
/** No fuzz writes these: a value that the real peer lacks could not be compared. */
const [first, second] = ['value-1', 'value-2'] as const
const members: ReadonlySet<string> = new Set(['NorthMSP', 'AuthorityMSP'])

/** A call of the probe, and the same for our own simulation. */
interface Step {
  readonly args: readonly string[]
  readonly simulate: (simulation: Simulation) => void
}

const put = (key: string, value: string): Step => ({
  args: ['putPrivateArgument', collection, key, value],
  simulate: (simulation) => simulation.put(collection, key, Buffer.from(value)),
})

const steps: readonly Step[] = [
  put(first, 'one'),
  put(second, 'two'),
  put(first, 'another one'),
  {
    args: ['deletePrivate', collection, second],
    simulate: (simulation) => simulation.delete(collection, second),
  },
  put(second, 'two again'),
  {
    args: ['purgePrivate', collection, first],
    simulate: (simulation) => simulation.purge(collection, first),
  },
]

/** Has the peer endorse a step and commits it, with its private values at our members' peers too. */
async function take({ args, simulate }: Step, chain: Chain, peer: RealPeer): Promise<void> {
  const { world } = chain
  const { name, definition } = world.channel
  const { north } = world
  const call = { channel: name, chaincode: definition.name, args: args.map((text) => Buffer.from(text)) }
  const envelope = await peer.endorse(call, [world.of('authority', 'peer')])
  const simulation = createSimulation(north.state, definition, 'id', north.history)
  simulate(simulation)
  const { privateSets } = simulation.results()
  const id = readTransaction(envelope).header?.transactionId ?? ''
  for (const [index, ledger] of world.ledgers.entries())
    if (members.has(world.channel.configuration.organisations[index]?.mspId ?? ''))
      ledger.transient.add(id, ledger.blocks.height, privateSets)
  await chain.commit([{ kind: 'private values', envelope }])
}

/** Transactions with their collections' private write sets, in hexadecimal. */
function setsIn(answer: messages.BlockAndPrivateData): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [transaction, sets] of answer.getPrivateDataMapMap().entries())
    for (const namespace of sets.getNsPvtRwsetList())
      for (const set of namespace.getCollectionPvtRwsetList())
        found[`${transaction} ${set.getCollectionName()}`] = bytes(set.getRwset_asU8()).toString('hex')
  return found
}

const privateAnswer = (content: Uint8Array): messages.BlockAndPrivateData | undefined =>
  decode(messages.DeliverResponse, content).getBlockAndPrivateData()

/** What a peer delivers to a client, a string for each block. Errors: gRPC's. */
async function deliveredBy(
  { address, authority }: NodeEndpoint,
  request: Buffer,
  last: number,
): Promise<string[]> {
  const client = new Client(address, credentials.createSsl(Buffer.from(authority)))
  const { path, requestSerialize, responseDeserialize } = deliverService.deliverWithPrivateData
  const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, {
    deadline: Date.now() + 30_000,
  })
  stream.write(request)
  const delivered: string[] = []
  try {
    for await (const content of stream) {
      const answer = privateAnswer(content as Buffer)
      if (answer === undefined) break
      delivered.push(JSON.stringify(setsIn(answer)))
      if (delivered.length > last) break
    }
    return delivered
  } finally {
    stream.cancel()
    client.close()
  }
}

function deliveredByUs({ world: { north, channel } }: Chain, mspId: string): string[] {
  const answer = createPrivateAnswer(channel.definition.name, north)
  return Array.from({ length: north.blocks.height }, (_, number) => {
    const message = privateAnswer(answer(north.blocks.read(number), mspId))
    return JSON.stringify(message === undefined ? {} : setsIn(message))
  })
}

/** A line for each block, beginning with one, of which the two deliver other private values to a client. */
async function compareFor(client: Signer, begin: number, chain: Chain, peer: RealPeer): Promise<string[]> {
  const { channel, north } = chain.world
  const last = north.blocks.height - 1
  const request = seekEnvelope(channel.name, last, client, Date.now())
  const theirs = await deliveredBy(peer.endpoint, request, last)
  const ours = deliveredByUs(chain, client.mspId)
  return ours.flatMap((found, number) =>
    number < begin || found === theirs[number]
      ? []
      : [`private values of block ${number} for ${client.mspId}: ours ${found}, Fabric’s ${theirs[number]}`],
  )
}

/** A line for each step in which the two let another client than ours read or write differently. */
async function compareAccess(client: Signer, chain: Chain, peer: RealPeer): Promise<string[]> {
  const { north, channel } = chain.world
  const { definition, name } = channel
  const read: Step = {
    args: ['getPrivate', collection, second],
    simulate: (simulation) => void simulation.get(collection, second),
  }
  const differences: string[] = []
  for (const { args, simulate } of [read, ...steps]) {
    const inner = createSimulation(north.state, definition, 'id', north.history)
    const call = { channel: name, chaincode: definition.name, args: args.map((text) => Buffer.from(text)) }
    const ours = faultOf(() => simulate(forClient(inner, { channel: name, definition, mspId: client.mspId })))
    const theirs = await peer.ask(call, client).then(
      () => '',
      ({ message }: Error) => message,
    )
    if (ours === '' ? theirs !== '' : !theirs.includes(ours))
      differences.push(`${args.join(' ')} by ${client.mspId}: ours “${ours}”, Fabric’s “${theirs}”`)
  }
  return differences
}

function faultOf(task: () => void): string {
  try {
    task()
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

/** Writes, deletes and purges private values, and gives a line for each difference. The probe runs at the peer. */
export async function comparePrivateValues(
  chain: Chain,
  peer: RealPeer,
  settled: () => Promise<void>,
): Promise<string[]> {
  const { world } = chain
  const { definition, name } = world.channel
  // The real peer was never sent the values of what was drawn before.
  const begin = world.north.blocks.height
  for (const step of steps) {
    await take(step, chain, peer)
    await settled()
  }
  const differences: string[] = []
  for (const key of [first, second]) {
    const args = ['getPrivate', collection, key].map((text) => Buffer.from(text))
    const theirs = (await peer.ask({ channel: name, chaincode: definition.name, args })).toString()
    const space = privateSpace(definition.name, collection)
    const ours = world.north.state.get(space, toOrdered(key))?.value.toString() ?? ''
    if (ours !== theirs) differences.push(`value of ${key}: ours ${ours}, Fabric’s ${theirs}`)
  }
  for (const organisation of ['north', 'authority', 'south'])
    differences.push(...(await compareFor(world.of(organisation, 'admin'), begin, chain, peer)))
  differences.push(...(await compareAccess(world.of('south', 'gateway'), chain, peer)))
  return differences
}

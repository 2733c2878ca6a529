import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applyUpdate } from '../../../../../scripts/network/embedded/configuration/update.ts'
import { createDefinitions } from '../../../../../scripts/network/embedded/channel/definitions.ts'
import { openLedger } from '../../../../../scripts/network/embedded/ledger/ledger.ts'
import { readEnvelope } from '../../../../../scripts/network/embedded/ledger/transaction.ts'
import { openOrdering, type Ordering } from '../../../../../scripts/network/embedded/node/ordering.ts'
import { firstEnvelopes } from '../../../../../scripts/network/embedded/channel/channel.ts'
import { createBlockSource } from '../../../../../scripts/network/embedded/block-source.ts'
import { decodeBlock, lastConfigOf, validationCodesOf } from '../../../../../scripts/network/fabric/block.ts'
import { build, common, encoded, orderer, peer } from '../../../../../scripts/network/fabric/message.ts'
import { credentialsOf } from '../../../../../scripts/network/profile.ts'
import {
  batchTimeout,
  configurationOf,
  createNewcomer,
  revocations,
  updateOf,
  type Change,
} from '../../../../support/channel-changes.ts'
import { groupAt, setValue, updateEnvelope } from '../../../../support/channel-update.ts'
import { forge } from '../attacks/forge.ts'
import { honest } from '../attacks/transactions.ts'
import { createWorld, type World } from '../attacks/world.ts'
import { eventually, temporaryDirectory } from '../support.ts'

const directory = temporaryDirectory()
let world: World

beforeAll(async () => {
  world = await createWorld(directory.path)
})
afterAll(() => {
  world.close()
  directory.remove()
})

const apply = (update: Buffer): unknown => {
  const { elements, membership } = world.configuration()
  return applyUpdate(readEnvelope(update).data, { channel: world.channel.name, elements, membership })
}
const operatorOfSouth = (): string => credentialsOf(world.credentials, 'south').operator.certificate

describe('a configuration update', () => {
  test('by those whom its policy asks for takes effect with the next block', async () => {
    expect(world.configuration().batch.timeoutMs).toBe(10)
    expect(await world.commit([configurationOf(world, batchTimeout(25))])).toEqual(['VALID'])
    expect(world.configuration().batch.timeoutMs).toBe(25)
    await world.commit([forge(honest(world)).envelope])
    expect(lastConfigOf(decodeBlock(world.north.blocks.read(world.north.blocks.height - 1)))).toBe(
      world.north.blocks.height - 2,
    )
  })

  test('that others have signed is not allowed', () => {
    const message = 'policy for [Value]  /Channel/Orderer/BatchTimeout not satisfied'
    expect(() => apply(updateOf(world, batchTimeout(30), ['north', 'south']))).toThrow(message)
    expect(() => apply(updateOf(world, batchTimeout(30), []))).toThrow(message)
  })

  test('of the organisations needs a majority of administrators, each of whom counts once', async () => {
    const { join: change } = await createNewcomer(world, join(directory.path, 'majority'))
    const message = 'policy for [Group]  /Channel/Application not satisfied'
    expect(() => apply(updateOf(world, change, ['north']))).toThrow(message)
    expect(() => apply(updateOf(world, change, ['north', 'north']))).toThrow(message)
    expect(() => apply(updateOf(world, change, ['south', 'north']))).not.toThrow()
  })

  test('that changes nothing, comes twice, or is for another channel is not allowed', async () => {
    const nothing: Change = { apply: () => undefined, by: ['authority'] }
    expect(() => apply(updateOf(world, nothing))).toThrow('delta set was empty')
    const update = updateOf(world, batchTimeout(35))
    const { elements } = world.configuration()
    await world.commit([configurationOf(world, batchTimeout(35))])
    expect(() => apply(update)).toThrow(
      'proposed update requires that key [Value]  /Channel/Orderer/BatchTimeout be at version',
    )
    const other = updateEnvelope({
      channel: 'other',
      current: elements,
      change: batchTimeout(40).apply,
      signers: [world.of('authority', 'admin')],
      sender: world.of('north', 'admin'),
    })
    expect(() => apply(other)).toThrow(
      "ConfigUpdate for channel 'other' but envelope for channel 'medledger'",
    )
  })

  test('that does not follow from the configuration in force stops every peer', async () => {
    const late = configurationOf(world, batchTimeout(45))
    await world.commit([configurationOf(world, batchTimeout(50))])
    await expect(world.commit([late])).rejects.toThrow('config currently at sequence')
  })

  const inOrderer = (name: string, content: Buffer): Change => ({
    apply: (tree) => setValue(groupAt(tree, 'Orderer'), name, content),
    by: ['authority'],
  })
  const capability = (name: string): Buffer => {
    const message = new common.Capabilities()
    message.getCapabilitiesMap().set(name, new common.Capability())
    return Buffer.from(message.serializeBinary())
  }
  test.each<[string, Change, string]>([
    [
      'other orderers',
      inOrderer('ConsensusType', encoded(orderer.ConsensusType, { type: 'etcdraft' })),
      '/Channel/Orderer/ConsensusType etcdraft is not supported by the embedded network',
    ],
    [
      'other capabilities',
      inOrderer('Capabilities', capability('V3_0')),
      '/Channel/Orderer/Capabilities V3_0 is not supported',
    ],
    [
      'access control lists',
      {
        apply: (tree) => {
          const acls = new peer.ACLs()
          acls.getAclsMap().set('qscc/GetChainInfo', build(peer.APIResource, { policyRef: 'Admins' }))
          setValue(groupAt(tree, 'Application'), 'ACLs', Buffer.from(acls.serializeBinary()))
        },
        by: ['north', 'authority'],
      },
      '/Channel/Application/ACLs is not supported',
    ],
  ])('of what this network does not do is refused by name: %s', (_, change, message) => {
    expect(() => configurationOf(world, change)).toThrow(message)
  })
})

describe('a fourth organisation', () => {
  test('counts from the block after the one that lets it in, and a new peer comes to the same', async () => {
    const west = await createNewcomer(world, join(directory.path, 'fourth'))
    const byWest = (): Buffer => forge(honest(world, { creator: west.of('gateway') })).envelope
    expect(await world.commit([byWest()])).toEqual(['BAD_CREATOR_SIGNATURE'])
    await world.commit([configurationOf(world, west.join)])
    expect(await world.commit([byWest()])).toEqual(['VALID'])
    await world.commit([configurationOf(world, west.leave)])
    expect(await world.commit([byWest()])).toEqual(['BAD_CREATOR_SIGNATURE'])

    const folder = join(directory.path, 'west-peer')
    mkdirSync(folder)
    const { definition, name } = world.channel
    const base = { directory: folder, mspId: west.mspId, channel: name, chaincode: definition.name }
    const ledger = await openLedger({ ...base, readDefinitions: createDefinitions, fetch: () => undefined })
    const pull = createBlockSource(world.channel, () => ({
      blocks: world.north.blocks,
      configurations: world.north.configurations,
    }))
    for (let next = pull(0); next !== undefined; next = pull(ledger.blocks.height))
      expect(await ledger.commit(next.block, next.transactions)).toEqual(
        validationCodesOf(decodeBlock(world.north.blocks.read(next.block.number))),
      )
    expect(ledger.blocks.lastBlock).toEqual(world.north.blocks.lastBlock)
    ledger.close()
  })
})

test('a revoked client is refused from then on, and what it did before stays valid', async () => {
  const byOperator = (): Buffer => forge(honest(world, { creator: world.of('south', 'operator') })).envelope
  const before = byOperator()
  expect(await world.commit([before])).toEqual(['VALID'])
  await world.commit([configurationOf(world, await revocations(world, [operatorOfSouth()]))])
  expect(await world.commit([byOperator()])).toEqual(['BAD_CREATOR_SIGNATURE'])
  await world.commit([configurationOf(world, await revocations(world, []))])
  expect(await world.commit([byOperator()])).toEqual(['VALID'])
})

describe('the orderer', () => {
  let ordering: Ordering
  const lines: string[] = []
  const { SUCCESS, BAD_REQUEST, FORBIDDEN } = common.Status

  beforeAll(async () => {
    const folder = join(directory.path, 'orderer')
    mkdirSync(folder)
    ordering = openOrdering({
      directory: folder,
      channel: world.channel.name,
      signer: world.of('authority', 'orderer'),
      now: Date.now,
      onBlock: () => Promise.resolve(),
      onFailure: () => undefined,
      log: (line) => void lines.push(line),
    })
    await ordering.initialise(firstEnvelopes(world.topology, world.credentials, world.channel, Date.now()))
  })
  afterAll(() => ordering.close())

  const update = (timeoutMs: number, by: readonly string[], sender = world.of('north', 'admin')): Buffer =>
    updateEnvelope({
      channel: world.channel.name,
      current: ordering.configurations.current().elements,
      change: batchTimeout(timeoutMs).apply,
      signers: by.map((name) => world.of(name, 'admin')),
      sender,
    })

  test('puts an update into a block of its own, and orders by it afterwards', async () => {
    const { height } = ordering.blocks
    expect(ordering.accept(update(60, ['authority']))).toMatchObject({ status: SUCCESS })
    expect(ordering.accept(forge(honest(world)).envelope)).toMatchObject({ status: SUCCESS })
    await eventually('two blocks', () => ordering.blocks.height === height + 2)
    expect(ordering.configurations.current().batch.timeoutMs).toBe(60)
    expect(lastConfigOf(decodeBlock(ordering.blocks.read(height)))).toBe(height)
    expect(lastConfigOf(decodeBlock(ordering.blocks.read(height + 1)))).toBe(height)
  })

  test('refuses one that is not allowed, with Fabric’s text', () => {
    const refused = ordering.accept(update(70, ['north']))
    expect(refused.status).toBe(BAD_REQUEST)
    expect(refused.info).toContain('policy for [Value]  /Channel/Orderer/BatchTimeout not satisfied')
    expect(ordering.accept(update(70, ['authority'], world.of('north', 'peer')))).toMatchObject({
      status: FORBIDDEN,
    })
  })

  test('makes only the first of two updates of the same thing', async () => {
    const [first, second] = [update(80, ['authority']), update(90, ['authority'])]
    expect(ordering.accept(first).status).toBe(SUCCESS)
    expect(ordering.accept(second).status).toBe(SUCCESS)
    await eventually('the second is dropped', () => lines.length > 0)
    expect(lines[0]).toContain('a configuration update is not made any more')
    expect(ordering.configurations.current().batch.timeoutMs).toBe(80)
  })
})

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applyUpdate } from '../../../../../scripts/network/embedded/configuration/update.ts'
import { createDefinitions } from '../../../../../scripts/network/embedded/channel/definitions.ts'
import { fieldKey } from '../../../../../scripts/network/embedded/channel/lifecycle.ts'
import { openLedger, type Ledger } from '../../../../../scripts/network/embedded/ledger/ledger.ts'
import { privateSpace } from '../../../../../scripts/network/embedded/ledger/keys.ts'
import { code } from '../../../../../scripts/network/embedded/ledger/validation-code.ts'
import { definitionOf, type Definition } from '../../../../../scripts/network/fabric/definition.ts'
import type { Signer } from '../../../../../scripts/network/fabric/signer.ts'
import { readEnvelope } from '../../../../../scripts/network/embedded/ledger/transaction.ts'
import { openOrdering, type Ordering } from '../../../../../scripts/network/embedded/node/ordering.ts'
import { firstEnvelopes } from '../../../../../scripts/network/embedded/channel/channel.ts'
import { createBlockSource } from '../../../../../scripts/network/embedded/block-source.ts'
import { decodeBlock, lastConfigOf, validationCodesOf } from '../../../../../scripts/network/fabric/block.ts'
import {
  build,
  common,
  decode,
  encode,
  encoded,
  lifecycle,
  orderer,
  peer,
} from '../../../../../scripts/network/fabric/message.ts'
import { credentialsOf } from '../../../../../scripts/network/profile.ts'
import {
  batchSize,
  batchTimeout,
  configurationOf,
  createNewcomer,
  lifecycleEnvelope,
  redefinition,
  revocations,
  updateOf,
  withWest,
  type Change,
  type Newcomer,
} from '../../../../support/channel-changes.ts'
import { groupAt, setValue, updateEnvelope } from '../../../../support/channel-update.ts'
import { forge, hashedWrite, publicWrites, resultsOf } from '../attacks/forge.ts'
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

  test.each([
    ['no message fits in a block', batchSize({ maxMessageCount: 0 }), 'a batch with maxMessages 0'],
    ['no byte fits in a block', batchSize({ absoluteMaxBytes: 0 }), 'a batch with absoluteBytes 0'],
    ['no byte is preferred', batchSize({ preferredMaxBytes: 0 }), 'a batch with preferredBytes 0'],
    ['more is preferred than fits', batchSize({ absoluteMaxBytes: 5 }), 'prefers larger batches'],
    ['nothing is waited for', batchTimeout(0), 'a batch with timeoutMs 0'],
  ])('after which %s is refused: nothing could be ordered any more', (_, change, message) => {
    expect(() => configurationOf(world, change)).toThrow(message)
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

  /** A configuration transaction in which more is changed than its update says. */
  function tampered(envelope: Buffer): Buffer {
    const payload = decode(common.Payload, decode(common.Envelope, envelope).getPayload_asU8())
    const content = decode(common.ConfigEnvelope, payload.getData_asU8())
    const tree = content.getConfig()?.getChannelGroup() ?? new common.ConfigGroup()
    batchTimeout(99).apply(tree)
    payload.setData(encode(content))
    const changed = encode(payload)
    const signature = world.of('authority', 'orderer').sign(changed)
    return encoded(common.Envelope, { payload: changed, signature })
  }
  test('that leads to another configuration than the block says stops every peer', async () => {
    await expect(world.commit([tampered(configurationOf(world, batchTimeout(55)))])).rejects.toThrow(
      'ConfigEnvelope LastUpdate did not produce the supplied config result',
    )
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

/** A new peer of an organisation takes all blocks, asks North's for private data, and must come to the same verdicts. */
async function replay(mspId: string, name: string): Promise<Ledger> {
  const folder = join(directory.path, name)
  mkdirSync(folder)
  const { channel, north } = world
  const ledger = await openLedger({
    directory: folder,
    mspId,
    channel: channel.name,
    chaincode: channel.definition.name,
    readDefinitions: createDefinitions,
    fetch: (wanted) => north.find(wanted),
  })
  const pull = createBlockSource(channel, () => north)
  for (let next = pull(0); next !== undefined; next = pull(ledger.blocks.height))
    expect(await ledger.commit(next.block, next.transactions)).toEqual(
      validationCodesOf(decodeBlock(north.blocks.read(next.block.number))),
    )
  expect(ledger.blocks.lastBlock).toEqual(north.blocks.lastBlock)
  return ledger
}

describe('a fourth organisation', () => {
  let west: Newcomer
  const peers = (...names: readonly string[]): Signer[] =>
    names.map((name) => (name === 'west' ? west.of('peer') : world.of(name, 'peer')))
  const endorsedBy = (...names: readonly string[]): Buffer =>
    forge(honest(world, { endorsers: peers(...names) })).envelope
  const byWest = (): Buffer => forge(honest(world, { creator: west.of('gateway') })).envelope
  const definitionWithWest = (): Definition => definitionOf(withWest(world.topology))
  const redefine = (definition: Definition, sequence: number, ...names: readonly string[]): Buffer =>
    redefinition(definition, sequence, world.of('north', 'admin'), peers(...names))
  const privateSpaceOf = (collection: string): string =>
    privateSpace(world.channel.definition.name, collection)

  beforeAll(async () => {
    west = await createNewcomer(world, join(directory.path, 'fourth'))
  })

  test('counts from the block after the one that lets it in', async () => {
    expect(await world.commit([byWest()])).toEqual(['BAD_CREATOR_SIGNATURE'])
    await world.commit([configurationOf(world, west.join)])
    expect(await world.commit([byWest()])).toEqual(['VALID'])
  })

  test('endorses from the block after the definition that asks for it, and then learns of the past', async () => {
    const set = publicWrites({ key: 'entry', value: 'of old' })
    const collections = [hashedWrite('registry', set, { key: 'entry', value: 'of old' })]
    const results = resultsOf({ namespace: 'medledger', collections })
    const old = forge(honest(world, { results }))
    world.north.transient.add(old.transactionId, world.north.blocks.height, new Map([['registry', set]]))
    const failure = 'ENDORSEMENT_POLICY_FAILURE'
    expect(await world.commit([old.envelope, endorsedBy('north', 'west')])).toEqual(['VALID', failure])

    // Of four a majority is three, and the channel's policy for definitions knows that already.
    expect(await world.commit([redefine(definitionWithWest(), 2, 'north', 'south')])).toEqual([failure])
    const before = await replay(west.mspId, 'before')
    expect([...before.state.range(privateSpaceOf('registry'), '', '')]).toEqual([])
    const enough = redefine(definitionWithWest(), 2, 'north', 'south', 'west')
    expect(await world.commit([enough, endorsedBy('north', 'south')])).toEqual(['VALID', 'VALID'])
    const three = endorsedBy('north', 'south', 'west')
    expect(await world.commit([endorsedBy('north', 'south'), three])).toEqual([failure, 'VALID'])

    const after = await replay(west.mspId, 'after')
    for (const ledger of [after, world.north])
      expect(ledger.state.get(privateSpaceOf('registry'), 'entry')?.value.toString()).toBe('of old')
    // North's placement has other members.
    expect(await after.reconcile()).toBe(0)
    for (const ledger of [before, after]) ledger.close()
  })

  test('counts no more when it has left, and a new peer comes to the same', async () => {
    await world.commit([configurationOf(world, west.leave)])
    expect(await world.commit([byWest(), endorsedBy('north', 'south', 'west')])).toEqual([
      'BAD_CREATOR_SIGNATURE',
      'ENDORSEMENT_POLICY_FAILURE',
    ])
    expect(await world.commit([redefine(world.channel.definition, 3, 'north', 'south')])).toEqual(['VALID'])
    expect(await world.commit([endorsedBy('north', 'south')])).toEqual(['VALID'])
    const ledger = await replay(west.mspId, 'left')
    ledger.close()
  })
})

test('a revoked client is refused from then on, and what it did before stays valid', async () => {
  const byOperator = (): Buffer => forge(honest(world, { creator: world.of('south', 'operator') })).envelope
  const { height } = world.north.blocks
  expect(await world.commit([byOperator()])).toEqual(['VALID'])
  await world.commit([configurationOf(world, await revocations(world, [operatorOfSouth()]))])
  expect(await world.commit([byOperator()])).toEqual(['BAD_CREATOR_SIGNATURE'])
  const ledger = await replay('SouthMSP', 'revoked')
  const codesAt = (number: number): readonly number[] =>
    validationCodesOf(decodeBlock(ledger.blocks.read(number)))
  expect([codesAt(height), codesAt(height + 2)]).toEqual([[code.VALID], [code.BAD_CREATOR_SIGNATURE]])
  ledger.close()
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
    expect(refused.info).toBe(
      "error applying config update to existing channel 'medledger': error authorizing update: error validating DeltaSet: policy for [Value]  /Channel/Orderer/BatchTimeout not satisfied",
    )
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

  test('judges again what it has accepted by an older configuration', async () => {
    const { height } = ordering.blocks
    const byOperator = forge(honest(world, { creator: world.of('south', 'operator') }))
    const { apply } = await revocations(world, [operatorOfSouth()])
    const revoking = updateEnvelope({
      channel: world.channel.name,
      current: ordering.configurations.current().elements,
      change: apply,
      signers: [world.of('south', 'admin')],
      sender: world.of('north', 'admin'),
    })
    const envelopes = [revoking, byOperator.envelope, forge(honest(world)).envelope]
    expect(envelopes.map((envelope) => ordering.accept(envelope).status)).toEqual([SUCCESS, SUCCESS, SUCCESS])
    await eventually('two blocks', () => ordering.blocks.height === height + 2)
    expect(decodeBlock(ordering.blocks.read(height + 1)).envelopes).toEqual(envelopes.slice(2))
    expect(lines.at(-1)).toContain('a transaction is not ordered any more')
  })

  test('refuses a definition that the peers could not act by, and a peer that meets one goes no further', async () => {
    const key = fieldKey(world.channel.definition.name, 'EndorsementInfo')
    const bytes = encoded(lifecycle.ChaincodeEndorsementInfo, {
      endorsementPlugin: 'escc',
      initRequired: true,
    })
    const fields = new Map([[key, encoded(lifecycle.StateData, { bytes })]])
    const peers = ['north', 'south'].map((name) => world.of(name, 'peer'))
    const envelope = lifecycleEnvelope(fields, world.of('north', 'admin'), peers)
    const what =
      'the definition of chaincode medledger: init_required is not supported by the embedded network'
    expect(ordering.accept(envelope)).toEqual({ status: BAD_REQUEST, info: what })
    await expect(world.commit([envelope])).rejects.toThrow(what)
    await expect(world.commit([forge(honest(world)).envelope])).rejects.toThrow(what)
  })
})

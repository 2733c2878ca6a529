import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { firstEnvelopes } from '../../../../../scripts/network/embedded/channel/channel.ts'
import { createBlockSource } from '../../../../../scripts/network/embedded/block-source.ts'
import { createBlock, encodeBlock, type Block } from '../../../../../scripts/network/fabric/block.ts'
import type { Signer } from '../../../../../scripts/network/fabric/signer.ts'
import { createDeliver } from '../../../../../scripts/network/embedded/node/deliver.ts'
import { createEndorser } from '../../../../../scripts/network/embedded/node/endorse.ts'
import {
  openOrdering,
  signBlock,
  type Ordering,
} from '../../../../../scripts/network/embedded/node/ordering.ts'
import type { Stream } from '../../../../../scripts/network/embedded/node/server.ts'
import {
  build,
  common,
  encoded,
  kvrwset,
  orderer,
  peer,
  wrap,
} from '../../../../../scripts/network/fabric/message.ts'
import { eventually, temporaryDirectory } from '../support.ts'
import { forge, publicWrites, resultsOf, type Forgery } from './forge.ts'
import { proposalOf, seekOf, type ProposalForgery } from './requests.ts'
import { report, type Row } from './report.ts'
import { honest } from './transactions.ts'
import { createWorld, type World } from './world.ts'

const elevenYearsMs = 11 * 366 * 24 * 3_600_000
const directory = temporaryDirectory()
const rows: Row[] = []
const sizeLimit = 20_000
let world: World
let ordering: Ordering
let before: readonly string[]
let now: () => number = Date.now

const batch = { maxMessages: 1, preferredBytes: sizeLimit, absoluteBytes: sizeLimit, timeoutMs: 1 }

beforeAll(async () => {
  world = await createWorld(directory.path)
  before = world.contents()
  const folder = join(directory.path, 'orderer')
  mkdirSync(folder)
  ordering = openOrdering({
    directory: folder,
    channel: world.channel.name,
    signer: world.of('authority', 'orderer'),
    now: () => now(),
    onBlock: () => Promise.resolve(),
    onFailure: () => undefined,
    log: () => undefined,
  })
  const { topology, credentials, channel } = world
  const limited = { ...channel, configuration: { ...channel.configuration, batch } }
  await ordering.initialise(firstEnvelopes(topology, credentials, limited, Date.now()))
})
afterAll(async () => {
  expect(world.contents()).toEqual(before)
  await ordering.close()
  world.close()
  directory.remove()
  report(rows)
})

const note = (layer: string, attack: string, verdict: string): void =>
  void rows.push({ layer, attack, tries: 1, applied: 0, verdict })

type Changes = Partial<Forgery> | ((world: World) => Partial<Forgery>)
const resolve = <T extends object>(changes: T | ((world: World) => T)): T =>
  typeof changes === 'function' ? changes(world) : changes

describe('an envelope that is broadcast', () => {
  const { BAD_REQUEST, FORBIDDEN, SUCCESS } = common.Status
  const names = new Map<number, string>(Object.entries(common.Status).map(([name, value]) => [value, name]))
  const send = (envelope: Buffer): number => ordering.accept(envelope).status

  test.each<[string, number, Changes]>([
    ['by a peer', FORBIDDEN, ({ of }) => ({ creator: of('north', 'peer') })],
    ['by an orderer of another organisation', FORBIDDEN, ({ of }) => ({ creator: of('north', 'orderer') })],
    [
      'by a rogue authority’s client',
      FORBIDDEN,
      ({ attackers }) => ({ creator: attackers.rogue('gateway') }),
    ],
    ['by a revoked client', FORBIDDEN, ({ attackers }) => ({ creator: attackers.revokedClient })],
    [
      'with a payload changed after signing',
      FORBIDDEN,
      { afterSigning: (payload) => Buffer.concat([payload, wrap(9, payload.subarray(0, 4))]) },
    ],
    ['without a signature', FORBIDDEN, { signature: () => Buffer.alloc(0) }],
    ['to another channel', BAD_REQUEST, { channel: 'other' }],
    ['as a configuration', BAD_REQUEST, { type: common.HeaderType.CONFIG }],
    ['as a configuration update', BAD_REQUEST, { type: common.HeaderType.CONFIG_UPDATE }],
    ['beyond the size limit', BAD_REQUEST, { results: Buffer.alloc(sizeLimit) }],
  ])('%s is refused', (name, status, changes) => {
    const { height } = ordering.blocks
    const { envelope } = forge(honest(world, resolve(changes)))
    expect(names.get(send(envelope))).toBe(names.get(status))
    expect(ordering.blocks.height).toBe(height)
    note('broadcast', name, names.get(status) ?? '')
  })

  test('by a client whose certificate has expired is refused', () => {
    now = () => Date.now() + elevenYearsMs
    try {
      const answer = ordering.accept(forge(honest(world)).envelope)
      expect(answer).toEqual({ status: BAD_REQUEST, info: 'broadcast client identity expired' })
      note('broadcast', 'by a client whose certificate has expired', 'BAD_REQUEST')
    } finally {
      now = Date.now
    }
  })

  test('as bytes that are none is refused', () => {
    for (const content of [Buffer.alloc(0), Buffer.from('nonsense'), wrap(1, Buffer.from([0x0a, 0x7f]))])
      expect(send(content)).toBe(BAD_REQUEST)
    note('broadcast', 'bytes that are no envelope', 'BAD_REQUEST')
  })

  test.each<[string, string, Buffer]>([
    [
      'key-level endorsement',
      'KVMetadataWrite',
      encoded(kvrwset.KVRWSet, { metadataWritesList: [build(kvrwset.KVMetadataWrite, { key: 'target' })] }),
    ],
    [
      'one key twice',
      'KVWrite of one key twice',
      publicWrites({ key: 'target', value: 'a' }, { key: 'target', value: 'b' }),
    ],
  ])('with %s, which the peers would not judge as Fabric’s do, is refused by name', (_, name, set) => {
    const results = resultsOf({ namespace: 'medledger', set })
    expect(ordering.accept(forge(honest(world, { results })).envelope)).toEqual({
      status: BAD_REQUEST,
      info: `${name} in a read/write set: the embedded network does not support it`,
    })
    note('broadcast', `with ${name}`, 'BAD_REQUEST')
  })

  test('comes into a block with its payload and signature alone', async () => {
    const { envelope } = forge(honest(world))
    const { height } = ordering.blocks
    expect(send(Buffer.concat([wrap(7, Buffer.from('smuggled')), envelope]))).toBe(SUCCESS)
    await eventually('the block', () => ordering.blocks.height === height + 1)
    const content = ordering.blocks.read(height)
    expect(content.includes(envelope)).toBe(true)
    expect(content.includes('smuggled')).toBe(false)
    note('broadcast', 'bytes smuggled beside what is signed', 'dropped')
  })
})

describe('a block', () => {
  const signedBy = (signer: Signer, envelopes?: readonly Buffer[]): Block =>
    signBlock(
      createBlock(2, world.north.blocks.lastHash, envelopes ?? [forge(honest(world)).envelope]),
      signer,
      0,
    )
  const pull = (block: Block): unknown => {
    const blocks = { height: 3, read: () => encodeBlock(block) }
    return createBlockSource(world.channel, () => ({ blocks, configurations: world.north.configurations }))(2)
  }
  const honestBlock = (): Block => signedBy(world.of('authority', 'orderer'))

  test('of the orderer is taken', () => expect(pull(honestBlock())).toBeDefined())

  test.each<[string, string, () => Block]>([
    ['signed by a client', 'no orderer has signed', () => signedBy(world.of('authority', 'gateway'))],
    ['signed by a peer', 'no orderer has signed', () => signedBy(world.of('authority', 'peer'))],
    ['signed by an administrator', 'no orderer has signed', () => signedBy(world.of('authority', 'admin'))],
    [
      'signed by another organisation’s orderer',
      'no orderer has signed',
      () => signedBy(world.of('north', 'orderer')),
    ],
    [
      'signed by a rogue authority’s orderer',
      'no orderer has signed',
      () => signedBy(world.attackers.rogue('orderer')),
    ],
    ['signed by nobody', 'no orderer has signed', () => ({ ...honestBlock(), metadata: [] })],
    [
      'with another previous hash than signed',
      'no orderer has signed',
      () => ({ ...honestBlock(), previousHash: Buffer.alloc(32) }),
    ],
    [
      'with other transactions than signed',
      'does not hold',
      () => ({ ...honestBlock(), envelopes: [forge(honest(world)).envelope] }),
    ],
    ['of another number', 'gave block 5', () => ({ ...honestBlock(), number: 5 })],
    [
      'of another channel',
      'not of channel',
      () => signedBy(world.of('authority', 'orderer'), [forge(honest(world, { channel: 'other' })).envelope]),
    ],
    ['without transactions', 'not of channel', () => signedBy(world.of('authority', 'orderer'), [])],
    [
      'with bytes beside an envelope',
      'malformed transaction',
      () =>
        signedBy(world.of('authority', 'orderer'), [
          Buffer.concat([forge(honest(world)).envelope, wrap(7, Buffer.from('x'))]),
        ]),
    ],
  ])('%s is not taken', (name, error, make) => {
    expect(() => pull(make())).toThrow(error)
    note('block', name, 'refused')
  })

  test('that does not follow the last one is not committed', async () => {
    const block = createBlock(world.north.blocks.height, Buffer.alloc(32), [forge(honest(world)).envelope])
    await expect(world.north.commit(block, [])).rejects.toThrow('does not follow')
    note('block', 'with another previous hash', 'refused')
  })

  test('with a configuration stops the peer, signed or not', async () => {
    const { envelope } = forge(honest(world, { type: common.HeaderType.CONFIG }))
    await expect(world.commit([envelope])).rejects.toThrow('the configuration cannot be read')
    note('block', 'with a configuration update of the orderer', 'refused')
  })
})

describe('a proposal', () => {
  const propose = (request: Buffer): Promise<string> =>
    new Promise((done) => {
      const endorser = createEndorser({
        signer: world.of('north', 'peer'),
        channel: world.channel.name,
        configuration: () => world.configuration(),
        chaincodeName: world.channel.definition.name,
        ledger: world.north,
        chaincode: {
          execute: () =>
            Promise.resolve({ response: build(peer.Response, { status: 200 }), event: undefined }),
          ready: () => Promise.resolve(),
          close: () => undefined,
        },
        now: () => now(),
        distribute: () => Promise.resolve(),
        log: () => undefined,
      })
      endorser({ request }, (error, content) => {
        if (error !== null || content === undefined) return done(error?.details ?? '')
        const answer = peer.ProposalResponse.deserializeBinary(content)
        done(answer.getEndorsement() === undefined ? (answer.getResponse()?.getMessage() ?? '') : 'endorsed')
      })
    })
  type ProposalChanges = Partial<ProposalForgery> | ((world: World) => Partial<ProposalForgery>)
  const made = (changes: ProposalChanges = {}): Buffer =>
    proposalOf({ creator: world.of('north', 'gateway'), ...resolve(changes) })
  const denied = 'access denied: channel [medledger] creator org [NorthMSP]'

  test('of a client is endorsed; a peer may query, not propose', async () => {
    expect(await propose(made())).toBe('endorsed')
    const query = made(({ of }) => ({
      creator: of('south', 'peer'),
      chaincode: 'qscc',
      args: ['GetChainInfo', 'medledger'],
    }))
    expect(await propose(query)).toBe('endorsed')
  })

  test.each<[string, string, ProposalChanges]>([
    ['by a peer', 'policy [/Channel/Application/Writers]', ({ of }) => ({ creator: of('north', 'peer') })],
    [
      'by an orderer',
      'policy [/Channel/Application/Writers]',
      ({ of }) => ({ creator: of('authority', 'orderer') }),
    ],
    ['by a rogue authority’s client', denied, ({ attackers }) => ({ creator: attackers.rogue('gateway') })],
    ['by a revoked client', denied, ({ attackers }) => ({ creator: attackers.revokedClient })],
    ['with another’s signature', denied, ({ of }) => ({ named: of('north', 'admin').identity })],
    ['with an unreadable creator', 'creator is malformed', { named: Buffer.from('nobody') }],
    ['with an id of one’s choice', 'incorrectly computed txid', { transactionId: 'a'.repeat(64) }],
    ['of another channel', "channel 'other' not found", { channel: 'other' }],
    ['of another type', 'invalid header type', { type: common.HeaderType.CONFIG_UPDATE }],
    ['without a nonce', 'nonce is empty', { nonce: Buffer.alloc(0) }],
    ['of another chaincode', 'chaincode other not found', { chaincode: 'other' }],
  ])('%s is refused', async (name, text, changes) => {
    expect(await propose(made(changes))).toContain(text)
    note('proposal', name, 'refused')
  })

  test('of a committed transaction is refused', async () => {
    const nonce = Buffer.alloc(24, 7)
    await world.commit([forge(honest(world, { nonce, endorsers: [] })).envelope])
    expect(await propose(made({ nonce }))).toContain('duplicate transaction found')
    note('proposal', 'replayed', 'refused')
  })

  test('by a client whose certificate has expired is refused', async () => {
    now = () => Date.now() + elevenYearsMs
    expect(await propose(made())).toBe('proposal client identity expired')
    now = Date.now
    note('proposal', 'by a client whose certificate has expired', 'refused')
  })
})

describe('a request for blocks', () => {
  const ask = async (requests: readonly Buffer[], blocks = 1, clock = now): Promise<number[]> => {
    const answers: Buffer[] = []
    const stream = new Duplex({
      objectMode: true,
      read: () => undefined,
      write: (content: Buffer, _, next) => {
        answers.push(content)
        next()
      },
    })
    const source = { height: () => blocks, read: () => Buffer.alloc(1), onCommit: () => () => undefined }
    createDeliver({
      source,
      channel: world.channel.name,
      admission() {
        const { membership, policies } = world.configuration()
        return { membership, policy: policies.applicationReaders }
      },
      now: clock,
      encode: () => wrap(2, Buffer.alloc(0)),
      track: () => () => undefined,
      // Of a gRPC stream only what every stream has is used.
    })(stream as unknown as Stream)
    for (const request of requests) stream.push(request)
    stream.push(null)
    await eventually('the end of the stream', () => stream.writableFinished)
    return answers.map((content) => orderer.DeliverResponse.deserializeBinary(content).getStatus())
  }
  const { BAD_REQUEST, FORBIDDEN, NOT_FOUND, SUCCESS } = common.Status

  test.each<[string, number, (world: World) => Buffer]>([
    [
      'by a rogue authority’s peer',
      FORBIDDEN,
      ({ attackers }) => seekOf({ creator: attackers.rogue('peer') }),
    ],
    ['by a revoked client', FORBIDDEN, ({ attackers }) => seekOf({ creator: attackers.revokedClient })],
    [
      'of another channel',
      NOT_FOUND,
      ({ of }) => seekOf({ creator: of('north', 'gateway'), channel: 'other' }),
    ],
    [
      'from an hour ago',
      BAD_REQUEST,
      ({ of }) => seekOf({ creator: of('north', 'gateway'), at: Date.now() - 3_600_000 }),
    ],
    ['without a start', BAD_REQUEST, ({ of }) => seekOf({ creator: of('north', 'gateway'), isEmpty: true })],
    ['that cannot be read', BAD_REQUEST, () => Buffer.from('nonsense')],
  ])('%s is refused, and nothing after it is read', async (name, status, make) => {
    const request = make(world)
    expect(await ask([request, seekOf({ creator: world.of('north', 'gateway') })])).toEqual([status])
    note('deliver', name, Object.entries(common.Status).find(([, value]) => value === status)?.[0] ?? '')
  })

  test('has what it asks for, until the certificate expires', async () => {
    const request = seekOf({ creator: world.of('south', 'peer') })
    expect(await ask([request, request])).toEqual([0, SUCCESS, 0, SUCCESS])
    let asked = 0
    const clock = (): number => (asked++ < 2 ? Date.now() : Date.now() + elevenYearsMs)
    expect(await ask([seekOf({ creator: world.of('south', 'peer'), last: 4 })], 5, clock)).toEqual([
      0,
      FORBIDDEN,
    ])
    note('deliver', 'beyond the end of the certificate', 'FORBIDDEN')
  })
})

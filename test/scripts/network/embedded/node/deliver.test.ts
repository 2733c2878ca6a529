import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDeliver, createStreams } from '../../../../../scripts/network/embedded/node/deliver.ts'
import type { Stream } from '../../../../../scripts/network/embedded/node/server.ts'
import {
  common,
  build,
  encoded,
  orderer,
  timestampOf,
} from '../../../../../scripts/network/fabric/message.ts'
import type { Signer } from '../../../../../scripts/network/fabric/signer.ts'
import { configurationOf, revocations } from '../../../../support/channel-changes.ts'
import { poll } from '../../../../support/poll.ts'
import { createWorld, type World } from '../attacks/world.ts'
import { temporaryDirectory } from '../support.ts'
import { credentialsOf } from '../../../../../scripts/network/profile.ts'

const directory = temporaryDirectory()
let world: World
beforeAll(async () => {
  world = await createWorld(directory.path)
})
afterAll(() => {
  world.close()
  directory.remove()
})

/** Asks for all blocks that come. */
function seekAll(signer: Signer): Buffer {
  const at = (number: number): orderer.SeekPosition =>
    build(orderer.SeekPosition, { specified: build(orderer.SeekSpecified, { number }) })
  const header = build(common.Header, {
    channelHeader: encoded(common.ChannelHeader, {
      type: common.HeaderType.DELIVER_SEEK_INFO,
      channelId: world.channel.name,
      timestamp: timestampOf(Date.now()),
    }),
    signatureHeader: encoded(common.SignatureHeader, { creator: signer.identity, nonce: randomBytes(24) }),
  })
  const data = encoded(orderer.SeekInfo, { start: at(0), stop: at(Number.MAX_SAFE_INTEGER) })
  const payload = encoded(common.Payload, { header, data })
  return encoded(common.Envelope, { payload, signature: signer.sign(payload) })
}

/** What a client is sent: `block N`, or `status N`. */
function follow(signer: Signer): string[] {
  const { blocks } = world.north
  const deliver = createDeliver({
    source: { height: () => blocks.height, read: blocks.read, onCommit: world.north.onCommit },
    channel: world.channel.name,
    admission: () => {
      const { membership, policies } = world.configuration()
      return { membership, policy: policies.applicationReaders }
    },
    now: Date.now,
    encode: () => Buffer.from('block'),
    track: createStreams().track,
  })
  const sent: string[] = []
  const stream = Object.assign(new EventEmitter(), {
    write(content: Buffer) {
      sent.push(content.toString() === 'block' ? 'block' : `status ${content.readUInt16BE(1).toString(16)}`)
      return true
    },
    end: () => undefined,
    pause: () => undefined,
    resume: () => undefined,
    destroy: () => undefined,
  })
  deliver(stream as unknown as Stream)
  stream.emit('data', seekAll(signer))
  return sent
}

/** 403 as a varint. */
const forbidden = 'status 9303'

test('a client that is revoked while it follows gets no block after that, and others do', async () => {
  const revoked = follow(world.of('south', 'operator'))
  const other = follow(world.of('south', 'gateway'))
  await poll('both have two blocks', () => revoked.length === 2 && other.length === 2)
  const { certificate } = credentialsOf(world.credentials, 'south').operator
  await world.commit([configurationOf(world, await revocations(world, [certificate]))])
  await poll('the other has the third', () => other.length === 3)
  await poll('the revoked is told', () => revoked.length === 3)
  expect(revoked).toEqual(['block', 'block', forbidden])
  expect(other).toEqual(['block', 'block', 'block'])
})

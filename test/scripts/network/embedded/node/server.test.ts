import { Client, credentials, status, type ServiceError } from '@grpc/grpc-js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAuthority, issueLeaf } from '../../../../../scripts/network/certificates.ts'
import {
  listen,
  maximumMessageBytes,
  type RunningServer,
} from '../../../../../scripts/network/embedded/node/server.ts'
import { endorserService, ordererService } from '../../../../../scripts/network/fabric/services.ts'
import { testPort } from '../../../../support/ports.ts'
import { eventually } from '../support.ts'

const port = testPort(880)
const calls = 3
const requestMs = 500
const { processProposal } = endorserService
const { broadcast } = ordererService
let server: RunningServer
let client: Client
let waiting: Array<() => void> = []

beforeAll(async () => {
  const subject = { commonName: 'localhost', organisation: 'Test' }
  const authority = await createAuthority(subject, Date.now())
  const pair = await issueLeaf(authority, { subject, hosts: ['localhost', '127.0.0.1'] }, Date.now())
  server = await listen({
    port,
    ...pair,
    services: [
      {
        methods: endorserService,
        handlers: {
          processProposal: (call: { request: Buffer }, answer: (error: null, content: Buffer) => void) => {
            const size = Buffer.from(String(call.request.length))
            if (call.request.toString() === 'wait') waiting.push(() => answer(null, size))
            else answer(null, size)
          },
        },
      },
      { methods: ordererService, handlers: { broadcast: () => undefined, deliver: () => undefined } },
    ],
    endStreams: () => undefined,
    limits: { calls, requestMs },
  })
  client = new Client(`localhost:${port}`, credentials.createSsl(Buffer.from(authority.certificate)), {
    'grpc.max_send_message_length': -1,
  })
})
afterAll(async () => {
  client.close()
  await server.close()
})

const send = (content: Buffer): Promise<string> =>
  new Promise((done) => {
    const { path, requestSerialize, responseDeserialize } = processProposal
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, content, (error, answer) =>
      done(error === null ? String(answer) : status[error.code]),
    )
  })

test('takes a message up to the limit and no larger one', async () => {
  expect(await send(Buffer.alloc(maximumMessageBytes))).toBe(String(maximumMessageBytes))
  expect(await send(Buffer.alloc(maximumMessageBytes + 1))).toBe('RESOURCE_EXHAUSTED')
})

test('takes on so many calls and no more, and others when those are done', async () => {
  const first = Array.from({ length: calls }, () => send(Buffer.from('wait')))
  await eventually('the calls', () => waiting.length === calls)
  expect(await send(Buffer.from('more'))).toBe('RESOURCE_EXHAUSTED')
  for (const answer of waiting) answer()
  waiting = []
  expect(await Promise.all(first)).toEqual(Array.from({ length: calls }, () => '4'))
  expect(await send(Buffer.from('more'))).toBe('4')
})

test('ends a stream that says nothing, and has room for others afterwards', async () => {
  const { path, requestSerialize, responseDeserialize } = broadcast
  const silent = Array.from({ length: calls }, () => {
    const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
    return new Promise<string>((done) => {
      stream.on('data', () => undefined)
      stream.on('error', (error: ServiceError) => done(status[error.code]))
    })
  })
  expect(await Promise.all(silent)).toEqual(Array.from({ length: calls }, () => 'DEADLINE_EXCEEDED'))
  expect(await send(Buffer.from('more'))).toBe('4')
})

test('forgets a call whose client went away', async () => {
  const { path, requestSerialize, responseDeserialize } = broadcast
  const streams = Array.from({ length: calls }, () => {
    const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
    stream.on('error', () => undefined)
    stream.write(Buffer.from('hello'))
    return stream
  })
  await eventually('a full server', async () => (await send(Buffer.from('more'))) === 'RESOURCE_EXHAUSTED')
  for (const stream of streams) stream.cancel()
  await eventually('room', async () => (await send(Buffer.from('more'))) === '4')
})

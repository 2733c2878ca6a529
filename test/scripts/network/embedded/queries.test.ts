import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startEmbeddedNetwork, type EmbeddedNetwork } from '../../../../scripts/network/embedded/index.ts'
import { issueCredentials, type Credentials } from '../../../../scripts/network/issue.ts'
import { demoTopology } from '../../../../scripts/network/topology.ts'
import { testPort } from '../../../support/ports.ts'
import {
  connectClient,
  eventually,
  failureOf,
  startChaincode,
  temporaryDirectory,
  type ClientConnection,
} from './support.ts'

const topology = demoTopology(testPort(940))
const directory = temporaryDirectory()
let credentials: Credentials
let network: EmbeddedNetwork
let chaincodes: ChildProcess[]
let north: ClientConnection

beforeAll(async () => {
  credentials = await issueCredentials(topology, join(directory.path, 'credentials'))
  chaincodes = topology.constitution.organisations.map(({ name }) =>
    startChaincode(topology, credentials, name),
  )
  network = await startEmbeddedNetwork({
    topology,
    credentials,
    directory: join(directory.path, 'ledger'),
    log: () => undefined,
  })
  await network.chaincodeReady()
  north = await connectClient(topology, credentials, 'north')
})

afterAll(async () => {
  for (const child of chaincodes) child.kill()
  await network.close()
  north.gateway.disconnect()
  directory.remove()
})

const submit = (name: string, ...args: string[]): Promise<Buffer> =>
  north.contract.submitTransaction(name, ...args)
const evaluate = async (name: string, ...args: string[]): Promise<unknown> =>
  JSON.parse((await north.contract.evaluateTransaction(name, ...args)).toString())

/** Has a call endorsed now, and gives what orders it later and resolves with its validation code. */
async function endorse(fcn: string, ...args: string[]): Promise<() => Promise<string>> {
  // A peer that is a block behind would endorse something else.
  await eventually('the same height', () => new Set(Object.values(network.heights())).size === 1)
  const channel = north.network.getChannel()
  const { identityContext } = north.gateway as unknown as {
    identityContext: Parameters<ReturnType<typeof channel.newEndorsement>['build']>[0]
  }
  const endorsement = channel.newEndorsement('medledger')
  endorsement.build(identityContext, { fcn, args })
  endorsement.sign(identityContext)
  await endorsement.send({ targets: channel.getEndorsers() })
  return async () => {
    const committed = Promise.withResolvers<string>()
    const transactionId = endorsement.getTransactionId()
    const listener = await north.network.addCommitListener(
      (error, event) => (error ? committed.reject(error) : committed.resolve(event?.status ?? '')),
      channel.getEndorsers('NorthMSP'),
      transactionId,
    )
    const commit = endorsement.newCommit()
    commit.build(identityContext)
    commit.sign(identityContext)
    await commit.send({ targets: channel.getCommitters() })
    return committed.promise.finally(() => north.network.removeCommitListener(listener))
  }
}

describe('a range of public keys', () => {
  test('comes in the order of its keys, however many, and as far as it is read', async () => {
    await submit('putMany', 'many-', '250')
    const keys = Array.from({ length: 250 }, (_, index) => `many-${String(index).padStart(4, '0')}`)
    expect(await evaluate('rangePublic', 'many-', 'many-~', 'Infinity')).toEqual(keys)
    expect(await evaluate('rangePublic', 'many-0007', 'many-0010', 'Infinity')).toEqual(keys.slice(7, 10))
    expect(await evaluate('rangePublic', 'many-', 'many-~', '3')).toEqual(keys.slice(0, 3))
    expect(await evaluate('rangePublic', 'nothing-', 'nothing-~', 'Infinity')).toEqual([])
  })

  test.each([
    ['few', 3],
    ['more than a summary needs', 60],
  ])('into which a key comes after the endorsement is a phantom: %s', async (name, count) => {
    await submit('putMany', `${name}-`, String(count))
    const first = await endorse('countInto', `${name}-`, `${name}-~`, `${name}-count`)
    const second = await endorse('countInto', `${name}-`, `${name}-~`, `elsewhere-${name}`)
    expect(await first()).toBe('VALID')
    expect(await second()).toBe('PHANTOM_READ_CONFLICT')
    expect((await north.contract.evaluateTransaction('get', `elsewhere-${name}`)).toString()).toBe('')
  })

  test('from which a key goes is a phantom, one that changes outside of it is none', async () => {
    await submit('putMany', 'gone-', '3')
    const before = await endorse('countInto', 'gone-', 'gone-~', 'gone-count')
    await submit('remove', 'gone-0001')
    expect(await before()).toBe('PHANTOM_READ_CONFLICT')
    const after = await endorse('countInto', 'gone-', 'gone-~', 'count-of-gone')
    await submit('put', 'not-gone', 'x')
    expect(await after()).toBe('VALID')
  })

  test('is asked for by a composite key’s beginning', async () => {
    await submit('putComposite', 'visit', 'maria,1')
    await submit('putComposite', 'visit', 'maria,2')
    await submit('putComposite', 'visit', 'mari,3')
    expect(await evaluate('composites', 'visit', 'maria')).toEqual([
      ['maria', '1'],
      ['maria', '2'],
    ])
    expect(await evaluate('composites', 'visit', '')).toHaveLength(3)
  })

  test('comes in pages, which writes may not follow', async () => {
    await submit('putMany', 'page-', '5')
    const page = (size: number, bookmark: string): Promise<unknown> =>
      evaluate('page', 'page-', 'page-~', String(size), bookmark)
    expect(await page(2, '')).toEqual({ keys: ['page-0000', 'page-0001'], bookmark: 'page-0002', count: 2 })
    expect(await page(2, 'page-0002')).toMatchObject({ bookmark: 'page-0004', count: 2 })
    expect(await page(2, 'page-0004')).toEqual({ keys: ['page-0004'], bookmark: '', count: 1 })
    expect(await page(5, '')).toMatchObject({ bookmark: '', count: 5 })
    expect(await failureOf(submit('pageAndWrite', 'page-', 'page-~'))).toContain(
      'Transaction has already performed a paginated query. Writes are not allowed',
    )
  })
})

describe('the history of a public key', () => {
  test('is what valid transactions wrote, the newest first, removals included', async () => {
    await submit('put', 'past', 'one')
    await submit('put', 'past', 'two')
    await submit('remove', 'past')
    await submit('put', 'past', 'three')
    const past = (await evaluate('history', 'past')) as {
      value: string
      isDelete: boolean
      seconds: number
    }[]
    expect(past.map(({ value, isDelete }) => [value, isDelete])).toEqual([
      ['three', false],
      ['', true],
      ['two', false],
      ['one', false],
    ])
    for (const { seconds } of past) expect(Math.abs(seconds - Date.now() / 1000)).toBeLessThan(600)
    expect(await evaluate('history', 'never')).toEqual([])
  })

  test('has no transaction that was invalid', async () => {
    await submit('put', 'contested', '0')
    const first = await endorse('increment', 'contested')
    const second = await endorse('increment', 'contested')
    expect([await first(), await second()]).toEqual(['VALID', 'MVCC_READ_CONFLICT'])
    expect(await evaluate('history', 'contested')).toMatchObject([{ value: '1' }, { value: '0' }])
  })

  test('is the same on a peer that was started again', async () => {
    const before = await evaluate('history', 'past')
    await network.stop('peer-north')
    await network.start('peer-north')
    await network.chaincodeReady()
    const again = await connectClient(topology, credentials, 'north')
    try {
      expect(JSON.parse((await again.contract.evaluateTransaction('history', 'past')).toString())).toEqual(
        before,
      )
    } finally {
      again.gateway.disconnect()
    }
  })
})

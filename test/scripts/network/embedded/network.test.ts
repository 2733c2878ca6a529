import type { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Contract, Transaction } from 'fabric-network'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startEmbeddedNetwork, type EmbeddedNetwork } from '../../../../scripts/network/embedded/index.ts'
import { issueCredentials, type Credentials } from '../../../../scripts/network/issue.ts'
import { credentialsOf } from '../../../../scripts/network/profile.ts'
import { demoTopology, narrowTopology } from '../../../../scripts/network/topology.ts'
import { testPort } from '../../../support/ports.ts'
import {
  connectClient,
  eventually,
  failureOf,
  startChaincode,
  temporaryDirectory,
  type ClientConnection,
} from './support.ts'

const topology = narrowTopology(testPort(800))
const organisations = topology.constitution.organisations.map(({ name }) => name)
const directory = temporaryDirectory()
const ledgerDirectory = join(directory.path, 'ledger')
const chaincodes = new Map<string, ChildProcess>()
const lines: string[] = []
let credentials: Credentials
let network: EmbeddedNetwork
let north: ClientConnection

const startOne = (organisation: string): void =>
  void chaincodes.set(organisation, startChaincode(topology, credentials, organisation))

const endorsedBy = (
  contract: Contract,
  name: string,
  mspIds: readonly string[],
  value?: string,
): Transaction => {
  const transaction = contract.createTransaction(name).setEndorsingOrganizations(...mspIds)
  return value === undefined ? transaction : transaction.setTransient({ value: Buffer.from(value) })
}
const putPrivate = (
  mspIds: readonly string[],
  collection: string,
  key: string,
  value: string,
): Promise<Buffer> => endorsedBy(north.contract, 'putPrivate', mspIds, value).submit(collection, key)

const evaluateAt = async (organisation: string, ...call: readonly [string, ...string[]]): Promise<string> => {
  const client = await connectClient(topology, credentials, organisation)
  try {
    const [name, ...args] = call
    return (await client.contract.evaluateTransaction(name, ...args)).toString()
  } finally {
    client.gateway.disconnect()
  }
}
const sameHeights = (): boolean => new Set(Object.values(network.heights())).size === 1

beforeAll(async () => {
  credentials = await issueCredentials(topology, join(directory.path, 'credentials'))
  for (const organisation of organisations) startOne(organisation)
  network = await startEmbeddedNetwork({
    topology,
    credentials,
    directory: ledgerDirectory,
    log: (line) => void lines.push(line),
    executeTimeoutMs: 1000,
  })
  await network.chaincodeReady()
  north = await connectClient(topology, credentials, 'north')
}, 20_000)

afterAll(async () => {
  north.gateway.disconnect()
  await network.close()
  for (const child of chaincodes.values()) child.kill()
  directory.remove()
})

describe('a client of fabric-network', () => {
  test('reads what it has written, and shows its role', async () => {
    await endorsedBy(north.contract, 'put', ['NorthMSP', 'SouthMSP']).submit('greeting', 'hello')
    expect((await north.contract.evaluateTransaction('get', 'greeting')).toString()).toBe('hello')
    expect(JSON.parse((await north.contract.evaluateTransaction('whoAmI')).toString())).toEqual({
      mspId: 'NorthMSP',
      role: 'gateway',
    })
  })

  test('gets events and filtered blocks', async () => {
    const names: string[] = []
    const blocks: string[] = []
    await north.contract.addContractListener(async (event) => void names.push(event.eventName))
    await north.network.addBlockListener(async (event) => void blocks.push(event.blockNumber.toString()), {
      type: 'filtered',
      startBlock: 0,
    })
    await endorsedBy(north.contract, 'put', ['NorthMSP', 'SouthMSP']).submit('event', 'x')
    await eventually('the event', () => names.includes('put'))
    await eventually('every block', () => blocks.length >= (network.heights()['peer-north'] ?? 0))
    expect(blocks).toEqual(blocks.map((_, index) => String(index)))
  })

  test('asks qscc for the chain and a transaction', async () => {
    const transaction = endorsedBy(north.contract, 'put', ['NorthMSP', 'SouthMSP'])
    await transaction.submit('asked', 'x')
    const qscc = north.network.getContract('qscc')
    const known = await qscc.evaluateTransaction(
      'GetTransactionByID',
      'medledger',
      transaction.getTransactionId(),
    )
    expect(known.length).toBeGreaterThan(0)
    expect((await qscc.evaluateTransaction('GetChainInfo', 'medledger')).length).toBeGreaterThan(0)
    expect((await qscc.evaluateTransaction('GetBlockByNumber', 'medledger', '1')).length).toBeGreaterThan(0)
    expect(await failureOf(qscc.evaluateTransaction('GetTransactionByID', 'medledger', 'none'))).toContain(
      'no such transaction ID [none] in index',
    )
  })

  test('learns what the chaincode said when it refuses, and that nothing unsupported is silently done', async () => {
    const refused = (...call: readonly [string, ...string[]]): Promise<string> =>
      failureOf(north.contract.evaluateTransaction(...call))
    expect(await refused('fail')).toContain('refused by the chaincode')
    expect(await refused('rangeAndWrite', 'access-north')).toContain('Writes are not allowed')
  })

  test('is refused with a certificate of another authority', async () => {
    const foreign = await issueCredentials(demoTopology(), join(directory.path, 'foreign'))
    const { mspId, gateway: pair } = credentialsOf(foreign, 'north')
    const stranger = await connectClient(topology, credentials, 'north', { mspId, pair })
    expect(await failureOf(stranger.contract.evaluateTransaction('get', 'greeting'))).toContain(
      'access denied: channel [medledger] creator org [NorthMSP]',
    )
    stranger.gateway.disconnect()
  })
})

describe('private data', () => {
  test('is valid when its custodian and another member have endorsed, and lies with members only', async () => {
    await putPrivate(['NorthMSP', 'AuthorityMSP'], 'access-north', 'entry-1', 'one')
    expect(await evaluateAt('north', 'getPrivate', 'access-north', 'entry-1')).toBe('one')
    await eventually('all peers', sameHeights)
    expect(await evaluateAt('authority', 'getPrivate', 'access-north', 'entry-1')).toBe('one')
    expect(await failureOf(evaluateAt('south', 'getPrivate', 'access-north', 'entry-1'))).toContain(
      'private data matching public hash version is not available',
    )
    expect(await evaluateAt('south', 'getPrivate', 'access-north', 'never')).toBe('')
    expect(await evaluateAt('south', 'getPrivateHash', 'access-north', 'entry-1')).toHaveLength(64)
  })

  test('is invalid without its custodian, or with one endorser, or with one who is no member', async () => {
    const policy = 'ENDORSEMENT_POLICY_FAILURE'
    expect(await failureOf(putPrivate(['AuthorityMSP', 'SouthMSP'], 'access-north', 'e', 'x'))).toContain(
      policy,
    )
    expect(await failureOf(putPrivate(['NorthMSP'], 'access-north', 'e', 'x'))).toContain(policy)
    expect(await failureOf(putPrivate(['NorthMSP', 'SouthMSP'], 'access-north', 'e', 'x'))).toContain(policy)
  })

  test('of a consent collection needs any two members', async () => {
    await putPrivate(['NorthMSP', 'AuthorityMSP'], 'consent-south', 'patient', 'granted')
    expect(await evaluateAt('north', 'getPrivate', 'consent-south', 'patient')).toBe('granted')
  })

  test('has ranges in queries, and can be deleted', async () => {
    for (const key of ['b', 'a', 'c'])
      await putPrivate(['NorthMSP', 'AuthorityMSP'], 'access-north', `r-${key}`, key)
    const range = ['rangePrivate', 'access-north', 'r-', 'r-~'] as const
    expect(JSON.parse(await evaluateAt('north', ...range))).toEqual(['r-a', 'r-b', 'r-c'])
    await endorsedBy(north.contract, 'deletePrivate', ['NorthMSP', 'AuthorityMSP']).submit(
      'access-north',
      'r-b',
    )
    expect(JSON.parse(await evaluateAt('north', ...range))).toEqual(['r-a', 'r-c'])
  })
})

describe('a purge', () => {
  const members = ['NorthMSP', 'AuthorityMSP'] as const
  const purged = 'a value that must go'
  const kept = 'a value that must stay'
  const holds = (text: string): string[] =>
    readdirSync(ledgerDirectory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => readFileSync(file).includes(text))

  /** What the private writes of all blocks say, as north's peer delivers them. */
  const delivered = async (): Promise<string> => {
    const found: string[] = []
    const blocks: number[] = []
    const listener = await north.network.addBlockListener(
      async (event) => {
        found.push(JSON.stringify(event.getTransactionEvents().map(({ privateData }) => privateData)))
        blocks.push(event.blockNumber.toNumber())
      },
      { type: 'private', startBlock: 0 },
    )
    await eventually('every block', () => blocks.length >= (network.heights()['peer-north'] ?? 0))
    north.network.removeBlockListener(listener)
    return found.join()
  }

  test('is as little valid as a write where its custodian has not endorsed', async () => {
    await putPrivate(members, 'access-north', 'to-purge', purged)
    await putPrivate(members, 'access-north', 'to-keep', kept)
    const purge = endorsedBy(north.contract, 'purgePrivate', ['AuthorityMSP', 'SouthMSP'])
    expect(await failureOf(purge.submit('access-north', 'to-purge'))).toContain('ENDORSEMENT_POLICY_FAILURE')
    expect(await evaluateAt('north', 'getPrivate', 'access-north', 'to-purge')).toBe(purged)
    const writes = await delivered()
    expect([writes.includes('to-purge'), writes.includes('to-keep')]).toEqual([true, true])
    expect(holds(purged).length).toBeGreaterThan(0)
  })

  test('leaves no value in a state, in a delivery or in a file of any peer', async () => {
    await endorsedBy(north.contract, 'purgePrivate', members).submit('access-north', 'to-purge')
    await eventually('all peers', sameHeights)
    for (const organisation of organisations) {
      expect(await evaluateAt(organisation, 'getPrivate', 'access-north', 'to-purge')).toBe('')
      expect(await evaluateAt(organisation, 'getPrivateHash', 'access-north', 'to-purge')).toBe('')
    }
    expect(holds(purged)).toEqual([])
    expect(holds(kept).length).toBeGreaterThan(0)
    const writes = await delivered()
    expect([writes.includes('to-purge'), writes.includes('to-keep')]).toEqual([false, true])
  })

  test('is for good: a peer that starts again has nothing of it, and the key can be written anew', async () => {
    await network.stop('peer-authority')
    await network.start('peer-authority')
    await network.chaincodeReady()
    expect(await evaluateAt('authority', 'getPrivate', 'access-north', 'to-purge')).toBe('')
    expect(await evaluateAt('authority', 'getPrivate', 'access-north', 'to-keep')).toBe(kept)
    expect(holds(purged)).toEqual([])
    await putPrivate(members, 'access-north', 'to-purge', 'anew')
    expect(await evaluateAt('north', 'getPrivate', 'access-north', 'to-purge')).toBe('anew')
  })
})

describe('transactions that conflict', () => {
  /** Endorses a call at all peers; what is returned sends the envelope to the orderer. */
  const endorse = async (fcn: string, ...args: string[]): Promise<() => Promise<unknown>> => {
    const channel = north.network.getChannel()
    const endorsement = channel.newEndorsement('medledger')
    const { identityContext } = north.gateway as unknown as {
      identityContext: Parameters<typeof endorsement.build>[0]
    }
    endorsement.build(identityContext, { fcn, args })
    endorsement.sign(identityContext)
    await endorsement.send({ targets: channel.getEndorsers() })
    const commit = endorsement.newCommit()
    commit.build(identityContext)
    commit.sign(identityContext)
    return () => commit.send({ targets: channel.getCommitters() })
  }
  const judged = (code: string): boolean =>
    lines.some((line) => line.includes('peer-north') && line.endsWith(code))

  test('of two that read and write the same key one is valid', async () => {
    const sends = [await endorse('increment', 'counter'), await endorse('increment', 'counter')]
    for (const send of sends) await send()
    await eventually('the conflict', () => judged('MVCC_READ_CONFLICT'))
    expect(await evaluateAt('north', 'get', 'counter')).toBe('1')
  })

  test('the same envelope twice is a duplicate', async () => {
    const send = await endorse('put', 'twice', 'x')
    await send()
    await send()
    await eventually('the duplicate', () => judged('DUPLICATE_TXID'))
  })
})

describe('parts that fail', () => {
  test('a chaincode process that dies in the middle of a call is named, and its successor is found', async () => {
    const call = failureOf(north.contract.evaluateTransaction('hang'))
    const before = lines.length
    await failureOf(north.contract.evaluateTransaction('get', 'greeting'))
    chaincodes.get('north')?.kill('SIGKILL')
    expect(await call).toContain('could not launch chaincode')
    expect(await failureOf(north.contract.evaluateTransaction('get', 'greeting'))).toContain(
      'could not launch chaincode',
    )
    startOne('north')
    await eventually('the registration', () =>
      lines.slice(before).some((line) => line.includes('is registered')),
    )
    expect((await north.contract.evaluateTransaction('get', 'greeting')).toString()).toBe('hello')
  })

  test('a chaincode that takes too long is given up', async () => {
    expect(await failureOf(north.contract.evaluateTransaction('hang'))).toContain(
      'timeout expired while executing transaction',
    )
  })

  test('while the orderer is stopped nothing is ordered, and the client learns it quickly', async () => {
    await network.stop('orderer')
    const begin = Date.now()
    const outcome = await failureOf(
      endorsedBy(north.contract, 'put', ['NorthMSP', 'SouthMSP']).submit('late', 'x'),
    )
    expect(outcome).toMatch(/not connected|UNAVAILABLE|No committer/i)
    expect(Date.now() - begin).toBeLessThan(3000)
    await network.start('orderer')
    await eventually('the orderer', async () => {
      const put = endorsedBy(north.contract, 'put', ['NorthMSP', 'SouthMSP'])
      return (await failureOf(put.submit('late', 'y'))) === ''
    })
  })

  test('a peer that was stopped catches up, private data included', async () => {
    await network.stop('peer-authority')
    expect(network.heights()).not.toHaveProperty('peer-authority')
    await putPrivate(['NorthMSP', 'SouthMSP'], 'access-south', 'while-away', 'kept')
    await network.start('peer-authority')
    expect(sameHeights()).toBe(true)
    await network.chaincodeReady()
    expect(await evaluateAt('authority', 'getPrivate', 'access-south', 'while-away')).toBe('kept')
  })

  test('a peer that is alone says what it lacks, and has it when another member is back', async () => {
    await network.stop('peer-authority')
    await putPrivate(['NorthMSP', 'SouthMSP'], 'access-south', 'alone', 'found')
    await network.stop('peer-north')
    await network.stop('peer-south')
    await network.start('peer-authority')
    await network.chaincodeReady()
    expect(await failureOf(evaluateAt('authority', 'getPrivate', 'access-south', 'alone'))).toContain(
      'private data matching public hash version is not available',
    )
    await network.start('peer-south')
    expect(await evaluateAt('authority', 'getPrivate', 'access-south', 'alone')).toBe('found')
    await network.start('peer-north')
    expect(sameHeights()).toBe(true)
  })

  test('a second network on the same directory is refused', async () => {
    const second = startEmbeddedNetwork({
      topology,
      credentials,
      directory: ledgerDirectory,
      log: () => undefined,
    })
    expect(await failureOf(second)).toContain('is in use by process')
  })
})

import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { issueCredentials } from '../../../../scripts/network/issue.ts'
import { demoTopology, ordererPort } from '../../../../scripts/network/topology.ts'
import { testPort } from '../../../support/ports.ts'
import {
  connectClient,
  eventually,
  exited,
  failureOf,
  startChaincode,
  startNetworkProcess,
  temporaryDirectory,
  type ClientConnection,
} from './support.ts'

const directory = temporaryDirectory()
afterAll(directory.remove)

describe('a network in a process of its own', () => {
  const own = demoTopology(testPort(820))
  const settings = {
    topology: own,
    credentialsDirectory: join(directory.path, 'own-credentials'),
    directory: join(directory.path, 'own-ledger'),
  }

  test('says in one line why it cannot start, and exits with 1', async () => {
    const blocked = demoTopology(testPort(840))
    const server = createServer()
    await new Promise<void>((resolve) => {
      server.listen(ordererPort(blocked), '127.0.0.1', resolve)
    })
    const started = startNetworkProcess({
      topology: blocked,
      credentialsDirectory: directory.path,
      directory: join(directory.path, 'blocked'),
    })
    const failure = await failureOf(started.notice('listening'))
    expect(failure).toMatch(
      new RegExp(`^the embedded network cannot start: cannot listen on port ${ordererPort(blocked)}: .*$`),
    )
    expect(await exited(started.child)).toBe(1)
    server.close()
  })

  test('stops and starts parts for its parent, and ends with it', async () => {
    const started = startNetworkProcess({
      topology: demoTopology(testPort(860)),
      credentialsDirectory: directory.path,
      directory: join(directory.path, 'parts'),
    })
    const { child } = started
    const { heights } = await started.notice('listening')
    expect(heights).toEqual({ orderer: 2, 'peer-north': 2, 'peer-south': 2, 'peer-authority': 2 })
    const change = (type: string, part: string): Promise<unknown> =>
      new Promise((resolve) => {
        child.once('message', resolve)
        child.send({ type, part })
      })
    expect(await change('stop', 'peer-south')).toEqual({ type: 'done', part: 'peer-south' })
    expect(await change('start', 'peer-south')).toEqual({ type: 'done', part: 'peer-south' })
    expect(await change('stop', 'peer-west')).toEqual({
      type: 'failed',
      part: 'peer-west',
      message: 'the network has no part peer-west',
    })
    child.disconnect()
    expect(await exited(child)).toBe(0)
  })

  test('loses nothing when it is killed between endorsement and ordering, nor when it is killed at all', async () => {
    const issued = await issueCredentials(own, settings.credentialsDirectory)
    const children = own.constitution.organisations.map(({ name: organisation }) =>
      startChaincode(own, issued, organisation),
    )
    const first = startNetworkProcess(settings)
    try {
      await first.notice('ready')
      const client = await connectClient(own, issued, 'north')
      const channel = client.network.getChannel()
      const endorsement = channel.newEndorsement('medledger')
      const { identityContext } = client.gateway as unknown as {
        identityContext: Parameters<typeof endorsement.build>[0]
      }
      const value = Buffer.from('survives')
      endorsement.build(identityContext, {
        fcn: 'putPrivate',
        args: ['access-north', 'k'],
        transientMap: { value },
      })
      endorsement.sign(identityContext)
      await endorsement.send({ targets: channel.getEndorsers() })
      await client.contract.submitTransaction('put', 'before', 'x')
      const before = await blockHashes(client)

      first.child.kill('SIGKILL')
      await exited(first.child)
      const second = startNetworkProcess(settings)
      try {
        const { heights } = await second.notice('ready')
        expect(new Set(Object.values(heights))).toEqual(new Set([before.length]))
        await eventually('the connection', async () => (await failureOf(blockHashes(client))) === '')
        expect(await blockHashes(client)).toEqual(before)
        const commit = endorsement.newCommit()
        commit.build(identityContext)
        commit.sign(identityContext)
        await eventually(
          'the orderer',
          async () => (await failureOf(commit.send({ targets: channel.getCommitters() }))) === '',
        )
        await eventually('the value', async () => {
          const read = client.contract.evaluateTransaction('getPrivate', 'access-north', 'k')
          return (await read).toString() === 'survives'
        })
        client.gateway.disconnect()
        second.child.kill('SIGTERM')
        expect(await exited(second.child)).toBe(0)
      } finally {
        second.child.kill('SIGKILL')
      }
    } finally {
      first.child.kill('SIGKILL')
      for (const child of children) child.kill()
    }
  }, 30_000)
})

/** Every block as North's peer has it, which is the same bytes for ever. */
async function blockHashes(client: ClientConnection): Promise<string[]> {
  const qscc = client.network.getContract('qscc')
  const hashes: string[] = []
  for (;;) {
    const read = qscc.evaluateTransaction('GetBlockByNumber', 'medledger', String(hashes.length))
    const content = await read.catch((error: Error) => {
      if (error.message.includes('no such block number')) return undefined
      throw error
    })
    if (content === undefined) return hashes
    hashes.push(content.toString('hex'))
  }
}

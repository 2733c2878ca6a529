import { MedledgerError, writeMessage } from 'medledger-chaincode/api'
import { describe, expect, test } from 'vitest'
import {
  askPeers,
  readFailure,
  readRefusal,
  readResponse,
  type AskOptions,
  type PeerResponse,
} from '../../../../gateway/src/ledger/fabric/ask.ts'
import { rememberHealth } from '../../../../gateway/src/ledger/fabric/node.ts'
import { fakePeer } from '../../../support/fabric-fakes.ts'

const endorsement = { endorser: Buffer.from('e'), signature: Buffer.from('s') }
const good: PeerResponse = {
  response: { status: 200, message: '', payload: Buffer.from('result') },
  payload: Buffer.from('signed'),
  endorsement,
}
const bad = (message: string): PeerResponse => ({
  response: { status: 500, message, payload: Buffer.alloc(0) },
  payload: Buffer.alloc(0),
})

describe("a peer's answer", () => {
  test('of ours is a refusal, whatever surrounds it', () => {
    const text = `transaction returned with failure: Error: ${writeMessage(new MedledgerError('FORBIDDEN', 'Not you.'))}`
    expect(readResponse(bad(text))).toMatchObject({ kind: 'refused', error: { code: 'FORBIDDEN' } })
  })

  test.each([
    'error in simulation: failed to execute transaction: could not launch chaincode medledger_1',
    'failed to distribute private collection, txID t: could not build private data map',
    'GET_STATE failed: transaction ID: t: private data matching public hash version is not available',
    'connection to medledger_1 failed',
    'execute timed out',
  ])('"%s" is the trouble of that peer alone', (message) => {
    expect(readRefusal(message)).toMatchObject({ kind: 'failed', away: true })
  })

  test('of a kind that we do not know is a fault, and nothing of it is passed on', () => {
    const answer = readRefusal('TypeError: secret is not a function')
    expect(answer).toMatchObject({ kind: 'failed', away: false })
    expect(JSON.stringify(answer)).not.toContain('secret')
  })

  test('without an endorsement is not an endorsement', () => {
    expect(readResponse({ ...good, endorsement: null })).toMatchObject({ kind: 'failed' })
    expect(readResponse(good)).toMatchObject({ kind: 'endorsed', payload: good.payload })
  })

  test('that never came means that the peer is away', () => {
    expect(readFailure(Object.assign(new Error('14 UNAVAILABLE'), { code: 14 }))).toMatchObject({
      away: true,
    })
    expect(readFailure(new Error('REQUEST TIMEOUT'))).toMatchObject({ away: true })
    expect(readFailure(Object.assign(new Error('2 UNKNOWN: access denied'), { code: 2 }))).toMatchObject({
      away: false,
    })
  })
})

describe("asking an organisation's peers", () => {
  const options = (): AskOptions & { failures: string[] } => {
    const failures: string[] = []
    return {
      health: rememberHealth(1000),
      connectMs: 20,
      timeoutMs: 60,
      onFailure: (peer) => void failures.push(peer),
      failures,
    }
  }

  test('the next is asked when one is away, and then comes first', async () => {
    const asked: string[] = []
    const peers = [
      fakePeer('peer0', 'NorthMSP', () => 'away'),
      fakePeer('peer1', 'NorthMSP', (signed) => {
        if (signed !== undefined) asked.push('peer1')
        return good
      }),
    ]
    const given = options()
    expect(await askPeers(peers, {}, given)).toMatchObject({ kind: 'endorsed' })
    expect(await askPeers(peers, {}, given)).toMatchObject({ kind: 'endorsed' })
    expect(given.failures).toEqual(['peer0'])
    expect(asked).toEqual(['peer1', 'peer1'])
  })

  test('one that hangs is given up in time', async () => {
    const answer = await askPeers([fakePeer('peer', 'NorthMSP', () => 'hangs')], {}, options())
    expect(answer).toMatchObject({ kind: 'failed', away: true })
  })

  test('an organisation without peers has none that answers', async () => {
    expect(await askPeers([], {}, options())).toMatchObject({ kind: 'failed', away: true })
  })
})

describe('health', () => {
  test('those that failed lately come last, for a while', () => {
    let now = 0
    const health = rememberHealth(100, () => now)
    const nodes = ['a', 'b', 'c'].map((name) => ({ name }))
    const order = (): string =>
      health
        .failingLast(nodes)
        .map(({ name }) => name)
        .join('')
    health.failed({ name: 'a' })
    expect(order()).toBe('bca')
    health.recovered({ name: 'a' })
    expect(order()).toBe('abc')
    health.failed({ name: 'b' })
    now = 101
    expect(order()).toBe('abc')
  })
})

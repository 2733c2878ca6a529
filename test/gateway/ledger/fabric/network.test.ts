import type { Endorsers } from 'medledger-chaincode/api'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { FullBlock, LedgerTransport, Sealed } from '../../../../gateway/src/ledger/index.ts'
import { orderFirst, replayed, underIdOf } from './steal.ts'
import { testPort } from '../../../support/ports.ts'
import { startProbeNetwork, type ProbeNetwork } from '../../../support/probe-network.ts'

const names = ['north', 'south', 'authority']
const north: Endorsers = { required: ['north'], among: names, count: 2 }
const anyTwo: Endorsers = { required: [], among: names, count: 2 }

const probe = (name: string, collection: string, key = 'key'): Sealed => ({
  name,
  commitment: `commitment of ${key}`,
  transient: { collection: Buffer.from(collection), key: Buffer.from(key) },
})
const countAccess = (key?: string): Sealed => probe('Count', 'access-north', key)
const countConsent = (key?: string): Sealed => probe('Count', 'consent-north', key)

/** Retries while the network comes back: a deadline, no fixed wait. */
const eventually = <T>(attempt: () => Promise<T>): Promise<T> =>
  vi.waitFor(attempt, { timeout: 8000, interval: 50 })

/** How long a rejection took, and with what. */
async function failure(attempt: Promise<unknown>): Promise<{ code: unknown; ms: number }> {
  const began = performance.now()
  try {
    await attempt
  } catch (error) {
    return { code: (error as { code?: unknown }).code, ms: performance.now() - began }
  }
  throw new Error('it should have failed')
}

describe('the ledger over Fabric’s protocols', () => {
  let probes: ProbeNetwork
  let ledger: LedgerTransport

  const valueOf = async (collection: string, organisations = names): Promise<string> =>
    Buffer.from(await ledger.evaluate(probe('Read', collection), organisations)).toString()

  beforeAll(async () => {
    probes = await startProbeNetwork(testPort(900))
    ledger = await probes.connect('south')
  }, 30_000)

  afterAll(() => probes.close(), 10_000)

  test("commits under a collection's policy, and its own peer delivers the block", async () => {
    const { block, transactionId, payload } = await ledger.submit(countAccess(), north)
    expect(Buffer.from(payload).toString()).toBe('commitment of key')
    expect(transactionId).toMatch(/^[0-9a-f]{64}$/)
    await ledger.waitForBlock(block, 3000)
    expect(ledger.height()).toEqual({ blocks: block + 1, connected: true })
    expect(await valueOf('access-north', ['south'])).toBe('1')
    await expect(ledger.evaluate(probe('Read', 'access-north'), ['north'], block + 1)).rejects.toMatchObject({
      code: 'LEDGER_UNAVAILABLE',
    })
  })

  test("gives the chaincode's own refusal", async () => {
    const refuse = probe('Refuse', 'access-north')
    await expect(ledger.submit(refuse, north)).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect(ledger.evaluate(refuse, names)).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })

  test('full blocks follow each other by their hashes, and hold what the own organisation may know', async () => {
    const blocks: FullBlock[] = []
    const stop = await ledger.followFull(0, async (block) => {
      if ('fault' in block) throw new Error(block.fault)
      blocks.push(block)
    })
    const { block, transactionId } = await ledger.submit(countConsent('full'), anyTwo)
    await eventually(async () => expect(blocks.length).toBeGreaterThan(block))
    stop()
    expect(blocks.map(({ number }) => number)).toEqual(blocks.map((_block, index) => index))
    expect(blocks.slice(1).map(({ previousHash }) => previousHash)).toEqual(
      blocks.slice(0, -1).map(({ hash }) => hash),
    )
    const ours = blocks[block]?.transactions.find((each) => each.transactionId === transactionId)
    const held = { key: Buffer.from('full'), value: Buffer.from('1') }
    expect(ours).toMatchObject({ privateWrites: [{ collection: 'consent-north', held }] })
    expect(await ledger.readFull(block)).toEqual(blocks[block])
    await expect(ledger.readFull(ledger.height().blocks + 10)).rejects.toMatchObject({
      code: 'LEDGER_UNAVAILABLE',
    })
  })

  test('conflicting requests are proposed anew until each has counted', async () => {
    await Promise.all([1, 2, 3].map(() => ledger.submit(countConsent(), anyTwo)))
    await eventually(async () => expect(await valueOf('consent-north')).toBe('3'))
    expect(probes.lines.some(({ code }) => code === 'MVCC_READ_CONFLICT')).toBe(true)
  })

  test.each(['another creator', 'our own proposal'])(
    'an envelope of %s that uses up the id of ours costs a further proposal, and counts once',
    async (kind) => {
      const key = `id used up by ${kind}`
      const steal = kind === 'another creator' ? underIdOf(probes.identityOf('north')) : replayed()
      const { blocks } = ledger.height()
      const sent = orderFirst(steal, () =>
        vi.waitFor(() => expect(ledger.height().blocks).toBeGreaterThan(blocks), { interval: 10 }),
      )
      try {
        await ledger.submit(countConsent(key), anyTwo)
        expect(sent).toHaveBeenCalledTimes(2)
      } finally {
        vi.restoreAllMocks()
      }
      const value = await ledger.evaluate(probe('Read', 'consent-north', key), ['south'])
      expect(Buffer.from(value).toString()).toBe('1')
    },
  )

  test('without the custodian its requests are refused in time, and all others go on', async () => {
    await probes.network.stop('peer-north')
    const { code, ms } = await failure(ledger.submit(countAccess(), north))
    expect(code).toBe('LEDGER_UNAVAILABLE')
    expect(ms).toBeLessThan(5000)
    await ledger.submit(countConsent(), anyTwo)
    expect(await valueOf('consent-north', ['north', 'south'])).toBe('4')
    await probes.network.start('peer-north')
    await eventually(() => ledger.submit(countAccess(), north))
  })

  test('a peer that hangs costs a moment when another can take its place, and is named in time when not', async () => {
    probes.halt('north')
    const began = performance.now()
    await ledger.submit(countConsent(), anyTwo)
    expect(performance.now() - began).toBeLessThan(2500)
    const { code, ms } = await failure(ledger.submit(countAccess(), north))
    expect(code).toBe('LEDGER_UNAVAILABLE')
    expect(ms).toBeLessThan(5000)
    expect(await valueOf('consent-north')).toBe('5')
    probes.resume('north')
    await eventually(() => ledger.submit(countAccess('another'), north))
  })

  test('without an orderer nothing is ordered, in time, and afterwards all is well', async () => {
    expect(await ledger.reachesOrderer()).toBe(true)
    await probes.network.stop('orderer')
    expect(await ledger.reachesOrderer()).toBe(false)
    const { code, ms } = await failure(ledger.submit(countAccess(), north))
    expect(code).toBe('LEDGER_UNAVAILABLE')
    expect(ms).toBeLessThan(5000)
    await probes.network.start('orderer')
    await eventually(() => ledger.submit(countAccess(), north))
    await eventually(async () => expect(await valueOf('access-north', ['north'])).toBe('3'))
    expect(await ledger.reachesOrderer()).toBe(true)
  })

  test('while the own peer is away others confirm, and followers miss and repeat nothing', async () => {
    const followed: number[] = []
    const valid: string[] = []
    const stop = await ledger.follow(0, ({ number, transactions }) => {
      followed.push(number)
      valid.push(...transactions.filter((each) => each.valid).map(({ transactionId }) => transactionId))
      return Promise.resolve()
    })
    await eventually(async () => expect(followed.length).toBe(ledger.height().blocks))
    await probes.network.stop('peer-south')
    await eventually(async () => expect(ledger.height().connected).toBe(false))
    const away = await ledger.submit(countAccess(), north)
    await probes.network.start('peer-south')
    await ledger.waitForBlock(away.block, 8000)
    const back = await eventually(() => ledger.submit(countAccess(), north))
    await eventually(async () => expect(valid).toContain(back.transactionId))
    stop()
    expect(valid).toContain(away.transactionId)
    expect(followed).toEqual(followed.map((_number, index) => index))
    expect(ledger.height().connected).toBe(true)
  })
})

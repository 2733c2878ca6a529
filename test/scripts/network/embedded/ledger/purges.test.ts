import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import {
  collection,
  createPurgeWorld,
  members,
  outsider,
  valueOf,
  type Kind,
  type Peer,
  type PurgeWorld,
  type Step,
} from './purge-world.ts'

const root = mkdtempSync(join(tmpdir(), 'medledger-purges-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function startWorld(peers: readonly Peer[] = [...members, outsider]): Promise<PurgeWorld> {
  const world = createPurgeWorld(root)
  for (const peer of peers) await world.open(peer)
  return world
}

const doing =
  (kind: Kind) =>
  (...keys: readonly string[]): Step => ({
    kinds: Object.fromEntries(keys.map((key) => [key, kind])),
    sentTo: members,
  })
const put = doing('put')
const remove = doing('delete')
const purge = doing('purge')
const to = (step: Step, ...sentTo: readonly Peer[]): Step => ({ ...step, sentTo })

async function reopen(world: PurgeWorld, peer: Peer): Promise<void> {
  world.close(peer)
  await world.open(peer)
}

describe('a purged value', () => {
  test('leaves state, folder and deliveries, with all that the key held before, for good', async () => {
    const world = await startWorld()
    await world.commit(put('k', 'other'))
    await world.commit(put('k'))
    await world.commit(remove('k'))
    const gone = [valueOf(0, 0, 'k'), valueOf(1, 0, 'k')]
    const kept = valueOf(0, 0, 'other')
    for (const peer of members)
      for (const text of gone)
        expect([world.files(peer).includes(text), world.delivered(peer).includes(text)]).toEqual([true, true])
    await world.commit(purge('k', 'never'))
    const isGone = (peer: Peer): void => {
      for (const text of gone) {
        expect(world.files(peer)).not.toContain(text)
        expect(world.delivered(peer)).not.toContain(text)
      }
      expect(world.values(peer)).toEqual([kept])
      expect(world.delivered(peer)).toContain(kept)
    }
    for (const peer of members) {
      isGone(peer)
      const before = world.contents(peer)
      await reopen(world, peer)
      isGone(peer)
      expect(world.contents(peer)).toEqual(before)
      expect(await world.of(peer).reconcile()).toBe(0)
    }
    // Of the collection the outsider has one hash, as everybody does.
    expect(world.contents(outsider)).toHaveLength(1)
    world.closeAll()
  })

  test('goes where the purge itself was not received; what is written after it stays', async () => {
    const world = await startWorld()
    await world.commit(put('k'))
    await world.commit(to(purge('k'), 'NorthMSP'), put('k'))
    for (const peer of members) {
      expect(world.files(peer)).not.toContain(valueOf(0, 0, 'k'))
      expect(world.values(peer)).toEqual([valueOf(1, 1, 'k')])
      expect(await world.of(peer).reconcile()).toBe(0)
    }
    await world.commit(put('k'), to(purge('k'), 'NorthMSP'))
    for (const peer of members)
      expect([world.values(peer), world.files(peer).includes('value-')]).toEqual([[], false])
    world.closeAll()
  })

  test('is still there when the purge is not valid', async () => {
    const world = await startWorld()
    await world.commit(put('k'))
    await world.commit({ ...purge('k'), isInvalid: true })
    for (const peer of members) {
      await reopen(world, peer)
      expect(world.values(peer)).toEqual([valueOf(0, 0, 'k')])
      expect(world.delivered(peer)).toContain(valueOf(0, 0, 'k'))
    }
    world.closeAll()
  })

  test('goes at the next start when a crash came between the block and the purge', async () => {
    const world = await startWorld()
    world.of('NorthMSP').transient.add('waiting', 0, new Map([[collection, Buffer.from('still waiting')]]))
    await world.commit(put('k', 'other'))
    const names = ['ledger.sqlite', 'ledger.sqlite-wal', 'transient-0']
    const paths = names.map((name) => join(world.directory('NorthMSP'), name))
    const before = paths.map((path) => readFileSync(path))
    await world.commit(purge('k'))
    const contents = world.contents('NorthMSP')
    world.close('NorthMSP')
    expect(before.filter((content) => content.includes(valueOf(0, 0, 'k')))).not.toEqual([])
    for (const [index, path] of paths.entries()) writeFileSync(path, before[index] ?? '')
    await world.open('NorthMSP')
    expect(world.files('NorthMSP')).not.toContain(valueOf(0, 0, 'k'))
    expect(world.contents('NorthMSP')).toEqual(contents)
    expect(await world.of('NorthMSP').reconcile()).toBe(0)
    world.closeAll()
  })

  test('does not lie on in the transient store while other transactions are waited for there', async () => {
    const world = await startWorld()
    world.of('NorthMSP').transient.add('waiting', 0, new Map([[collection, Buffer.from('still waiting')]]))
    await world.commit(put('k'))
    await world.commit(purge('k'))
    expect(world.files('NorthMSP')).not.toContain(valueOf(0, 0, 'k'))
    expect(world.files('NorthMSP')).toContain('still waiting')
    world.closeAll()
  })
})

describe('a peer that lacked a write set', () => {
  test('has what is left of it from one who has purged, when it knows of the purge itself', async () => {
    const world = await startWorld(['NorthMSP'])
    await world.commit(put('k', 'other'))
    await world.commit(purge('k'))
    await world.open('AuthorityMSP')
    await world.copy(0, 'NorthMSP', 'AuthorityMSP')
    // What it is given has another hash than the block says.
    expect(await world.of('AuthorityMSP').reconcile()).toBe(1)
    await world.copy(1, 'NorthMSP', 'AuthorityMSP')
    expect(await world.of('AuthorityMSP').reconcile()).toBe(0)
    expect(world.values('AuthorityMSP')).toEqual([valueOf(0, 0, 'other')])
    world.closeAll()
  })

  test('takes no purged value from one who still has it, and asks for nothing that is purged', async () => {
    const world = await startWorld(['NorthMSP'])
    await world.commit(put('k', 'other'), put('k'))
    const whole = [0, 1].map((index) => world.of('NorthMSP').privateData(0).get(index)?.get(collection))
    await world.commit(purge('k'))
    const asked: number[] = []
    let answers = false
    await world.open('AuthorityMSP', ({ transaction }) => {
      if (!answers) return undefined
      asked.push(transaction)
      return whole[transaction]
    })
    for (const number of [0, 1]) await world.copy(number, 'NorthMSP', 'AuthorityMSP')
    answers = true
    expect(await world.of('AuthorityMSP').reconcile()).toBe(0)
    expect(asked).toEqual([0])
    expect(world.values('AuthorityMSP')).toEqual([valueOf(0, 0, 'other')])
    expect(world.files('AuthorityMSP')).not.toContain(valueOf(0, 0, 'k'))
    world.closeAll()
  })

  const otherThird = (whole: Buffer): Buffer =>
    Buffer.from(whole.toString('latin1').replace('value-0-0-third', 'value-0-1-third'), 'latin1')

  test.each<[string, (whole: Buffer, shorter: Buffer) => Buffer]>([
    ['another value', otherThird],
    ['a key too few', (_, shorter) => shorter],
  ])('does not take what has %s', async (_, forge) => {
    const world = await startWorld(['NorthMSP'])
    await world.commit(put('k', 'other', 'third'))
    const setOf = (block: number): Buffer =>
      world.of('NorthMSP').privateData(block).get(0)?.get(collection) ?? Buffer.alloc(0)
    const whole = setOf(0)
    await world.commit(purge('k'))
    await world.commit(put('other'))
    const forged = forge(whole, setOf(2))
    await world.open('AuthorityMSP', ({ block }) => (block === 0 ? forged : undefined))
    for (const number of [0, 1, 2]) await world.copy(number, 'NorthMSP', 'AuthorityMSP')
    expect(await world.of('AuthorityMSP').reconcile()).toBe(2)
    world.closeAll()
  })
})

/** What the steps of a chain leave: by key, the last value, and all values that a purge has overtaken. */
function expectedOf(blocks: ReadonlyArray<readonly Step[]>): {
  current: string[]
  gone: string[]
  stored: string[]
} {
  const current = new Map<string, string>()
  const written = new Map<string, string[]>()
  const gone: string[] = []
  for (const [block, steps] of blocks.entries())
    for (const [transaction, { kinds, isInvalid }] of steps.entries())
      for (const [key, kind] of isInvalid === true ? [] : Object.entries(kinds)) {
        if (kind === 'purge') {
          gone.push(...(written.get(key) ?? []))
          written.delete(key)
        }
        if (kind !== 'put') {
          current.delete(key)
          continue
        }
        const value = valueOf(block, transaction, key)
        current.set(key, value)
        written.set(key, [...(written.get(key) ?? []), value])
      }
  return { current: [...current.values()].toSorted(), gone, stored: [...written.values()].flat() }
}

describe('whatever is written, purged, missed and restarted', () => {
  const kind = fc.constantFrom<Kind>('put', 'put', 'delete', 'purge', 'purge')
  const step = fc.record({
    kinds: fc.dictionary(fc.constantFrom('a', 'b', 'c'), kind, { minKeys: 1, maxKeys: 2 }),
    // One member at least has been sent it: nothing is lost for good.
    sentTo: fc.subarray<Peer>([...members], { minLength: 1 }),
    isInvalid: fc.integer({ min: 0, max: 9 }).map((number) => number === 9),
  })
  const block = fc.record({
    steps: fc.array(step, { minLength: 1, maxLength: 3 }),
    restart: fc.option(fc.constantFrom<Peer>(...members)),
    reconciles: fc.boolean(),
  })

  type Blocks = ReadonlyArray<Readonly<{ steps: Step[]; restart: Peer | null; reconciles: boolean }>>

  const expectNone = (texts: readonly string[], place: string): void => {
    for (const text of texts) expect(place).not.toContain(text)
  }
  const expectSameAfterRestart = async (world: PurgeWorld, peer: Peer): Promise<void> => {
    const before = world.contents(peer)
    await reopen(world, peer)
    expect(world.contents(peer)).toEqual(before)
  }

  async function live(world: PurgeWorld, blocks: Blocks): Promise<void> {
    for (const [index, { steps, restart, reconciles }] of blocks.entries()) {
      await world.commit(...steps)
      const { gone } = expectedOf(blocks.slice(0, index + 1).map((one) => one.steps))
      for (const peer of members) {
        if (reconciles) await world.of(peer).reconcile()
        expectNone(gone, world.files(peer))
      }
      if (restart !== null) await expectSameAfterRestart(world, restart)
    }
  }

  async function check(world: PurgeWorld, blocks: Blocks): Promise<void> {
    const { current, gone, stored } = expectedOf(blocks.map(({ steps }) => steps))
    for (const peer of members) expect(await world.of(peer).reconcile()).toBe(0)
    for (const peer of members) {
      expect(world.values(peer).toSorted()).toEqual(current)
      for (const place of [world.files(peer), world.delivered(peer)]) {
        expectNone(gone, place)
        for (const text of stored) expect(place).toContain(text)
      }
      await expectSameAfterRestart(world, peer)
    }
  }

  test('no replica holds a purged value, every one has all the others, and a restart changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(block, { minLength: 1, maxLength: 6 }), async (blocks) => {
        const world = await startWorld([...members])
        try {
          await live(world, blocks)
          await check(world, blocks)
        } finally {
          world.closeAll()
        }
      }),
      { numRuns: 40 },
    )
  }, 60_000)
})

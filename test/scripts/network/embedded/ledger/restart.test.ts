import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { privateSpace } from '../../../../../scripts/network/embedded/ledger/keys.ts'
import {
  collection,
  createPurgeWorld,
  definition,
  members,
  valueOf,
  type Kind,
  type PurgeWorld,
  type Step,
} from './purge-world.ts'

const root = mkdtempSync(join(tmpdir(), 'medledger-restart-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const peer = 'NorthMSP'

async function startWorld(): Promise<PurgeWorld> {
  const world = createPurgeWorld(root)
  for (const member of members) await world.open(member)
  return world
}

const doing = (kind: Kind, ...keys: readonly string[]): Step => ({
  kinds: Object.fromEntries(keys.map((key) => [key, kind])),
  sentTo: members,
})

/** Files of the peer as they are now, to be put back later. */
function save(world: PurgeWorld, ...names: readonly string[]): () => void {
  const pathOf = (name: string): string => join(world.directory(peer), name)
  const folder = mkdtempSync(join(root, 'saved-'))
  for (const name of names) copyFileSync(pathOf(name), join(folder, name))
  return () => {
    for (const name of names) copyFileSync(join(folder, name), pathOf(name))
  }
}

const log = ['ledger.sqlite', 'ledger.sqlite-wal']
const transient = ['transient-0', 'transient-1']

test('a database that is gone is made anew from the blocks, and from what other members hold', async () => {
  const world = await startWorld()
  await world.commit(doing('put', 'a', 'b'), doing('put', 'c'))
  await world.commit(doing('purge', 'c'), doing('put', 'b'))
  await world.commit(doing('delete', 'a'))
  const [contents, delivered] = [world.contents(peer), world.delivered(peer)]
  world.close(peer)
  rmSync(join(world.directory(peer), 'ledger.sqlite'))
  await world.open(peer)
  expect(world.values(peer)).toEqual([])
  expect(await world.of(peer).reconcile()).toBe(0)
  expect(world.contents(peer)).toEqual(contents)
  expect(world.delivered(peer).length).toBe(delivered.length)
  expect(world.files(peer)).not.toContain(valueOf(0, 1, 'c'))
  world.closeAll()
})

test('what a database that is behind lacks comes from the blocks, and from what still waits in the transient store', async () => {
  const world = await startWorld()
  await world.commit(doing('put', 'a'))
  // As a machine leaves it that fails before the next commit has reached the disk.
  world.of(peer).transient.add('waiting', 0, new Map([[collection, Buffer.from('still waiting')]]))
  const putBack = save(world, ...log)
  let lost = (): void => undefined
  const stop = world.of(peer).onCommit(() => {
    lost = save(world, ...transient)
  })
  await world.commit(doing('put', 'b'))
  stop()
  const contents = world.contents(peer)
  world.close(peer)
  putBack()
  lost()
  await world.open(peer, () => undefined)
  expect(world.contents(peer)).toEqual(contents)
  expect(world.values(peer)).toHaveLength(2)
  world.closeAll()
})

test('the transient store forgets at the next start what the database has, when a crash came before', async () => {
  const world = await startWorld()
  let putBack = (): void => undefined
  const stop = world.of(peer).onCommit(() => {
    putBack = save(world, ...transient)
  })
  await world.commit(doing('put', 'a'))
  stop()
  world.close(peer)
  putBack()
  const inTransient = (): boolean =>
    transient.some((name) => readFileSync(join(world.directory(peer), name)).includes(valueOf(0, 0, 'a')))
  expect(inTransient()).toBe(true)
  await world.open(peer)
  expect(inTransient()).toBe(false)
  expect(world.values(peer)).toEqual([valueOf(0, 0, 'a')])
  world.closeAll()
})

test('a value that is purged while a transaction is simulated is still there for the simulation', async () => {
  const world = await startWorld()
  await world.commit(doing('put', 'a'))
  const snapshot = world.of(peer).state.snapshot()
  const valuesIn = (): string[] =>
    [...snapshot.range(privateSpace(definition.name, collection), '', '')].map(([, { value }]) =>
      value.toString(),
    )
  await world.commit(doing('purge', 'a'))
  expect(valuesIn()).toEqual([valueOf(0, 0, 'a')])
  expect(world.values(peer)).toEqual([])
  snapshot.release()
  world.closeAll()
})

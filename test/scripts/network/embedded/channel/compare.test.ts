import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createChannel } from '../../../../../scripts/network/embedded/channel/channel.ts'
import { checkLedger } from '../../../../../scripts/network/embedded/channel/compare.ts'
import { definitionOf } from '../../../../../scripts/network/fabric/definition.ts'
import type { Credentials } from '../../../../../scripts/network/issue.ts'
import { credentialsOf } from '../../../../../scripts/network/profile.ts'
import { createRevocationList } from '../../../../../scripts/network/revocations.ts'
import { demoTopology, type Topology } from '../../../../../scripts/network/topology.ts'
import {
  configurationOf,
  createNewcomer,
  redefinition,
  revocations,
  withWest,
} from '../../../../support/channel-changes.ts'
import { createWorld, type World } from '../attacks/world.ts'
import { temporaryDirectory } from '../support.ts'

const directory = temporaryDirectory()
const batch = { maxMessages: 10, preferredBytes: 1_000_000, absoluteBytes: 1_000_000, timeoutMs: 10 }
let world: World

beforeAll(async () => {
  world = await createWorld(directory.path)
})
afterAll(() => {
  world.close()
  directory.remove()
})

/** Starts on the world's chain with a topology and certificates; gives what is said against it. */
function faultOf(topology: Topology, credentials: Credentials): string {
  try {
    checkLedger(world.north, createChannel(topology, credentials, batch))
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

test('a chain is of the topology and the certificates that it was made with, but for what updates have changed', async () => {
  const { topology, credentials } = world
  const { constitution } = topology
  const newcomer = await createNewcomer(world, join(directory.path, 'west'))
  const stranger = await createNewcomer(world, join(directory.path, 'stranger'))
  const south = credentialsOf(credentials, 'south')
  const list = await createRevocationList(south.ca, [south.operator.certificate], Date.now())
  const revoking = new Map([...credentials, ['south', { ...south, revocations: [list] }]])
  const joined = new Map([...credentials, ...newcomer.credentials])
  const wide = withWest(topology)
  const otherPlacements = { ...constitution, placements: demoTopology().constitution.placements }
  const three = 'AuthorityMSP, NorthMSP, SouthMSP'

  expect(faultOf(topology, credentials)).toBe('')
  expect(faultOf(topology, revoking)).toContain('other certificates or revocations of SouthMSP')
  expect(faultOf(wide, joined)).toBe(`the ledger is of the organisations ${three}, not ${three}, WestMSP`)
  const without = { ...constitution, organisations: constitution.organisations.slice(1), placements: [] }
  expect(faultOf({ ...topology, constitution: without }, credentials)).toContain(`${three}, not`)
  expect(faultOf({ ...topology, constitution: { ...constitution, channel: 'other' } }, credentials)).toBe(
    'the ledger is of channel medledger, not other',
  )
  expect(faultOf({ ...topology, constitution: otherPlacements }, credentials)).toContain(
    'the ledger has another definition of chaincode medledger (namespaces/fields/medledger/Collections)',
  )

  await world.commit([configurationOf(world, await revocations(world, [south.operator.certificate]))])
  expect([faultOf(topology, credentials), faultOf(topology, revoking)]).toEqual(['', ''])

  await world.commit([configurationOf(world, newcomer.join)])
  expect([faultOf(topology, credentials), faultOf(wide, joined)]).toEqual(['', ''])
  expect(faultOf(wide, new Map([...credentials, ...stranger.credentials]))).toContain(
    'other certificates or revocations of WestMSP',
  )

  await world.commit([configurationOf(world, newcomer.leave)])
  expect(faultOf({ ...topology, constitution: otherPlacements }, credentials)).toContain('another definition')
  const peers = ['north', 'south', 'authority'].map((name) => world.of(name, 'peer'))
  const changed = definitionOf({ ...topology, constitution: otherPlacements })
  await world.commit([redefinition(changed, 2, world.of('north', 'admin'), peers)])
  expect(faultOf(topology, credentials)).toBe('')
  expect(faultOf({ ...topology, constitution: otherPlacements }, credentials)).toBe('')
})

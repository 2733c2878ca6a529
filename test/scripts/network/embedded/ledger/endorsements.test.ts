import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Bundle } from '../../../../../scripts/network/embedded/configuration/bundle.ts'
import { judgeEndorsements } from '../../../../../scripts/network/embedded/ledger/endorsements.ts'
import { codeName } from '../../../../../scripts/network/embedded/ledger/validation-code.ts'
import { checkTransaction } from '../../../../../scripts/network/embedded/ledger/verify-signatures.ts'
import type { ChainDefinition } from '../../../../../scripts/network/fabric/definition.ts'
import { holds, type Principal } from '../../../../../scripts/network/fabric/policy.ts'
import { configurationOf, createNewcomer } from '../../../../support/channel-changes.ts'
import { forge, hashedWrite, resultsOf } from '../attacks/forge.ts'
import { honest, secret } from '../attacks/transactions.ts'
import { createWorld, type World } from '../attacks/world.ts'
import { temporaryDirectory } from '../support.ts'

const directory = temporaryDirectory()
let world: World
/** Before West was on the channel, and after. */
let configurations: readonly [Bundle, Bundle]

beforeAll(async () => {
  world = await createWorld(directory.path)
  const before = world.configuration()
  const west = await createNewcomer(world, join(directory.path, 'west'))
  await world.commit([configurationOf(world, west.join)])
  configurations = [before, world.configuration()]
})
afterAll(() => {
  world.close()
  directory.remove()
})

const mspIds = ['NorthMSP', 'SouthMSP', 'AuthorityMSP', 'WestMSP']
const endorsers = fc.uniqueArray(
  fc.record<Principal>({
    mspId: fc.constantFrom(...mspIds),
    role: fc.constantFrom('peer', 'peer', 'client', 'admin'),
  }),
  { selector: ({ mspId, role }) => `${mspId} ${role}` },
)

function judge(
  changes: Partial<ChainDefinition>,
  configuration: Bundle,
  by: readonly Principal[],
  collection?: string,
): string {
  const { definition } = world.channel
  const hashed = collection && hashedWrite(collection, secret, { key: 'entry', value: 'forged' })
  const set = {
    namespace: definition.name,
    collections: hashed === undefined || hashed === '' ? [] : [hashed],
  }
  const { envelope } = forge(honest(world, { results: resultsOf(set) }))
  return codeName(
    judgeEndorsements(
      { ...checkTransaction(envelope, configuration.membership), endorsers: by },
      {
        definitionOf: () => ({ ...definition, sequence: 1, ...changes }),
        configuration: () => configuration,
      },
    ),
  )
}

const expected = (isValid: boolean): string => (isValid ? 'VALID' : 'ENDORSEMENT_POLICY_FAILURE')

describe('a policy of the channel', () => {
  test('asks a majority of the organisations that are on it now', () => {
    const policy = { reference: '/Channel/Application/Endorsement' }
    fc.assert(
      fc.property(endorsers, fc.integer({ min: 0, max: 1 }), (by, when) => {
        const own = mspIds.slice(0, 3 + when)
        const peers = new Set(by.filter(({ role }) => role === 'peer').map(({ mspId }) => mspId))
        const majority = own.filter((mspId) => peers.has(mspId)).length > own.length / 2
        const [before, after] = configurations
        expect(judge({ policy }, when === 0 ? before : after, by)).toBe(expected(majority))
      }),
      { numRuns: 300 },
    )
  })

  test('that the channel does not have holds for nobody', () => {
    const everyone = mspIds.map((mspId): Principal => ({ mspId, role: 'peer' }))
    for (const reference of ['/Channel/Application/Other', '/Channel/', '/Channel/Application'])
      expect(judge({ policy: { reference } }, configurations[1], everyone)).toBe(expected(false))
  })

  test('may be a collection’s, and nothing else is then asked for', () => {
    const policy = { reference: '/Channel/Application/SouthMSP/Endorsement' }
    const { collections } = world.channel.definition
    const changes = {
      collections: new Map(
        [...collections].map(([name, own]) => [name, name === 'registry' ? { ...own, policy } : own]),
      ),
    }
    const bySouth: Principal[] = [{ mspId: 'SouthMSP', role: 'peer' }]
    expect(judge(changes, configurations[0], bySouth, 'registry')).toBe(expected(true))
    expect(judge(changes, configurations[0], bySouth, 'access-south')).toBe(expected(false))
  })
})

test('an organisation’s implicit collection asks its peers, while it is on the channel', () => {
  const [before, after] = configurations
  fc.assert(
    fc.property(endorsers, fc.constantFrom(...mspIds), (by, mspId) => {
      const byPeer = holds({ count: 1, rules: [{ mspId, role: 'peer' }] }, by)
      const collection = `_implicit_org_${mspId}`
      expect(judge({}, after, by, collection)).toBe(expected(byPeer))
      expect(judge({}, before, by, collection)).toBe(expected(byPeer && mspId !== 'WestMSP'))
    }),
    { numRuns: 200 },
  )
})

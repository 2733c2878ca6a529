import { beforeAll, describe, expect, test } from 'vitest'
import { depositOf } from '../support/gateway-network.ts'
import { people } from '../support/ledger-world.ts'
import {
  attackWith,
  knownAt,
  openBattlefield,
  tableOf,
  type Battlefield,
} from '../support/token-attacks/campaign.ts'
import {
  algorithms,
  attackClasses,
  drawFrom,
  goodRecipe,
  issuerOf,
  write,
} from '../support/token-attacks/index.ts'
import { presentToGateway, presentToLedger } from '../support/token-attacks/present.ts'
import { acceptsWithout, rules, type Reference } from '../support/token-attacks/reference.ts'
import { seedOfRun } from '../support/seed.ts'

const seed = seedOfRun('hostile tokens')
let field: Battlefield
beforeAll(async () => {
  field = await openBattlefield()
})

describe('a good token', () => {
  test.each(
    algorithms.flatMap((algorithm) =>
      (['north', 'keycloak', 'authority'] as const).map((issuer) => [algorithm, issuer] as const),
    ),
  )('by %s of %s is accepted by gateway, chaincode and reference', async (algorithm, issuer) => {
    const { network, scene } = field
    for (let index = 0; index < 20; index += 1) {
      const token = write(goodRecipe(drawFrom(seed + index), scene, { algorithm, issuer: scene[issuer] }))
      expect(await presentToGateway(network, { token })).toEqual({ outcome: 'accepted', code: '200' })
      expect(await presentToLedger(network, { token })).toEqual({ outcome: 'accepted', code: 'OK' })
      expect(acceptsWithout(undefined, token, knownAt(scene, 'north'))).toBe(true)
    }
  })

  test('lets those do what the attacks try to do who may', async () => {
    const { network } = field
    const patient = people.maria.handle
    const registered = {
      patient: 'f2'.repeat(16),
      issuer: issuerOf('authority').issuer,
      subject: 'new',
    }
    const answers = [
      await network.send('operator.authority', { url: '/v1/patients', method: 'POST', body: registered }),
      await network.send('maria', { url: `/fhir/Consent?patient=${patient}`, through: 'north' }),
      await network.send('records.north', {
        url: '/v1/documents',
        method: 'POST',
        body: { patient, documents: [depositOf('x')] },
      }),
    ]
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([201, 200, 200])
  })
})

describe('a hostile token', () => {
  test(
    'of any class is refused by gateway and chaincode alike, and breaks neither',
    { timeout: 300_000 },
    async () => {
      const { tallies, surprises } = await attackWith(field, { tries: 10_000, seed })
      expect(surprises).toEqual([])
      const wrong = tallies.filter(({ accepted, faults, odd }) => accepted + faults + odd > 0)
      expect(tableOf(wrong)).toBe(tableOf([]))
      expect(tallies.length).toBeGreaterThanOrEqual(66)
      expect(tallies.every(({ tries }) => tries > 0)).toBe(true)
      expect(field.network.world.logged).toEqual([])
    },
  )

  test('of every class comes in several forms', () => {
    const same = attackClasses.filter(({ make }) => {
      const made = [1, 2, 3, 4, 5].map((index) => JSON.stringify(make(drawFrom(seed + index), field.scene)))
      return new Set(made).size < 2
    })
    expect(same.map(({ name }) => name)).toEqual([])
  })
})

describe('the attacks would find a verifier', () => {
  let known: Reference
  let hostile: readonly string[]
  beforeAll(() => {
    known = knownAt(field.scene, 'north')
    hostile = attackClasses
      .filter(({ refusedBy }) => refusedBy === 'verifier')
      .flatMap(({ make }, place) =>
        Array.from({ length: 20 }, (_, index) => make(drawFrom(seed + 31 * index + place), field.scene)),
      )
      .flatMap((made) => (typeof made === 'string' ? [made] : []))
  })

  test('that checks everything: it accepts none of them', () => {
    expect(hostile.filter((token) => acceptsWithout(undefined, token, known))).toEqual([])
  })

  test.each(rules)('that does without %s', (rule) => {
    expect(hostile.some((token) => acceptsWithout(rule, token, known))).toBe(true)
  })
})

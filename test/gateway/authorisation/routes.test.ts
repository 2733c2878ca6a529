import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { demoTopology, narrowTopology } from '../../../scripts/network/topology.ts'
import { openStage, organisations, strangersAsk, type Stage } from './cast.ts'
import { ask, watchRoutes, type Canon, type Registered, type Tally } from './matrix.ts'
import { rules, type Cell } from './requests.ts'
import { refused, relationOf } from './rules.ts'

const topologies = { demo: demoTopology(), narrow: narrowTopology() }
const canon: Canon = new Map()
const verdicts = new Map<string, number>()
const relations = new Map<string, number>()

afterAll(() => {
  const lines = (counts: Map<string, number>): string =>
    [...counts]
      .map(([name, count]) => `  ${String(count).padStart(6)}  ${name}`)
      .sort()
      .join('\n')
  const total = [...verdicts.values()].reduce((sum, count) => sum + count, 0)
  process.stdout.write(
    `authorisation: ${total} cells\n${lines(verdicts)}\nby relation\n${lines(relations)}\n`,
  )
})

/** Methods that a stranger might try; which of them a route has, it says itself. */
const methods = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'SEARCH',
  'LINK',
]

/** An address is looked for before the token is, so that a few askers will do. */
const someAskers = new Set([
  'doctor of North',
  'operator of the authority',
  'auditor',
  'the patient',
  'nobody',
  'forger',
])

const nowhere = [
  '/',
  '/fhir',
  '/fhir/',
  '/fhir/Patient/1',
  '/fhir/Bundle/1/2',
  '/v1',
  '/v1/releases',
  '/releases',
  '/admin',
]

// Thousands of requests in one test: it may take long on a machine that does much else.
const patienceMs = 180_000

describe.each(Object.entries(topologies))('on the %s topology', (_name, { constitution }) => {
  let stage: Stage
  let registered: ReadonlyMap<string, readonly Registered[]>

  beforeAll(async () => {
    const { value, routesOf } = await watchRoutes(() => openStage(constitution))
    stage = value
    registered = new Map(
      organisations.map((name) => [name, routesOf(stage.network.gateways[name].app)] as const),
    )
  })

  const namesOf = (gateway: string): string[] =>
    (registered.get(gateway) ?? []).map(({ method, url }) => `${method} ${url}`).sort()

  test.each(organisations)(
    'every route of %s’s gateway has its rule in requests.ts, and every rule its route',
    (gateway) => {
      expect(namesOf(gateway)).toEqual(Object.keys(rules).sort())
    },
  )

  test.each(Object.entries(rules))(
    '%s answers everybody, everywhere, as the rules say',
    async (route, rule) => {
      const method = route.slice(0, route.indexOf(' '))
      const tally: Tally = { verdicts, differences: [] }
      for (const target of stage.targets) {
        for (const asker of stage.askersOf(target)) {
          const relation = relationOf(asker, target)
          for (const gateway of organisations) {
            // A provider that is not this gateway's is refused before anything else: a few targets will do.
            const isForeign = asker.issuer !== gateway && asker.issuer !== 'authority'
            if (isForeign && !strangersAsk.has(target.name)) continue
            const seat = { stage, asker, gateway, target }
            for (const cell of await rule(seat)) {
              await ask(seat, method, cell, canon, tally)
              relations.set(relation, (relations.get(relation) ?? 0) + 1)
            }
          }
        }
      }
      expect(tally.differences.slice(0, 20)).toEqual([])
    },
    patienceMs,
  )

  test(
    'a method that a route does not have is no address, to anybody, and commits nothing',
    async () => {
      const tally: Tally = { verdicts, differences: [] }
      const [target] = stage.targets
      if (target === undefined) throw new Error('nobody is on stage')
      const addresses = new Set([...namesOf('north').map((name) => name.split(' ')[1] ?? ''), ...nowhere])
      for (const address of addresses) {
        const url = address.replace(':id', target.documents.north).replace(':collection', 'access-north')
        const expected = refused(404, 'ROUTE_NOT_FOUND', 'no such address')
        for (const method of methods) {
          if (namesOf('north').includes(`${method} ${address}`)) continue
          // A HEAD is answered without its body.
          const cell: Cell =
            method === 'HEAD'
              ? { url, expected: { status: 404, why: 'no such address, HEAD', commits: [] } }
              : { url, expected }
          for (const asker of stage.askersOf(target).filter(({ name }) => someAskers.has(name))) {
            for (const gateway of organisations)
              await ask({ stage, asker, gateway, target }, method, cell, canon, tally)
          }
        }
      }
      expect(tally.differences.slice(0, 20)).toEqual([])
    },
    patienceMs,
  )
})

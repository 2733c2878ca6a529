import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { demoTopology, narrowTopology } from '../../../scripts/network/topology.ts'
import type { Organisation } from '../../support/gateway-network.ts'
import type { FakeState } from '../../support/ledger-stub.ts'
import { gatewayOf } from '../../support/ledger-world.ts'
import { custodians, fresh, openStage, type Asker, type Stage, type Target } from './cast.ts'
import { seenOf, type Seen } from './matrix.ts'

const topologies = { demo: demoTopology(), narrow: narrowTopology() }
afterEach(() => void vi.restoreAllMocks())

/** What the machine did for an answer, step by step: whoever waits for it can tell more steps from fewer. */
interface Work {
  readonly calls: readonly string[]
  readonly statements: readonly string[]
  /** What the chaincode read, by kind of key, in order. */
  readonly reads: readonly string[]
}

/** Notes each look at a collection: a key's kind, or that all of a range is read. */
class WatchedValues<Value> extends Map<string, Value> {
  readonly #seen: string[]
  readonly #name: string

  constructor(values: ReadonlyMap<string, Value>, name: string, seen: string[]) {
    super()
    for (const [key, value] of values) super.set(key, value)
    this.#seen = seen
    this.#name = name
  }

  override get(key: string): Value | undefined {
    this.#seen.push(`${this.#name}: ${key.split('/')[0]}`)
    return super.get(key)
  }

  override [Symbol.iterator](): MapIterator<[string, Value]> {
    this.#seen.push(`${this.#name}: a range`)
    return super[Symbol.iterator]()
  }
}

function watchState(state: FakeState, seen: string[]): void {
  for (const [name, values] of state) state.set(name, new WatchedValues(values, name, seen))
}

describe.each(Object.entries(topologies))(
  'on the %s topology, what is restricted, absent and unknown',
  (_name, topology) => {
    let stage: Stage
    beforeAll(async () => {
      stage = await openStage(topology.constitution)
    })

    const targetNamed = (name: string): Target => {
      const found = stage.targets.find((target) => target.name === name)
      if (found === undefined) throw new RangeError(`no target ${name}`)
      return found
    }
    const askerNamed = (name: string): Asker => {
      const found = stage.askersOf(targetNamed('nothing said')).find((asker) => asker.name === name)
      if (found === undefined) throw new RangeError(`no asker ${name}`)
      return found
    }

    async function askFor(
      asker: Asker,
      gateway: Organisation,
      url: string,
    ): Promise<{ seen: Seen; work: Work }> {
      const { world, ledger, gateways } = stage.network
      const headers = { authorization: `Bearer ${await stage.tokenOf(asker, gateway)}` }
      const reads: string[] = []
      watchState(world.state, reads)
      const before = ledger.calls.length
      const prepare = vi.spyOn(DatabaseSync.prototype, 'prepare')
      const answer = await gateways[gateway].app.inject({ url, headers })
      const statements = prepare.mock.calls.map(([sql]) => sql)
      prepare.mockRestore()
      stage.takeCommits()
      // Lists ask the placements side by side.
      const inOrder = (steps: string[]): string[] => (/patient=/.test(url) ? steps.sort() : steps)
      const calls = ledger.calls
        .slice(before)
        .map(({ minimumBlock: _grows, ...call }) => JSON.stringify(call))
      return { seen: seenOf(answer, url), work: { calls: inOrder(calls), statements, reads: inOrder(reads) } }
    }

    /** Asks for all of them, the first one twice: then nothing has to be fetched for the first time. */
    async function expectAlike(asker: Asker, gateway: Organisation, urls: readonly string[]): Promise<Seen> {
      const [first = ''] = urls
      await askFor(asker, gateway, first)
      const expected = await askFor(asker, gateway, first)
      for (const url of urls) expect(await askFor(asker, gateway, url), url).toEqual(expected)
      return expected.seen
    }

    const hidden = [
      'nothing said',
      'default deny, written by the custodian’s doctor',
      'permit expired',
      'permit not begun',
      'permit revoked',
      'permit for another purpose',
      'permit for another type',
      'permit and a deny',
      'author denied',
      'no documents',
      'unknown patient',
    ]
    const askers = [
      ['doctor of North', 'north'],
      ['doctor of South', 'south'],
      ['another patient', 'authority'],
    ] as const

    describe.each(askers)('to %s at %s', (name, gateway) => {
      // Other patients are not meant by the deny for doctors.
      const names = hidden.filter((target) => name !== 'another patient' || target !== 'permit and a deny')

      test.each(custodians)(
        'is the same work and the same answer when a document at %s is read',
        async (custodian) => {
          const ids = names.map((target) => targetNamed(target).documents[custodian])
          const urls = [...ids, `${custodian}-${fresh()}`].map((id) => `/fhir/Bundle/${id}`)
          expect((await expectAlike(askerNamed(name), gateway, urls)).status).toBe(403)
        },
      )

      test.each(custodians)(
        'is the same work and the same answer when several at %s are asked for',
        async (custodian) => {
          const ids = names.map((target) => targetNamed(target).documents[custodian])
          const urls = [...ids, `${custodian}-${fresh()}`].map(
            (id) => `/fhir/Bundle?_id=${id},${custodian}-${fresh()}`,
          )
          expect((await expectAlike(askerNamed(name), gateway, urls)).status).toBe(403)
        },
      )
    })

    test.each(['doctor of North', 'doctor of South'])(
      'is the same work and the same answer beside a document that %s may see, before and after it',
      async (name) => {
        const [asker, gateway] = [askerNamed(name), name === 'doctor of North' ? 'north' : 'south'] as const
        const permitted = targetNamed('permits two doctors').documents.north
        const others = [...hidden.map((target) => targetNamed(target).documents.north), `north-${fresh()}`]
        const askBeside = async (id: string, isFirst: boolean): Promise<unknown> => {
          const ids = isFirst ? [id, permitted] : [permitted, id]
          const { seen, work } = await askFor(asker, gateway, `/fhir/Bundle?_id=${ids.join(',')}`)
          expect(seen.status).toBe(200)
          return {
            work,
            seen: JSON.parse(JSON.stringify(seen).replaceAll(id.slice(-32), '<other>')) as unknown,
          }
        }
        for (const isFirst of [true, false]) {
          await askBeside(`north-${fresh()}`, isFirst)
          const expected = await askBeside(`north-${fresh()}`, isFirst)
          for (const id of others) expect(await askBeside(id, isFirst), id).toEqual(expected)
        }
      },
    )

    test('is the same work and the same empty list to a doctor who searches at other hospitals', async () => {
      // Her own hospital's documents she may have written, so that a search has to look at them.
      const names = [
        'default deny, written by the custodian’s doctor',
        'permit expired',
        'permit revoked',
        'nothing said',
      ]
      const handles = [...names, 'no documents, nothing said'].map((name) => targetNamed(name).handle)
      const urls = [...handles, fresh()].map((handle) => `/fhir/DocumentReference?patient=${handle}`)
      const [asker, gateway] = [askerNamed('doctor of South'), 'south'] as const
      await askFor(asker, gateway, urls[0] ?? '')
      const works = []
      for (const url of urls) {
        const { seen, work } = await askFor(asker, gateway, url)
        works.push({
          seen,
          calls: work.calls,
          statements: work.statements,
          atNorth: work.reads.filter((read) => read.includes('-north')),
        })
      }
      expect(works[0]?.seen.status).toBe(200)
      for (const work of works) expect(work).toEqual(works[0])
    })

    test.each(['DocumentReference', 'Consent', 'AuditEvent'])(
      'is the same work and the same refusal to another patient who looks at the %s list',
      async (type) => {
        const handles = [...stage.targets.map(({ handle }) => handle), fresh()]
        const urls = handles.map((handle) => `/fhir/${type}?patient=${handle}`)
        const { status, headers } = await expectAlike(askerNamed('another patient'), 'authority', urls)
        expect([status, headers['x-medledger-entry']]).toEqual([403, '<entry>, <entry>'])
      },
    )

    test('is the same answer to who asks what became of a request that is not hers', async () => {
      const asker = askerNamed('doctor of South')
      const other = askerNamed('another patient')
      const [theirs, elsewhere] = [fresh(), fresh()]
      const record = async (request: string, gateway: Organisation, by: Asker): Promise<void> => {
        const token = (await stage.tokenOf(by, gateway)) ?? ''
        const fields = {
          custodian: 'north',
          patient: targetNamed('nothing said').handle,
          purpose: 'TREAT',
        } as const
        const submitter = { ...gatewayOf(gateway), token }
        const identity = { request, salt: fresh() }
        await stage.network.world.submit(
          'RecordReading',
          { ...fields, readingOf: 'AuditEvent' },
          submitter,
          identity,
        )
      }
      const urlOf = (request: string): string => `/v1/requests/consent-north/${request}`
      await askFor(asker, 'south', urlOf(fresh()))
      const expected = await askFor(asker, 'south', urlOf(fresh()))
      await record(theirs, 'south', other)
      const ofAnother = await askFor(asker, 'south', urlOf(theirs))
      await record(elsewhere, 'authority', other)
      const ofElsewhere = await askFor(asker, 'south', urlOf(elsewhere))
      for (const { seen, work } of [ofAnother, ofElsewhere]) {
        expect(seen).toEqual(expected.seen)
        expect([work.calls, work.statements]).toEqual([expected.work.calls, expected.work.statements])
      }
    })
  },
)

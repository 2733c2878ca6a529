import * as fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { randomId } from 'medledger-chaincode/api'
import { OutcomeUnknown } from '../../../gateway/src/ledger/port.ts'
import { outageOf } from '../../support/gateway-ledger.ts'
import { bundleOf, depositOf, testNetwork, type TestNetwork } from '../../support/gateway-network.ts'
import { people, type User } from '../../support/ledger-world.ts'

type Answer = Awaited<ReturnType<TestNetwork['send']>>
type Document = Record<string, unknown>

let network: TestNetwork
beforeEach(async () => {
  network = await testNetwork()
})

const deposit = (
  documents: readonly Document[],
  patient: string = people.maria.handle,
  user: User = 'records.north',
): Promise<Answer> =>
  network.send(user, { url: '/v1/documents', method: 'POST', body: { patient, documents } })
const kept = (answer: Answer): unknown => answer.json<{ documents: unknown }>().documents

describe('documents that a custodian deposits', () => {
  test('are registered, then unchanged, then replaced', async () => {
    const [first] = kept(await deposit([depositOf('a')])) as { id: string }[]
    expect(first).toMatchObject({ source: 'a', version: 1, state: 'registered' })
    expect(kept(await deposit([depositOf('a')]))).toEqual([{ ...first, state: 'unchanged' }])
    const changed = depositOf('a', { bundle: bundleOf('changed') })
    expect(kept(await deposit([changed, depositOf('b')]))).toMatchObject([
      { ...first, version: 2, state: 'replaced' },
      { source: 'b', version: 1, state: 'registered' },
    ])
  })

  test('that are all unchanged make no transaction', async () => {
    await deposit([depositOf('a')])
    const before = network.ledger.blocks.length
    await deposit([depositOf('a')])
    expect(network.ledger.blocks.length).toBe(before)
  })

  test('after a failure are deposited again as the very same ciphertext', async () => {
    const digests = (): Promise<{ digest: string; registered: number }[]> =>
      network.gateways.north.database.selectFrom('documents').select(['digest', 'registered']).execute()
    network.ledger.fault = outageOf(({ name }) => name === 'RegisterDocuments')
    const failed = await deposit([depositOf('a')])
    expect(failed.json()).toMatchObject({ status: 503, code: 'LEDGER_UNAVAILABLE' })
    const [before] = await digests()
    network.ledger.fault = () => undefined
    network.ledger.afterCommit = () => new Error('the answer got lost')
    expect((await deposit([depositOf('a')])).statusCode).toBe(500)
    network.ledger.afterCommit = () => undefined
    expect(kept(await deposit([depositOf('a')]))).toMatchObject([{ version: 1, state: 'registered' }])
    expect(await digests()).toEqual([{ digest: before?.digest, registered: 1 }])
  })

  test.each(['before it was committed', 'after it was committed'])(
    'whose registration got lost %s are registered before other content takes their place',
    async (when) => {
      const isCommitted = when.startsWith('after')
      const lost = ({ name }: { name: string }): Error | undefined =>
        name === 'RegisterDocuments' ? new OutcomeUnknown('00'.repeat(32)) : undefined
      if (isCommitted) network.ledger.afterCommit = lost
      else network.ledger.fault = lost
      const unknown = await deposit([depositOf('a')])
      expect([unknown.statusCode, unknown.json()]).toMatchObject([202, { code: 'OUTCOME_UNKNOWN' }])
      // It leaves no entry that could be asked for: it is repeated.
      expect(unknown.headers.location).toBeUndefined()
      network.ledger.afterCommit = () => undefined
      network.ledger.fault = () => undefined
      const changed = depositOf('a', { bundle: bundleOf('changed') })
      expect(kept(await deposit([changed]))).toMatchObject([{ version: 2, state: 'replaced' }])
      const rows = await network.gateways.north.database
        .selectFrom('documents')
        .select(['version', 'registered'])
        .orderBy('version')
        .execute()
      expect(rows).toEqual([
        { version: 1, registered: 1 },
        { version: 2, registered: 1 },
      ])
      expect(network.ledger.calls.filter(({ name }) => name === 'RegisterDocuments')).toHaveLength(3)
    },
  )

  test('may have ids that the custodian chose, of its own, each for one document', async () => {
    const id = `north-${randomId()}`
    expect(kept(await deposit([depositOf('a', { id })]))).toMatchObject([{ id }])
    for (const documents of [
      [depositOf('b', { id: `south-${randomId()}` })],
      [depositOf('b', { id: 'x' })],
      [depositOf('b'), depositOf('b')],
    ]) {
      expect((await deposit(documents)).json()).toMatchObject({ status: 400, code: 'INVALID_REQUEST' })
    }
    expect((await deposit([depositOf('b', { id })])).json()).toMatchObject({ code: 'CONFLICT' })
    expect((await deposit([depositOf('a', { id })], people.tomas.handle)).json()).toMatchObject({
      code: 'CONFLICT',
    })
  })

  test('are those of a registered patient', async () => {
    expect((await deposit([depositOf('a')], randomId())).json()).toMatchObject({ code: 'NOT_FOUND' })
    expect(await network.gateways.north.database.selectFrom('documents').selectAll().execute()).toEqual([])
  })

  test.each<[string, Document[]]>([
    ['none', []],
    ['fifty-one', Array.from({ length: 51 }, (_, index) => depositOf(`${index}`))],
    ['one without a type', [depositOf('a', { type: undefined })]],
    ['one with a date that is none', [depositOf('a', { date: 'yesterday' })]],
    ['one that is no document', [depositOf('a', { bundle: { resourceType: 'Bundle', type: 'searchset' } })]],
    ['one without a source', [depositOf('')]],
    ['one with more than is known', [depositOf('a', { more: 1 })]],
  ])('are refused as %s', async (_what, documents) => {
    expect((await deposit(documents)).json()).toMatchObject({ status: 400, code: 'INVALID_REQUEST' })
  })

  test.each(['dr.okafor', 'maria', 'operator.north'] as const)('are not for %s to deposit', async (user) => {
    const answer = await network.send(user, {
      url: '/v1/documents',
      method: 'POST',
      through: 'north',
      body: { patient: people.maria.handle, documents: [depositOf('a')] },
    })
    expect(answer.json()).toMatchObject({ status: 403, code: 'FORBIDDEN' })
  })
})

/** How the registrations of a request go: as they should, nowhere, or onto the ledger with the answer lost. */
type Fate = 'well' | 'away' | 'lost'

function setFate(fate: Fate): void {
  const isRegistration = ({ name }: { readonly name: string }): boolean => name === 'RegisterDocuments'
  network.ledger.fault = fate === 'away' ? outageOf(isRegistration) : () => undefined
  network.ledger.afterCommit = (call, transactionId) =>
    fate === 'lost' && isRegistration(call) ? new OutcomeUnknown(transactionId) : undefined
}

interface Stored {
  readonly document: string
  readonly version: number
  readonly digest: string
  readonly registered: number
}
const stored = (): Promise<Stored[]> =>
  network.gateways.north.database
    .selectFrom('documents')
    .select(['document', 'version', 'digest', 'registered'])
    .orderBy('version')
    .execute()
const withText = (text: string, source = 'a'): Document => depositOf(source, { bundle: bundleOf(text) })
const readByMaria = async (id = ''): Promise<unknown> =>
  (await network.send('maria', { url: `/fhir/Bundle/${id}` })).json()

describe('a document whose registration has no known outcome', () => {
  test('stays as it is while that cannot be settled, however the document changes', async () => {
    setFate('lost')
    await deposit([withText('one')])
    const before = await stored()
    for (const [fate, code] of [
      ['away', 'LEDGER_UNAVAILABLE'],
      ['lost', 'OUTCOME_UNKNOWN'],
    ] as const) {
      setFate(fate)
      expect((await deposit([withText('two')])).json()).toMatchObject({ code })
      expect(await stored()).toEqual(before)
    }
  })

  test('ends registered, in every version that was ever kept, whatever happens on the way', async () => {
    const step = fc.record({
      text: fc.constantFrom('one', 'two', 'three'),
      fate: fc.constantFrom<Fate>('well', 'away', 'lost'),
    })
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (steps) => {
        run += 1
        const source = `run ${run}`
        await network.gateways.north.database.deleteFrom('documents').execute()
        const digests = new Set<string>()
        for (const { text, fate } of steps) {
          setFate(fate)
          await deposit([withText(text, source)])
          for (const { digest } of await stored()) digests.add(digest)
        }
        setFate('well')
        expect((await deposit([withText('last', source)])).statusCode).toBe(200)
        const rows = await stored()
        expect(rows.map(({ version }) => version)).toEqual(rows.map((_row, index) => index + 1))
        expect(rows.every(({ registered }) => registered === 1)).toBe(true)
        expect([...digests]).toEqual(rows.slice(0, -1).map(({ digest }) => digest))
        expect(await readByMaria(rows[0]?.document)).toEqual(bundleOf('last'))
      }),
      { numRuns: 15 },
    )
  })

  test('of two who change it at once loses neither: whoever is refused repeats it', async () => {
    setFate('lost')
    await deposit([withText('one')])
    setFate('well')
    const both = await Promise.all([deposit([withText('two')]), deposit([withText('three')])])
    for (const { statusCode } of both) expect([200, 409]).toContain(statusCode)
    expect(both.some(({ statusCode }) => statusCode === 200)).toBe(true)
    for (const text of ['two', 'three']) expect((await deposit([withText(text)])).statusCode).toBe(200)
    const rows = await stored()
    expect(rows.every(({ registered }) => registered === 1)).toBe(true)
    expect(await readByMaria(rows[0]?.document)).toEqual(bundleOf('three'))
  })
})

describe('a patient', () => {
  const register = (user: User, patient: string, subject = 'new'): Promise<Answer> => {
    const issuer = network.world.issuers.get('authority')?.issuer
    return network.send(user, { url: '/v1/patients', method: 'POST', body: { patient, issuer, subject } })
  }

  test('is registered once, by the operator of the organisation whose provider knows her', async () => {
    const patient = randomId()
    const answer = await register('operator.authority', patient)
    expect([answer.statusCode, answer.json()]).toEqual([201, { patient }])
    expect((await register('operator.authority', patient)).json()).toMatchObject({ code: 'CONFLICT' })
    expect((await register('operator.authority', randomId())).json()).toMatchObject({ code: 'CONFLICT' })
    expect((await register('operator.north', randomId(), 'x')).json()).toMatchObject({ code: 'FORBIDDEN' })
    expect((await register('dr.okafor', randomId(), 'x')).json()).toMatchObject({ code: 'FORBIDDEN' })
  })
})

describe('what a document’s Bundle says of who may see it', () => {
  const confidential = (code: string): object => ({
    system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality',
    code,
  })
  const psy = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY' }
  const composition = {
    resourceType: 'Composition',
    confidentiality: 'R',
    encounter: { reference: 'urn:uuid:2' },
    event: [{ detail: [{ reference: 'Procedure/p' }] }],
    relatesTo: [{ code: 'appends', targetReference: { reference: 'urn:uuid:nowhere' } }],
    section: [{ entry: [{ reference: 'urn:uuid:3' }] }],
  }
  const bundle = {
    resourceType: 'Bundle',
    type: 'document',
    meta: { security: [psy] },
    entry: [
      { fullUrl: 'urn:uuid:1', resource: composition },
      { fullUrl: 'urn:uuid:2', resource: { resourceType: 'Encounter', id: 'e' } },
      {
        fullUrl: 'urn:uuid:3',
        resource: { resourceType: 'Condition', id: 'c', meta: { security: [psy, confidential('V')] } },
      },
    ],
  }
  interface Found {
    readonly entry: {
      readonly search: { readonly mode: string }
      readonly resource: {
        readonly meta: { readonly versionId: string; readonly security?: unknown }
        readonly context: object
      }
    }[]
  }
  const described = async (): Promise<Found['entry'][number]['resource'] | undefined> => {
    const url = `/fhir/DocumentReference?patient=${people.maria.handle}`
    const { entry } = (await network.send('maria', { url })).json<Found>()
    return entry.find(({ search }) => search.mode === 'match')?.resource
  }

  test('its labels and those of everything in it, and its relations, are the document’s', async () => {
    expect(kept(await deposit([depositOf('a', { bundle })]))).toMatchObject([{ version: 1 }])
    expect(await described()).toMatchObject({
      meta: { security: [psy, confidential('R'), confidential('V')] },
      context: { encounter: [{ reference: 'Encounter/e' }], related: [{ reference: 'Procedure/p' }] },
    })
    expect(kept(await deposit([depositOf('a', { bundle })]))).toMatchObject([{ state: 'unchanged' }])
  })

  test('the clerk adds to it and takes nothing away; a correction is another version', async () => {
    const hiv = { ...psy, code: 'HIV', display: 'HIV/AIDS information sensitivity' }
    const labels = [{ ...psy, display: 'psychiatry' }, hiv]
    const more = { bundle, labels, related: ['CarePlan/p', 'Encounter/e'] }
    expect(kept(await deposit([depositOf('a', more)]))).toMatchObject([{ version: 1 }])
    expect(await described()).toMatchObject({
      meta: { security: [hiv, labels[0], confidential('R'), confidential('V')] },
      context: {
        encounter: [{ reference: 'Encounter/e' }],
        related: [{ reference: 'CarePlan/p' }, { reference: 'Procedure/p' }],
      },
    })
    expect(kept(await deposit([depositOf('a', { bundle })]))).toMatchObject([
      { version: 2, state: 'replaced' },
    ])
    expect((await described())?.meta).toEqual({
      versionId: '2',
      security: [psy, confidential('R'), confidential('V')],
    })
  })

  test('is no more than what it says', async () => {
    await deposit([depositOf('a')])
    expect((await described())?.meta).toEqual({ versionId: '1' })
  })

  test.each<[string, number, string, object]>([
    ['more labels than a document can have', 422, 'Document 2 has 21 security labels', { labels: 21 }],
    ['more relations', 422, 'Document 2 has 21 relations', { relations: 21 }],
    ['a label without a system', 400, 'labels of document 2', { unsystematic: true }],
    ['a code that nobody could decide on', 400, 'Document 2 has a resource', { length: 5000 }],
  ])('with %s is refused, and nothing of the request is kept', async (_what, status, words, made) => {
    const { labels = 0, relations = 0, length = 1, unsystematic = false } = made as Record<string, number>
    const refers = (count: number): object[] =>
      Array.from({ length: count }, (_item, index) => ({ reference: `Observation/o${index}` }))
    const security = [
      ...Array.from({ length: labels }, (_item, index) => ({ system: 'urn:x', code: String(index) })),
      ...(unsystematic ? [{ code: 'PSY' }] : []),
    ]
    const resource = {
      resourceType: 'Composition',
      event: [{ detail: refers(relations) }],
      meta: { security },
    }
    const list = { resourceType: 'List', code: { coding: [{ code: 'x'.repeat(length) }] } }
    const given = { ...bundle, meta: {}, entry: [{ resource }, { resource: list }] }
    const answer = await deposit([depositOf('a'), depositOf('b', { bundle: given })])
    expect([answer.statusCode, answer.body]).toEqual([status, expect.stringContaining(words)])
    expect(await described()).toBeUndefined()
  })

  test('labels beyond the bound are refused of the clerk as well', async () => {
    const labels = Array.from({ length: 19 }, (_item, index) => ({ system: 'urn:x', code: String(index) }))
    expect((await deposit([depositOf('a', { bundle, labels })])).statusCode).toBe(422)
    const many = [...labels, psy, confidential('N')]
    expect((await deposit([depositOf('a', { labels: many })])).statusCode).toBe(400)
  })
})

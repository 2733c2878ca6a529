import { decodeJwt } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findPerson } from '../../../scripts/development/index.ts'
import { fakeInstance, outcome, searchset, type FakeInstance } from './fake-instance.ts'

const document = `north-${'a'.repeat(32)}`
let instance: FakeInstance

beforeEach(async () => {
  instance = await fakeInstance()
})
afterEach(() => instance.close())

const handle = (user: string): string => findPerson(instance.people, user)?.handle ?? ''
const claims = (index = 0): ReturnType<typeof decodeJwt> =>
  decodeJwt(instance.asked[index]?.headers.authorization?.replace('Bearer ', '') ?? '')

describe('read', () => {
  const bundle = {
    resourceType: 'Bundle',
    entry: [
      {
        resource: {
          resourceType: 'Composition',
          title: 'Report',
          date: '2026-01-02',
          section: [
            { title: 'Findings', text: { div: '<div><ul><li>all &lt; well\u001B[2J</li></ul></div>' } },
          ],
        },
      },
    ],
  }

  test('shows the document’s own words, without what could rewrite a terminal', async () => {
    instance.answer = () => ({ status: 200, body: bundle, headers: { 'x-medledger-entry': 'e1' } })
    const { code, stdout } = await instance.medledger('read', document, '--as', 'dr.chen')
    expect(code).toBe(0)
    expect(stdout).toContain('Report\n2026-01-02\n\nFindings\n  all < well [2J\n')
    expect(stdout).toContain('Entry e1')
  })

  test('with --json prints entry, outcome and document', async () => {
    instance.answer = () => ({ status: 200, body: bundle, headers: { 'x-medledger-entry': 'e1' } })
    const { stdout } = await instance.medledger(
      'read',
      document,
      '--as',
      'dr.chen',
      '--purpose',
      'etreat',
      '--json',
    )
    expect(JSON.parse(stdout)).toEqual({
      entry: 'e1',
      documents: [{ id: document, outcome: 'permit', document: bundle }],
    })
    expect(instance.asked[0]?.headers['x-purpose-of-use']).toBe('ETREAT')
    expect(claims()).toMatchObject({ sub: 'dr.chen', aud: 'urn:medledger:gateway:south', roles: ['doctor'] })
  })

  test('ends with exit 4 when refused, and says which entry the request left', async () => {
    instance.answer = () => ({
      status: 403,
      body: outcome('NOT_RELEASED', 'Nothing is released.'),
      headers: { 'x-medledger-entry': 'e1' },
    })
    const plain = await instance.medledger('read', document, '--as', 'dr.chen')
    expect(plain).toMatchObject({ code: 4, stdout: '' })
    expect(plain.stderr).toBe('medledger: Nothing is released. (NOT_RELEASED) Entry e1\n')
    const json = await instance.medledger('read', document, '--as', 'dr.chen', '--json')
    expect(json.code).toBe(4)
    expect(JSON.parse(json.stdout)).toEqual({ entry: 'e1', documents: [{ id: document, outcome: 'deny' }] })
  })

  test.each([
    [400, 'INVALID_REQUEST', 2],
    [401, 'INVALID_TOKEN', 4],
    [403, 'FORBIDDEN', 4],
    [404, 'NOT_FOUND', 3],
    [409, 'CONFLICT', 1],
    [413, 'PAYLOAD_TOO_LARGE', 2],
    [500, 'INTERNAL', 1],
    [503, 'LEDGER_UNAVAILABLE', 5],
    [202, 'OUTCOME_UNKNOWN', 7],
  ])('turns %i %s into exit %i, with one line', async (status, error, expected) => {
    instance.answer = () => ({ status, body: outcome(error, 'Words\nof the gateway.') })
    const { code, stdout, stderr } = await instance.medledger('read', document, '--as', 'dr.chen', '--json')
    expect({ code, stdout, stderr }).toEqual({
      code: expected,
      stdout: '',
      stderr: `medledger: Words of the gateway. (${error})\n`,
    })
  })

  test('ends with exit 5 when no gateway answers', async () => {
    await instance.closeGateways()
    expect(await instance.medledger('read', document, '--as', 'dr.chen')).toMatchObject({
      code: 5,
      stdout: '',
    })
  })

  test('with a wrong id asks nobody', async () => {
    expect((await instance.medledger('read', 'north-1', '--as', 'dr.chen')).code).toBe(2)
    expect(instance.asked).toEqual([])
  })
})

describe('documents', () => {
  const reference = {
    resourceType: 'DocumentReference',
    id: document,
    type: { coding: [{ code: '11502-2', display: 'Laboratory report' }] },
    description: 'Blood count',
    context: { period: { start: '2026-01-02' } },
    custodian: { reference: 'Organization/north' },
  }

  test('prints rows, and remarks on standard error', async () => {
    instance.answer = () => ({ status: 200, body: searchset(reference) })
    const json = await instance.medledger('documents', '--patient', 'maria', '--as', 'dr.chen', '--json')
    expect(JSON.parse(json.stdout)).toEqual([
      {
        id: document,
        type: '11502-2',
        typeName: 'Laboratory report',
        title: 'Blood count',
        date: '2026-01-02',
        custodian: 'north',
      },
    ])
    expect(json.stderr).toBe('This may not be all.\n')
    const plain = await instance.medledger('documents', '--patient', handle('maria'), '--as', 'dr.chen')
    expect(plain.stdout).toMatch(/Laboratory report +2026-01-02 +north +Blood count\n/)
    expect(instance.asked.map(({ route }) => route)).toEqual(
      Array.from({ length: 2 }, () => `GET /fhir/DocumentReference?patient=${handle('maria')}`),
    )
  })

  test.each(['dr.chen', 'nobody', 'ABC'])('of %s is bad input', async (patient) => {
    expect((await instance.medledger('documents', '--patient', patient, '--as', 'dr.chen')).code).toBe(2)
  })

  test('at another gateway takes a token for that one', async () => {
    instance.answer = () => ({ status: 200, body: searchset() })
    await instance.medledger('documents', '--patient', 'maria', '--as', 'maria', '--at', 'south')
    expect(claims()['aud']).toBe('urn:medledger:gateway:south')
  })
})

describe('log', () => {
  const rowOf = (more: object): object => ({
    at: '2026-01-02T03:04:05Z',
    block: 9,
    position: 0,
    person: 'Dr Wei Chen',
    organisation: 'south',
    through: 'south',
    custodian: 'north',
    outcome: 'permit',
    documents: [],
    assurance: 'attested',
    delivered: null,
    ...more,
  })
  const event = (more: object): object => ({
    resourceType: 'AuditEvent',
    extension: [{ url: 'urn:medledger:entry', valueString: JSON.stringify(rowOf(more)) }],
  })
  const log = (...words: string[]): Promise<{ stdout: string }> =>
    instance.medledger('log', '--patient', 'maria', '--as', 'maria', ...words)

  test('prints its rows in ledger order', async () => {
    const places = [
      [10, 0],
      [9, 1],
      [9, 0],
    ]
    const events = places.map(([block, position]) =>
      event({ entry: `e${block}${position}`, kind: 'log', block, position }),
    )
    instance.answer = () => ({ status: 200, body: searchset(...events) })
    const rows = JSON.parse((await log('--json')).stdout) as { entry: string }[]
    expect(rows.map(({ entry }) => entry)).toEqual(['e90', 'e91', 'e100'])
  })

  describe('of several pages', () => {
    const pageOf = (url: string | undefined, ...entries: string[]): object => ({
      ...searchset(...entries.map((entry) => event({ entry, kind: 'log' }))),
      ...(url !== undefined && { link: [{ relation: 'next', url }] }),
    })

    test('is followed to its end, and is one list', async () => {
      const next = '/fhir/AuditEvent?patient=p&page='
      const pages = [pageOf(`${next}2`, 'e1', 'e2'), pageOf(`${next}3`), pageOf(undefined, 'e3')]
      instance.answer = () => ({ status: 200, body: pages.shift() })
      const { stdout, stderr } = await instance.medledger(
        'log',
        '--patient',
        'maria',
        '--as',
        'maria',
        '--json',
      )
      expect((JSON.parse(stdout) as { entry: string }[]).map(({ entry }) => entry)).toEqual([
        'e1',
        'e2',
        'e3',
      ])
      expect(stderr).toBe('This may not be all.\n')
      expect(instance.asked.map(({ route }) => route.split('?')[1])).toEqual([
        `patient=${handle('maria')}&_count=500`,
        'patient=p&page=2',
        'patient=p&page=3',
      ])
    })

    test('has its columns named once, and is an empty list when there is nothing', async () => {
      const pages = [pageOf('/fhir/AuditEvent?page=2', 'e1'), pageOf(undefined, 'e2')]
      instance.answer = () => ({ status: 200, body: pages.shift() ?? pageOf(undefined) })
      expect((await log()).stdout.split('\n').filter((line) => line.startsWith('at '))).toHaveLength(1)
      expect(JSON.parse((await log('--json')).stdout)).toEqual([])
    })

    test('is not followed to another place', async () => {
      instance.answer = () => ({ status: 200, body: pageOf('http://elsewhere/fhir/AuditEvent?', 'e1') })
      const { code } = await instance.medledger('log', '--patient', 'maria', '--as', 'maria')
      expect([code, instance.asked.length]).toEqual([1, 1])
    })
  })

  test('has exactly the members that scripts rely on, and what the table shows among them', async () => {
    const access = {
      entry: 'e1',
      kind: 'access',
      personId: 'x',
      purpose: 'TREAT',
      outcome: 'deny',
      documents: [{ id: document, outcome: 'deny' }],
      delivered: false,
    }
    const consent = { entry: 'e2', kind: 'consent', position: 1, change: 'revoke', consent: 'c1' }
    const reading = { entry: 'e3', kind: 'log', position: 2, readingOf: 'AuditEvent' }
    const release = { entry: 'e4', kind: 'release', position: 3, of: 'e1' }
    instance.answer = () => ({
      status: 200,
      body: searchset(event(access), event(consent), event(reading), event(release)),
    })
    const absent = { personId: null, purpose: null, change: null, consent: null, readingOf: null, of: null }
    const { assurance: _unused, ...common } = rowOf({}) as Record<string, unknown>
    expect(JSON.parse((await log('--json')).stdout)).toEqual([
      { ...common, ...absent, ...access },
      { ...common, ...absent, ...consent },
      { ...common, ...absent, ...reading },
      { ...common, ...absent, ...release },
    ])
    const [, ...lines] = (await log()).stdout.split('\n')
    expect(lines[0]).toMatch(/^2026-01-02T03:04:05Z {2}9 .*TREAT.*no .*deny north-/)
    expect(lines.slice(1, 4).map((line) => line.split(/ {2,}/).at(-1))).toEqual([
      'revoke c1',
      'AuditEvent',
      'of e1',
    ])
  })
})

describe('status', () => {
  const says = (status: number, body: object): void => {
    instance.answer = () => ({ status, body })
  }
  const whole = { ready: true, degraded: false, stopping: false, ledger: { connected: true, blocks: 1 } }

  test('is ready when all gateways and all parts are, and has the addresses', async () => {
    says(200, { ...whole, ordering: { works: true } })
    const { code, stdout } = await instance.medledger('status', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      ready: true,
      state: 'ready',
      gateways: ['north', 'south', 'authority'].map((organisation) => ({
        organisation,
        url: expect.stringContaining('http://127.0.0.1:') as string,
        state: 'ready',
        broken: [],
      })),
      parts: [{ part: 'orderer', running: true }],
      addresses: expect.arrayContaining([
        {
          organisation: 'north',
          gateway: 'http://127.0.0.1:7710',
          documentation: 'http://127.0.0.1:7710/docs',
          metrics: 'http://127.0.0.1:7725/metrics',
          provider: 'http://127.0.0.1:7722',
        },
      ]) as object[],
    })
    const plain = await instance.medledger('status')
    expect(plain.stdout).toMatch(/^ready\n/)
    for (const words of ['orderer  running', 'http://127.0.0.1:7725/metrics', '7722', '/docs'])
      expect(plain.stdout).toContain(words)
  })

  test.each([
    ['degraded', 200, { ...whole, degraded: true, ordering: { works: false } }, 'ordering'],
    ['not ready', 503, { ...whole, ready: false, ledger: { connected: false, blocks: 1 } }, 'ledger'],
    ['not ready', 503, { ...whole, ready: false, stopping: true }, 'stopping'],
    ['not ready', 502, [], 'no answer'],
  ])('says %s when gateways answer %i with %j', async (state, status, body, broken) => {
    says(status, body)
    const json = await instance.medledger('status', '--json')
    expect(json.code).toBe(5)
    expect(JSON.parse(json.stdout)).toMatchObject({
      ready: false,
      state,
      gateways: [{ state, broken: [broken] }, {}, {}],
    })
    const plain = await instance.medledger('status')
    expect([plain.code, plain.stdout.split('\n')[0]]).toEqual([5, state])
    expect(plain.stdout).toContain(`${state}: ${broken}`)
  })

  test('is degraded while a part is stopped, whatever the gateways have noticed', async () => {
    says(200, whole)
    instance.parts = [
      { part: 'orderer', running: true },
      { part: 'provider-north', running: false },
    ]
    const { code, stdout } = await instance.medledger('status')
    expect([code, stdout.split('\n')[0]]).toEqual([5, 'degraded'])
    expect(stdout).toContain('provider-north  stopped')
  })
})

test('people and token have the shapes that scripts rely on', async () => {
  const parse = async (...words: string[]): Promise<unknown> =>
    JSON.parse((await instance.medledger(...words, '--json')).stdout)
  const chen = { user: 'dr.chen', role: 'doctor', organisation: 'south', handle: handle('dr.chen') }
  expect(await parse('people')).toContainEqual(chen)
  const { token } = (await parse('token', '--user', 'maria')) as { token: string }
  expect(decodeJwt(token)).toMatchObject({ sub: 'maria', roles: ['patient'] })
})

import type { Bundle, Consent } from 'fhir/r4.js'
import { beforeEach, describe, expect, test } from 'vitest'
import { randomId } from 'medledger-chaincode/api'
import {
  depositAt,
  depositOf,
  grantAt,
  testNetwork,
  type TestNetwork,
} from '../../support/gateway-network.ts'
import { consentOf, doctorActor } from '../../support/ledger-samples.ts'
import { people, type User } from '../../support/ledger-world.ts'

type Answer = Awaited<ReturnType<TestNetwork['send']>>

let network: TestNetwork
beforeEach(async () => {
  network = await testNetwork()
})

const subject = { reference: `Patient/${people.maria.handle}` }
const permit = { type: 'permit', actor: [doctorActor('dr.chen')] }
const post = (
  more: object = {},
  user: User = 'maria',
  provision: Readonly<Record<string, unknown>> = permit,
): Promise<Answer> =>
  network.send(user, {
    url: '/fhir/Consent',
    method: 'POST',
    body: { ...consentOf(provision), patient: subject, ...more },
  })
const codeOf = (answer: Answer): unknown =>
  answer.json<{ issue: { details: { coding: { code: string }[] } }[] }>().issue[0]?.details.coding[0]?.code

/** What became of a change, custodian by custodian. */
const resultsIn = (answer: Answer): Record<string, string | undefined> =>
  Object.fromEntries(
    (answer.json<Consent>().extension ?? []).map(({ extension: [custodian, result] = [] }) => [
      custodian?.valueString,
      result?.valueCode ?? result?.url,
    ]),
  )
async function list(user: User = 'maria'): Promise<Consent[]> {
  const answer = await network.send(user, { url: `/fhir/Consent?patient=${people[user].handle}` })
  return (answer.json<Bundle<Consent>>().entry ?? []).flatMap(({ resource, search }) =>
    search?.mode === 'match' && resource !== undefined ? [resource] : [],
  )
}

describe('a Consent of FHIR R5', () => {
  const category = [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }]
  const sent = (more: object, user: User = 'maria'): Promise<Answer> =>
    network.send(user, {
      url: '/fhir/Consent',
      method: 'POST',
      body: { resourceType: 'Consent', status: 'active', category, subject, ...more },
    })
  const rule = {
    decision: 'deny',
    date: '2026-01-02',
    provision: [
      { actor: [doctorActor('dr.chen')], provision: [{ resourceType: [{ code: 'Observation' }] }] },
    ],
  }
  const rendered = {
    resourceType: 'Consent',
    patient: subject,
    dateTime: '2026-01-02',
    provision: {
      type: 'deny',
      provision: [
        {
          type: 'permit',
          actor: [doctorActor('dr.chen')],
          provision: [{ type: 'deny', class: [{ code: 'Observation' }] }],
        },
      ],
    },
  }

  test('decides, and is answered and listed as R4', async () => {
    const [document = ''] = await depositAt(network, 'north', 'maria', [depositOf('letter')])
    const read = async (): Promise<number> =>
      (await network.send('dr.chen', { url: `/fhir/Bundle/${document}` })).statusCode
    expect(await read()).toBe(403)
    const answer = await sent(rule)
    expect(answer.statusCode).toBe(201)
    expect(answer.json()).toMatchObject({ ...rendered, status: 'active' })
    expect(answer.json()).not.toHaveProperty('subject')
    expect(resultsIn(answer)).toEqual({ north: 'entry', south: 'entry' })
    expect(await list()).toMatchObject([{ ...rendered, status: 'active' }])
    expect(await read()).toBe(200)
  })

  test('is kept on the ledger as it was given', async () => {
    await sent(rule)
    const values = [...(network.world.state.get('consent-north')?.values() ?? [])].map(({ value }) =>
      Buffer.from(value).toString(),
    )
    expect(values.filter((text) => text.includes('"decision":"deny"'))).toHaveLength(1)
  })

  test('is revoked by either dialect, and answered as R4', async () => {
    for (const about of [
      { patient: subject },
      { subject },
      { subject, ...rule },
      { subject, provision: 'x' },
    ]) {
      const { id = '' } = (await sent(rule)).json<Consent>()
      const body = { resourceType: 'Consent', status: 'inactive', ...about }
      const answer = await network.send('maria', { url: `/fhir/Consent/${id}`, method: 'PUT', body })
      expect([answer.statusCode, answer.json<Consent>()]).toMatchObject([
        200,
        { id, status: 'inactive', patient: subject },
      ])
      expect((await list()).at(-1)).toMatchObject({ id, status: 'inactive' })
    }
  })

  test('is lodged with the custodians that enforce it, else with those that manage it', async () => {
    const north = [{ reference: 'Organization/north' }]
    const south = [{ reference: 'Organization/south' }]
    expect(resultsIn(await sent({ ...rule, manager: south }))).toEqual({ south: 'entry' })
    expect(resultsIn(await sent({ ...rule, manager: south, controller: north }))).toEqual({ north: 'entry' })
  })

  test('is a patient’s about herself, and nobody else’s', async () => {
    expect(codeOf(await sent(rule, 'tomas'))).toBe('FORBIDDEN')
    expect(await list()).toEqual([])
  })

  test.each(['deny', 'basic-normal', 'all-normal', 'break-glass-only'])(
    'chooses %s as default policy',
    async (code) => {
      const basis = { coding: [{ system: 'urn:medledger:default-policy', code }] }
      const { id = '' } = (await sent({ regulatoryBasis: [basis] })).json<Consent>()
      expect(await list()).toMatchObject([{ id, status: 'active', policyRule: basis }])
    },
  )
})

interface Told {
  readonly issue: { readonly diagnostics: string; readonly expression?: string[] }[]
}
const pathsIn = (answer: Answer): string[] =>
  answer.json<Told>().issue.map(({ expression: [path = ''] = [] }) => path)

describe('a Consent that is refused', () => {
  const r5 = { patient: undefined, subject, decision: 'deny', scope: undefined }

  test('has an issue for each fault, with its path', async () => {
    const rule = {
      type: 'maybe',
      actor: [{ role: 'x', reference: { reference: 7 } }, 'Lindqvist'],
      period: { start: 'Lindqvist' },
      purpose: [],
      class: { code: 'Observation' },
      securityLabel: [{ system: 'urn:x' }],
      data: [{ meaning: 'all', reference: {} }],
      Lindqvist: true,
      provision: [
        { code: [{ coding: [{ code: '' }] }] },
        7,
        { provision: [{ type: 'deny', dataPeriod: 1 }] },
      ],
    }
    const answer = await post({ organization: [{ display: 'x' }], dateTime: 'x', scope: {} }, 'maria', rule)
    expect([answer.statusCode, codeOf(answer)]).toEqual([400, 'INVALID_REQUEST'])
    expect(pathsIn(answer).toSorted()).toEqual(
      [
        'Consent.dateTime',
        'Consent.organization[0].reference',
        'Consent.provision',
        'Consent.provision.actor[0].reference.reference',
        'Consent.provision.actor[0].role',
        'Consent.provision.actor[1]',
        'Consent.provision.class',
        'Consent.provision.data[0].meaning',
        'Consent.provision.period.start',
        'Consent.provision.provision[0].code[0].coding[0].code',
        'Consent.provision.provision[0].type',
        'Consent.provision.provision[1]',
        'Consent.provision.provision[2].provision[0].dataPeriod',
        'Consent.provision.provision[2].type',
        'Consent.provision.purpose',
        'Consent.provision.securityLabel[0].code',
        'Consent.provision.type',
        'Consent.scope.coding',
      ].toSorted(),
    )
    expect(answer.body).not.toContain('Lindqvist')
  })

  test('of R5 likewise', async () => {
    const provision = [
      { documentType: [{}], provision: [{ class: [], resourceType: 'x' }] },
      { type: 'permit' },
    ]
    const answer = await post({ ...r5, decision: 'maybe', period: [], provision })
    expect(pathsIn(answer).toSorted()).toEqual([
      'Consent.decision',
      'Consent.period',
      'Consent.provision[0].documentType[0].code',
      'Consent.provision[0].provision[0].class',
      'Consent.provision[0].provision[0].resourceType',
      'Consent.provision[1].type',
    ])
  })

  test.each<[string, unknown, string]>([
    ['a list', [], 'Consent'],
    ['null', null, 'Consent'],
    [
      'another resource',
      { ...consentOf(permit), patient: subject, resourceType: 'Patient' },
      'Consent.resourceType',
    ],
    ['nobody’s', consentOf(permit), 'Consent.patient'],
    ['a draft', { ...consentOf(permit), patient: subject, status: 'draft' }, 'Consent.status'],
    [
      'about research',
      {
        ...consentOf(permit),
        patient: subject,
        scope: {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'research' }],
        },
      },
      'Consent.scope',
    ],
  ])('is %s', async (_what, body, path) => {
    const answer = await network.send('maria', {
      url: '/fhir/Consent',
      method: 'POST',
      body,
    })
    expect([answer.statusCode, pathsIn(answer)]).toEqual([400, [path]])
  })

  const nested = (levels: number): object =>
    levels === 0 ? {} : { type: 'deny', provision: [nested(levels - 1)] }
  test('is deeper than eight levels, or has more than 200 provisions, or more than 32 KiB', async () => {
    const deny = { type: 'deny' }
    expect(
      (await post({ provision: { type: 'permit', provision: Array.from({ length: 199 }, () => deny) } }))
        .statusCode,
    ).toBe(201)
    const many = await post({
      provision: { type: 'permit', provision: Array.from({ length: 200 }, () => deny) },
    })
    expect([many.statusCode, pathsIn(many)]).toEqual([400, ['Consent.provision']])
    for (const more of [{}, { dateTime: 'x' }])
      expect(pathsIn(await post({ ...more, provision: nested(9) }))).toContain('Consent.provision')
    const long = await post({ language: 'x'.repeat(33_000) })
    expect([long.statusCode, codeOf(long)]).toEqual([422, 'LIMIT_EXCEEDED'])
  })

  test('has so many faults that an answer names 200 of them', async () => {
    const provision = Array.from({ length: 199 }, () => ({ type: 'x', actor: 1 }))
    const { issue } = (await post({ provision: { type: 'permit', provision } })).json<Told>()
    expect(issue).toHaveLength(201)
    expect(issue.at(-1)?.diagnostics).toBe('There are 198 faults more.')
  })

  test('cannot be revoked as nobody’s', async () => {
    const answer = await network.send('maria', {
      url: `/fhir/Consent/${randomId()}`,
      method: 'PUT',
      body: { resourceType: 'Consent', status: 'inactive' },
    })
    expect([answer.statusCode, pathsIn(answer)]).toEqual([400, ['Consent.patient']])
  })
})

describe('an extension of a Consent', () => {
  test('is kept, and may name the consent that it replaces', async () => {
    const first = await grantAt(network, 'maria', permit)
    const extension = [{ url: 'urn:medledger:supersedes', valueReference: { reference: `Consent/${first}` } }]
    const [document = ''] = await depositAt(network, 'north', 'maria', [depositOf('letter')])
    const read = async (): Promise<number> =>
      (await network.send('dr.chen', { url: `/fhir/Bundle/${document}` })).statusCode
    expect(await read()).toBe(200)
    const answer = await post({ extension }, 'maria', { type: 'permit', actor: [doctorActor('dr.okafor')] })
    expect(answer.json<Consent>().extension).toMatchObject([...extension, {}, {}])
    expect((await list()).at(-1)).toMatchObject({ extension })
    expect(await read()).toBe(403)
  })
})

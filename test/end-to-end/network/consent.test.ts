import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  newDocument,
  newPatient,
  organisation,
  person,
  type LogRow,
  type TestPatient,
} from '../../support/clinic.ts'
import { codeOf, openNetwork, type Answer, type Network } from '../../support/network.ts'
import { poll } from '../../support/poll.ts'

let network: Network
let patient: TestPatient
let chen: object

beforeAll(async () => {
  network = await openNetwork()
  chen = person(network.person('dr.chen').handle)
})
beforeEach(async () => {
  patient = await newPatient(network)
})

const loinc = (code: string): object => ({ system: 'http://loinc.org', code })
const laboratory = '11502-2'
const imaging = '18748-4'
const resources = (code: string): object => ({ system: 'http://hl7.org/fhir/resource-types', code })
const purpose = (code: string): object => ({
  system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason',
  code,
})
const confidential = (code: string): object => ({
  system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality',
  code,
})
const psychiatric = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY' }
const category = [{ coding: [loinc('59284-0')] }]
/** Everybody of a role. */
const everybody = (role: string): object => ({
  reference: { identifier: { system: 'urn:medledger:role', value: role } },
})

/** Lodges an R5 Consent of the patient's, and expects it to be taken. */
async function lodgeR5(consent: object): Promise<Answer> {
  const subject = { reference: `Patient/${patient.handle}` }
  const answer = await patient.lodge({ category, subject, ...consent })
  expect([answer.status, answer.text]).toEqual([201, expect.any(String)])
  return answer
}

const document = (custodian: string, code = laboratory): Promise<string> =>
  newDocument(network, patient.handle, custodian, { code })

const read = (id: string, { as = 'dr.chen', code = 'TREAT' } = {}): Promise<Answer> =>
  network.ask(as, `/fhir/Bundle/${id}`, { headers: { 'x-purpose-of-use': code } })
const statusOf = async (...asked: Parameters<typeof read>): Promise<number> => (await read(...asked)).status

/** The accesses of her log, by outcome. */
const accesses = async (): Promise<LogRow['outcome'][]> =>
  (await patient.log()).filter(({ kind }) => kind === 'access').map(({ outcome }) => outcome)

/** A document Bundle with these resources. */
const bundleOf = (...inside: readonly object[]): object => ({
  resourceType: 'Bundle',
  type: 'document',
  entry: [{ resourceType: 'Composition', title: 'Letter' }, ...inside].map((resource) => ({ resource })),
})

describe('a Consent of FHIR R4', () => {
  test('permits whom it names', async () => {
    const id = await document('north')
    expect((await patient.grant({ type: 'permit', actor: [chen] })).status).toBe(201)
    expect([await statusOf(id), await statusOf(id, { as: 'dr.okafor' })]).toEqual([200, 403])
    expect(await accesses()).toEqual(['permit', 'deny'])
  })

  test('denies what it names, but for a nested permit', async () => {
    const [report, image] = [await document('north'), await document('north', imaging)]
    await patient.grant({ type: 'permit', actor: [everybody('doctor')] })
    await patient.grant({
      type: 'deny',
      class: [loinc(imaging)],
      provision: [{ type: 'permit', actor: [chen] }],
    })
    expect([await statusOf(report), await statusOf(image)]).toEqual([200, 200])
    const other = { as: 'dr.okafor' }
    expect([await statusOf(report, other), await statusOf(image, other)]).toEqual([200, 403])
    expect(await accesses()).toEqual(['permit', 'permit', 'permit', 'deny'])
  })

  test('permits up to a level of confidentiality; what a document has inside counts', async () => {
    const normal = await document('north')
    const sensitive = await newDocument(network, patient.handle, 'north', {
      bundle: bundleOf({ resourceType: 'Condition', meta: { security: [psychiatric] } }),
    })
    const ceiling = { type: 'permit', actor: [organisation('south')] }
    await patient.grant({ ...ceiling, securityLabel: [confidential('N')] })
    expect([await statusOf(normal), await statusOf(sensitive)]).toEqual([200, 403])
    const search = `/fhir/DocumentReference?patient=${patient.handle}`
    expect((await network.ask('dr.chen', search)).text).not.toContain(sensitive)
    await patient.grant({ ...ceiling, securityLabel: [confidential('R')] })
    expect(await statusOf(sensitive)).toBe(200)
    const { body } = await network.ask('dr.chen', search)
    expect(body.entry).toContainEqual(
      expect.objectContaining({
        resource: expect.objectContaining({
          id: sensitive,
          meta: { versionId: '1', security: [psychiatric] },
        }) as unknown,
      }),
    )
  })
})

describe('a Consent of FHIR R5', () => {
  test('denies all but what its provisions permit, and is shown as R4', async () => {
    const [report, image] = [await document('south'), await document('south', imaging)]
    const answer = await lodgeR5({
      decision: 'deny',
      provision: [
        { actor: [everybody('doctor')], documentType: [loinc(laboratory)], provision: [{ actor: [chen] }] },
      ],
    })
    expect(answer.body).toMatchObject({
      patient: { reference: `Patient/${patient.handle}` },
      provision: {
        type: 'deny',
        provision: [
          { type: 'permit', class: [loinc(laboratory)], provision: [{ type: 'deny', actor: [chen] }] },
        ],
      },
    })
    const other = { as: 'dr.okafor' }
    expect([await statusOf(report, other), await statusOf(image, other)]).toEqual([200, 403])
    expect(await statusOf(report)).toBe(403)
    expect(await accesses()).toEqual(['permit', 'deny', 'deny'])
  })

  test('permits all but what its provisions deny, until it is revoked', async () => {
    const [report, image] = [await document('north'), await document('north', imaging)]
    const { body } = await lodgeR5({
      decision: 'permit',
      provision: [{ documentType: [loinc(imaging)] }, { purpose: [purpose('HRESCH')] }],
    })
    expect([await statusOf(report), await statusOf(image)]).toEqual([200, 403])
    expect(await statusOf(report, { code: 'HRESCH' })).toBe(403)
    const revoked = await patient.ask(`/fhir/Consent/${body.id}`, {
      method: 'PUT',
      body: {
        resourceType: 'Consent',
        status: 'inactive',
        subject: { reference: `Patient/${patient.handle}` },
      },
    })
    expect([revoked.status, revoked.body.patient.reference]).toEqual([200, `Patient/${patient.handle}`])
    expect(await statusOf(report)).toBe(403)
    expect(await accesses()).toEqual(['permit', 'deny', 'deny', 'deny'])
  })

  test('that says what cannot be applied is refused, fault by fault', async () => {
    const answer = await patient.lodge({
      category,
      subject: { reference: `Patient/${patient.handle}` },
      decision: 'perhaps',
      provision: [{ expression: [{ language: 'text/cql' }], purpose: [{ code: 'FUN' }] }],
    })
    expect([answer.status, codeOf(answer)]).toEqual([400, 'INVALID_REQUEST'])
    const paths = answer.body.issue.flatMap(({ expression }: { expression: string[] }) => expression)
    expect(paths).toEqual([
      'Consent.decision',
      'Consent.provision[0].expression',
      'Consent.provision[0].purpose',
    ])
  })
})

describe('an emergency', () => {
  test('is declared by who may, and recorded as one', async () => {
    const id = await document('north')
    await patient.grant({ type: 'permit', actor: [everybody('doctor')], purpose: [purpose('BTG')] })
    expect(await statusOf(id)).toBe(403)
    expect(await statusOf(id, { code: 'BTG' })).toBe(200)
    const rows = (await patient.log()).filter(({ kind }) => kind === 'access')
    expect(rows.map(({ purpose: code, outcome }) => [code, outcome])).toEqual([
      ['TREAT', 'deny'],
      ['BTG', 'permit'],
    ])
  })
})

describe('the default policy', () => {
  const choose = (code: string, dialect: 'R4' | 'R5'): Promise<Answer> => {
    const choice = { coding: [{ system: 'urn:medledger:default-policy', code }] }
    const reference = { reference: `Patient/${patient.handle}` }
    const scope = {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
    }
    return patient.lodge(
      dialect === 'R4'
        ? { scope, category, patient: reference, policyRule: choice }
        : { category, subject: reference, regulatoryBasis: [choice] },
    )
  }

  test.each<[string, 'R4' | 'R5', number[]]>([
    // For treatment, for research, in an emergency; then what is Restricted, for treatment.
    ['deny', 'R4', [403, 403, 403, 403]],
    ['basic-normal', 'R5', [200, 403, 403, 403]],
    ['all-normal', 'R4', [200, 200, 200, 403]],
    ['break-glass-only', 'R5', [403, 403, 200, 403]],
  ])('%s, chosen in %s, applies where no directive does', async (code, dialect, expected) => {
    const normal = await document('north')
    const restricted = await newDocument(network, patient.handle, 'north', {
      bundle: { ...bundleOf(), meta: { security: [confidential('R')] } },
    })
    expect((await choose(code, dialect)).status).toBe(201)
    expect([
      await statusOf(normal),
      await statusOf(normal, { code: 'HRESCH' }),
      await statusOf(normal, { code: 'BTG' }),
      await statusOf(restricted),
    ]).toEqual(expected)
    expect(await accesses()).toEqual(expected.map((status) => (status === 200 ? 'permit' : 'deny')))
  })
})

describe('a document of which a part is denied', () => {
  test('is refused like any other, and the log says what was held back', async () => {
    const bundle = bundleOf({ resourceType: 'Observation', id: 'o', code: { coding: [loinc('718-7')] } })
    const held = await newDocument(network, patient.handle, 'north', { bundle })
    const other = await document('north')
    await patient.grant({ type: 'permit', actor: [chen] })
    expect(await statusOf(held)).toBe(200)
    const { body } = await patient.grant({ type: 'deny', class: [resources('Observation')] })
    const refused = await read(held)
    expect([refused.status, codeOf(refused), await statusOf(other)]).toEqual([403, 'NOT_RELEASED', 200])
    const releases = await poll('three answers of the custodian on the ledger', async () => {
      const found = (await patient.log()).filter(({ kind }) => kind === 'release')
      return found.length === 3 ? found : undefined
    })
    expect(releases.map(({ outcome, documents }) => [outcome, documents])).toEqual([
      ['permit', [{ id: held, outcome: 'permit' }]],
      ['deny', [{ id: held, outcome: 'deny' }]],
      ['permit', [{ id: other, outcome: 'permit' }]],
    ])
    const rows = (await patient.log()).filter(({ kind }) => kind === 'access')
    expect(rows.map(({ outcome, delivered }) => [outcome, delivered])).toEqual([
      ['permit', true],
      ['permit', false],
      ['permit', true],
    ])
    await patient.revoke(body.id)
    expect(await statusOf(held)).toBe(200)
  })
})

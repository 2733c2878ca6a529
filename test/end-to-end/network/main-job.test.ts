import { randomId } from 'medledger-chaincode/api'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  documentBundle,
  newDocument,
  newPatient,
  organisation,
  person,
  type TestPatient,
} from '../../support/clinic.ts'
import { codeOf, openNetwork, type Answer, type Network } from '../../support/network.ts'
import { poll } from '../../support/poll.ts'

let network: Network
let patient: TestPatient

beforeAll(async () => {
  network = await openNetwork()
})

describe('the main job', () => {
  test('a doctor is refused, the patient grants, the doctor reads, the patient revokes, and the log shows it all', async () => {
    patient = await newPatient(network)
    const document = await newDocument(network, patient.handle, 'north', { text: 'the finding' })
    const read = (): Promise<Answer> => network.ask('dr.chen', `/fhir/Bundle/${document}`)

    const refused = await read()
    expect(refused.status).toBe(403)
    expect(codeOf(refused)).toBe('NOT_RELEASED')

    const granted = await patient.grant({ type: 'permit', actor: [person(network.person('dr.chen').handle)] })
    expect(granted.status).toBe(201)
    expect(granted.entries).toHaveLength(network.constitution.placements.length)

    const released = await read()
    expect(released.status).toBe(200)
    expect(released.body).toEqual(documentBundle('the finding'))
    expect(released.headers.get('cache-control')).toBe('no-store')

    expect((await patient.revoke(granted.body.id)).status).toBe(200)
    const refusedAgain = await read()
    expect(refusedAgain.status).toBe(403)

    const rows = await poll('both answers of the custodian on the ledger', async () => {
      const found = await patient.log()
      return found.filter(({ kind }) => kind === 'release').length === 3 ? found : undefined
    })
    const accesses = rows.filter(({ kind }) => kind === 'access')
    expect(accesses.map(({ entry }) => entry)).toEqual(
      [refused, released, refusedAgain].map(({ entries }) => entries[0]),
    )
    expect(accesses.map(({ outcome, delivered }) => ({ outcome, delivered }))).toEqual([
      { outcome: 'deny', delivered: false },
      { outcome: 'permit', delivered: true },
      { outcome: 'deny', delivered: false },
    ])
    expect(accesses[1]).toMatchObject({
      person: 'Dr Wei Chen',
      organisation: 'south',
      custodian: 'north',
      purpose: 'TREAT',
    })
    expect(rows.filter(({ kind }) => kind === 'consent')).toHaveLength(
      2 * network.constitution.placements.length,
    )
    const places = rows.map(({ block, position }) => block * 1000 + position)
    expect(places).toEqual(places.toSorted((one, other) => one - other))
  })

  test('a later log is an earlier one with more at its end', async () => {
    patient = await newPatient(network)
    await newDocument(network, patient.handle, 'north')
    const earlier = await patient.log()
    await network.ask('dr.chen', `/fhir/DocumentReference?patient=${patient.handle}`)
    const later = await patient.log()
    expect(later.slice(0, earlier.length)).toEqual(earlier)
    expect(later.length).toBeGreaterThan(earlier.length)
  })

  test('an auditor reads the same log as the patient', async () => {
    patient = await newPatient(network)
    const document = await newDocument(network, patient.handle, 'south')
    await network.ask('dr.okafor', `/fhir/Bundle/${document}`)
    const { status, body } = await network.ask('auditor.lee', `/fhir/AuditEvent?patient=${patient.handle}`)
    expect(status).toBe(200)
    expect(JSON.stringify(body)).toContain('Dr Adaeze Okafor')
    const rows = await patient.log()
    expect(rows.some(({ kind, person: name }) => kind === 'log' && name === 'Lee Sandoval, auditor')).toBe(
      true,
    )
  })
})

describe('what a patient allows', () => {
  test('a deny trumps a permit, and ends with its revocation', async () => {
    patient = await newPatient(network)
    const document = await newDocument(network, patient.handle, 'north')
    await patient.grant({ type: 'permit', actor: [organisation('south')] })
    expect((await network.ask('dr.chen', `/fhir/Bundle/${document}`)).status).toBe(200)
    const denied = await patient.grant({ type: 'deny', actor: [person(network.person('dr.chen').handle)] })
    expect((await network.ask('dr.chen', `/fhir/Bundle/${document}`)).status).toBe(403)
    await patient.revoke(denied.body.id)
    expect((await network.ask('dr.chen', `/fhir/Bundle/${document}`)).status).toBe(200)
  })

  test('a permit for one type of document shows no other, in a search too', async () => {
    patient = await newPatient(network)
    const laboratory = await newDocument(network, patient.handle, 'north', { code: '11502-2' })
    const imaging = await newDocument(network, patient.handle, 'north', { code: '18748-4' })
    await patient.grant({
      type: 'permit',
      actor: [organisation('south')],
      code: [{ coding: [{ system: 'http://loinc.org', code: '11502-2' }] }],
    })
    expect((await network.ask('dr.chen', `/fhir/Bundle/${laboratory}`)).status).toBe(200)
    expect((await network.ask('dr.chen', `/fhir/Bundle/${imaging}`)).status).toBe(403)
    const { body } = await network.ask('dr.chen', `/fhir/DocumentReference?patient=${patient.handle}`)
    const found = body.entry.filter(({ search }: { search: { mode: string } }) => search.mode === 'match')
    expect(found.map(({ resource }: { resource: { id: string } }) => resource.id)).toEqual([laboratory])
  })

  test('a permit holds for its purpose and within its period only', async () => {
    patient = await newPatient(network)
    const document = await newDocument(network, patient.handle, 'north')
    const purpose = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'HRESCH' }]
    await patient.grant({ type: 'permit', actor: [organisation('south')], purpose })
    await patient.grant({ type: 'permit', actor: [organisation('south')], period: { end: '2020-12-31' } })
    const read = (code: string): Promise<Answer> =>
      network.ask('dr.chen', `/fhir/Bundle/${document}`, { headers: { 'x-purpose-of-use': code } })
    expect((await read('TREAT')).status).toBe(403)
    expect((await read('HRESCH')).status).toBe(200)
  })

  test('a consent for one custodian opens nothing at another', async () => {
    patient = await newPatient(network)
    const [north, south] = await Promise.all(
      ['north', 'south'].map((custodian) => newDocument(network, patient.handle, custodian)),
    )
    const granted = await patient.grant(
      {
        type: 'permit',
        actor: [{ reference: { identifier: { system: 'urn:medledger:role', value: 'doctor' } } }],
      },
      ['south'],
    )
    expect(granted.entries).toHaveLength(1)
    expect((await network.ask('dr.okafor', `/fhir/Bundle/${south}`)).status).toBe(200)
    expect((await network.ask('dr.chen', `/fhir/Bundle/${north}`)).status).toBe(403)
  })

  test('the author reaches her own document, unless the patient denies', async () => {
    patient = await newPatient(network)
    const author = network.person('dr.okafor').handle
    const document = await newDocument(network, patient.handle, 'north', { author })
    expect((await network.ask('dr.okafor', `/fhir/Bundle/${document}`)).status).toBe(200)
    await patient.grant({ type: 'deny', actor: [person(author)] })
    expect((await network.ask('dr.okafor', `/fhir/Bundle/${document}`)).status).toBe(403)
  })

  test('a patient may revoke through any organisation', async () => {
    patient = await newPatient(network)
    const granted = await patient.grant({ type: 'permit', actor: [organisation('south')] })
    const revoked = await patient.ask(`/fhir/Consent/${granted.body.id}`, {
      at: 'south',
      method: 'PUT',
      body: { ...granted.body, status: 'inactive' },
    })
    expect(revoked.status).toBe(200)
    const { body } = await patient.ask(`/fhir/Consent?patient=${patient.handle}`)
    expect(body.entry[0].resource).toMatchObject({ id: granted.body.id, status: 'inactive' })
  })
})

describe('restricted, absent and unknown', () => {
  test('look alike in status, headers and body', async () => {
    patient = await newPatient(network)
    const restricted = await newDocument(network, patient.handle, 'north')
    const answers = await Promise.all(
      [restricted, `north-${randomId()}`].map((id) => network.ask('dr.chen', `/fhir/Bundle/${id}`)),
    )
    const seen = answers.map(({ status, body, headers }) => ({
      status,
      body,
      headers: [...headers].filter(([name]) => !['date', 'x-request-id', 'x-medledger-entry'].includes(name)),
    }))
    expect(seen[0]).toEqual(seen[1])
    expect(seen[0]?.status).toBe(403)
  })
})

import { describe, expect, test } from 'vitest'
import { randomId, type FieldsOf } from 'medledger-chaincode/api'
import { claimsFor, signClaims } from '../../support/ledger-tokens.ts'
import {
  demoWorld,
  emptyWorld,
  issuerNameOf,
  operatorOf,
  people,
  type Submitter,
  type World,
} from '../../support/ledger-world.ts'

const north = operatorOf('north')
const authority = operatorOf('authority')

const doctor = (more: Partial<FieldsOf<'RegisterPerson'>> = {}): FieldsOf<'RegisterPerson'> => ({
  person: randomId(),
  issuer: issuerNameOf('north'),
  subject: 'dr.new',
  name: 'New',
  role: 'doctor',
  ...more,
})
const patient = (more: Partial<FieldsOf<'RegisterPatient'>> = {}): FieldsOf<'RegisterPatient'> => ({
  patient: randomId(),
  issuer: issuerNameOf('authority'),
  subject: 'new',
  ...more,
})

/** Somebody of North with a token of this role. */
async function tokenOf(world: World, subject: string, role: string): Promise<Submitter> {
  const issuer = world.issuers.get('north')
  if (issuer === undefined) throw new RangeError('north has no issuer')
  const claims = claimsFor(subject, { role, audience: 'urn:medledger:gateway:north', now: world.now })
  return { organisation: 'north', attribute: 'gateway', token: await signClaims(issuer, claims) }
}
const whoAmI = async (world: World, submitter: Submitter) => world.evaluate('ReadCaller', {}, submitter)

describe('a person', () => {
  test('is known once registered', async () => {
    const world = await demoWorld()
    const fields = doctor()
    await world.submit('RegisterPerson', fields, north)
    const expected = { id: fields.person, role: 'doctor', organisation: 'north' }
    expect(await whoAmI(world, await tokenOf(world, 'dr.new', 'doctor'))).toEqual(expected)
  })

  test('is registered by an operator with a token as well', async () => {
    const world = await demoWorld()
    await world.submit('RegisterPerson', doctor(), await world.as('operator.north'))
    await expect(whoAmI(world, await tokenOf(world, 'dr.new', 'doctor'))).resolves.toBeDefined()
  })

  test('may be given a new role, and the old one is gone', async () => {
    const world = await demoWorld()
    const fields = doctor()
    await world.submit('RegisterPerson', fields, north)
    await world.submit('RegisterPerson', { ...fields, role: 'custodian' }, north)
    const asCustodian = await tokenOf(world, 'dr.new', 'custodian')
    expect(await whoAmI(world, asCustodian)).toMatchObject({ id: fields.person, role: 'custodian' })
    const asDoctor = whoAmI(world, await tokenOf(world, 'dr.new', 'doctor'))
    await expect(asDoctor).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })

  test('who is deactivated is refused until registered anew', async () => {
    const world = await demoWorld()
    const fields = doctor()
    await world.submit('RegisterPerson', fields, north)
    await world.submit('DeactivatePerson', { person: fields.person }, north)
    const asked = await tokenOf(world, 'dr.new', 'doctor')
    await expect(whoAmI(world, asked)).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await world.submit('RegisterPerson', fields, north)
    await expect(whoAmI(world, asked)).resolves.toBeDefined()
  })

  test.each([
    ['of another organisation’s issuer', doctor({ issuer: issuerNameOf('south') }), 'FORBIDDEN'],
    ['of an issuer nobody knows', doctor({ issuer: 'urn:x' }), 'FORBIDDEN'],
    ['in a role that the issuer may not assert', doctor({ role: 'auditor' }), 'FORBIDDEN'],
    ['as a patient', doctor({ role: 'patient' }), 'INVALID_REQUEST'],
    ['under the handle of another one', doctor({ person: people['dr.okafor'].handle }), 'CONFLICT'],
    ['under a handle of South', doctor({ person: people['dr.chen'].handle }), 'CONFLICT'],
    ['with the subject of another one', doctor({ subject: 'dr.okafor' }), 'CONFLICT'],
    [
      'with the subject of one and the handle of another',
      doctor({ subject: 'dr.okafor', person: people['records.north'].handle }),
      'CONFLICT',
    ],
  ])('is not registered %s', async (_how, fields, code) => {
    const world = await demoWorld()
    await expect(world.submit('RegisterPerson', fields, north)).rejects.toMatchObject({ code })
  })

  test('is not registered by the Authority as one of North', async () => {
    const world = await demoWorld()
    const registered = world.submit('RegisterPerson', doctor(), authority)
    await expect(registered).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })

  test.each([
    ['of another organisation', people['dr.chen'].handle],
    ['whom nobody knows', randomId()],
    ['who is a patient', people.maria.handle],
  ])('%s is not deactivated', async (_who, person) => {
    const world = await demoWorld()
    const deactivated = world.submit('DeactivatePerson', { person }, north)
    await expect(deactivated).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('needs a token that asserts the registered role, by an issuer of her organisation', async () => {
    const world = await demoWorld()
    const asked = whoAmI(world, await tokenOf(world, 'dr.okafor', 'operator'))
    await expect(asked).rejects.toMatchObject({ code: 'FORBIDDEN' })
    // The subject is known to another issuer only: the same name at North is somebody else.
    const foreign = whoAmI(world, await tokenOf(world, 'dr.chen', 'doctor'))
    await expect(foreign).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })
})

describe('a patient', () => {
  test('is registered by the Authority and found by a custodian', async () => {
    const world = await demoWorld()
    const fields = patient()
    await world.submit('RegisterPatient', fields, authority)
    const custodian = await world.as('records.north')
    expect(await world.evaluate('ReadPatient', { patient: fields.patient }, custodian)).toEqual({
      ...fields,
      organisation: 'authority',
      status: 'active',
      version: 1,
    })
    const unknown = world.evaluate('ReadPatient', { patient: randomId() }, custodian)
    await expect(unknown).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test.each([
    ['by North', patient(), north, 'FORBIDDEN'],
    ['by North with its own issuer', patient({ issuer: issuerNameOf('north') }), north, 'FORBIDDEN'],
    [
      'by the Authority with North’s issuer',
      patient({ issuer: issuerNameOf('north') }),
      authority,
      'FORBIDDEN',
    ],
    ['under a handle that is taken', patient({ patient: people.maria.handle }), authority, 'CONFLICT'],
    ['with a subject that is taken', patient({ subject: 'maria' }), authority, 'CONFLICT'],
    ['with the subject of staff', patient({ subject: 'auditor.lee' }), authority, 'CONFLICT'],
    ['under a handle of staff', patient({ patient: people['auditor.lee'].handle }), authority, 'CONFLICT'],
  ])('is not registered %s', async (_how, fields, submitter, code) => {
    const world = await demoWorld()
    await expect(world.submit('RegisterPatient', fields, submitter)).rejects.toMatchObject({ code })
  })

  test('does not become staff', async () => {
    const world = await demoWorld()
    const auditor = { issuer: issuerNameOf('authority'), role: 'auditor' } as const
    for (const more of [
      { subject: 'maria', person: people.maria.handle },
      { subject: 'maria', person: randomId() },
      { subject: 'somebody', person: people.maria.handle },
    ]) {
      const registered = world.submit('RegisterPerson', doctor({ ...auditor, ...more }), authority)
      await expect(registered).rejects.toMatchObject({ code: 'CONFLICT' })
    }
  })
})

test('before the registry is opened nobody is registered', async () => {
  const world = await emptyWorld()
  const notReady = { code: 'NOT_READY' }
  await expect(world.submit('RegisterPerson', doctor(), north)).rejects.toMatchObject(notReady)
  await expect(world.submit('RegisterPatient', patient(), authority)).rejects.toMatchObject(notReady)
})

import { describe, expect, test } from 'vitest'
import {
  isTransactionName,
  randomId,
  transactions,
  type FieldsOf,
  type TransactionName,
} from 'medledger-chaincode/api'
import { handlers } from '../../../chaincode/src/handlers/index.ts'
import { accessTo, consentOf, registrationOf, signingKey } from '../../support/ledger-samples.ts'
import {
  demoWorld,
  gatewayOf,
  issuerNameOf,
  openWorld,
  operatorOf,
  people,
  type Submitter,
  type User,
  type World,
} from '../../support/ledger-world.ts'

const id = randomId()
const issuer = issuerNameOf('north')
const patient = people.maria.handle
const names = Object.keys(transactions).filter(isTransactionName)

/** A well-formed request of every transaction. */
const samples: { readonly [N in TransactionName]: FieldsOf<N> } = {
  OpenPlacement: { placement: 'north', secret: id + id },
  AddIssuerKey: { issuer, kid: 'k', key: signingKey },
  RevokeIssuerKey: { issuer, kid: 'north-1' },
  RegisterPatient: { patient: id, issuer, subject: 's' },
  RegisterPerson: { person: id, issuer, subject: 's', name: 'n', role: 'doctor' },
  DeactivatePerson: { person: people['dr.okafor'].handle },
  GrantConsent: { custodian: 'north', patient, consent: id, directive: consentOf() },
  RevokeConsent: { custodian: 'north', patient, consent: id },
  RegisterDocuments: { custodian: 'north', patient, documents: [registrationOf('north')] },
  RequestAccess: accessTo([`north-${id}`]),
  RecordReading: { custodian: 'north', patient, readingOf: 'DocumentReference', purpose: 'TREAT' },
  RecordRelease: { custodian: 'north', through: 'south', access: id, documents: [`north-${id}`] },
  CancelRequest: { custodian: 'north', book: 'access', cancels: id },
  ReadCaller: {},
  ReadPatient: { patient },
  ReadIssuerKey: { issuer, kid: 'north-1' },
  ReadRequest: { custodian: 'north', book: 'access', entry: id },
  ReviewAccess: { custodian: 'north', through: 'south', entry: id },
  ListDocuments: { custodian: 'north', entry: id },
  ListConsents: { custodian: 'north', entry: id },
  ReadGrant: { custodian: 'north', entry: id },
  ListEntries: { custodian: 'north', entry: id, book: 'access' },
  ReplayEntries: { custodian: 'north' },
  ExplainEntry: { custodian: 'north', entry: id, of: { through: 'south', entry: id } },
  SimulateDecision: { custodian: 'north', entry: id, who: { role: 'doctor' }, purpose: 'TREAT' },
}

const somebody: Readonly<Record<string, User>> = {
  doctor: 'dr.okafor',
  patient: 'maria',
  auditor: 'auditor.lee',
  custodian: 'records.north',
  operator: 'operator.north',
}

/** Somebody, or some organisation, of every kind of caller. */
function callerOf(world: World, caller: string): Promise<Submitter> {
  const user = somebody[caller]
  if (user !== undefined) return world.as(user)
  return Promise.resolve(caller === 'gateway-certificate' ? gatewayOf('north') : operatorOf('north'))
}
const callers = [...Object.keys(somebody), 'gateway-certificate', 'operator-certificate']

const notYours =
  /^(The role [a-z]+ may not do this\.|This certificate may not do this; a token is missing, perhaps\.)$/

/** Whether the caller was turned away as such, and not for what the request says. */
async function isTurnedAway(name: TransactionName, submitter: Submitter, world: World): Promise<boolean> {
  try {
    await world.endorse(name, samples[name], submitter)
    return false
  } catch (error) {
    return error instanceof Error && notYours.test(error.message)
  }
}

describe('who may call is what the table says', () => {
  const cases = names.flatMap((name) => callers.map((caller) => [name, caller] as const))
  test.each(cases)('%s by %s', async (name, caller) => {
    const world = await demoWorld()
    const allowed = (transactions[name].callers as readonly string[]).includes(caller)
    expect(await isTurnedAway(name, await callerOf(world, caller), world)).toBe(!allowed)
  })

  test('every transaction has a handler, and no handler is without one', () => {
    expect(Object.keys(handlers).sort()).toEqual([...names].sort())
  })
})

describe('nobody acts', () => {
  const asks = { name: 'ReadCaller', fields: {} } as const
  const whoAmI = (world: World, submitter: Submitter): Promise<unknown> =>
    world.evaluate(asks.name, asks.fields, submitter)
  const forbidden = expect.objectContaining({ code: 'FORBIDDEN' }) as Error
  const invalidToken = expect.objectContaining({ code: 'INVALID_TOKEN' }) as Error

  test('but with her own registration', async () => {
    const world = await demoWorld()
    const { handle, role, organisation } = people['dr.chen']
    expect(await whoAmI(world, await world.as('dr.chen'))).toEqual({ id: handle, role, organisation })
  })

  test.each([null, 'operator', 'admin', 'gateway ', 'Gateway'])(
    'with a token through a certificate whose role is %j',
    async (attribute) => {
      const world = await demoWorld()
      const submitter = { ...(await world.as('dr.chen')), attribute }
      await expect(whoAmI(world, submitter)).rejects.toThrow(forbidden)
    },
  )

  test.each([null, 'admin', 'gateway-certificate', 'doctor'])(
    'without a token through a certificate whose role is %j',
    async (attribute) => {
      const world = await demoWorld()
      for (const name of names) {
        const submitter = { organisation: 'north', attribute }
        expect(await isTurnedAway(name, submitter, world)).toBe(true)
      }
    },
  )

  test('with a token that another organisation’s gateway has seen', async () => {
    const world = await demoWorld()
    for (const user of ['dr.chen', 'maria'] as const) {
      const stolen = { ...(await world.as(user)), organisation: 'north' }
      await expect(whoAmI(world, stolen)).rejects.toThrow(invalidToken)
    }
  })

  test('as staff through the gateway of another organisation', async () => {
    const world = await demoWorld()
    for (const user of ['dr.chen', 'records.south'] as const) {
      await expect(whoAmI(world, await world.as(user, { through: 'north' }))).rejects.toThrow(forbidden)
    }
    for (const user of ['maria', 'auditor.lee'] as const) {
      await expect(whoAmI(world, await world.as(user, { through: 'north' }))).resolves.toBeDefined()
    }
  })

  test('with a token that is malformed, empty or not even text', async () => {
    const world = await demoWorld()
    for (const token of ['', 'a.b.c', '\uFFFD'.repeat(90)]) {
      await expect(whoAmI(world, { ...gatewayOf('south'), token })).rejects.toThrow(invalidToken)
    }
  })

  test('once the signing key is revoked', async () => {
    const world = await demoWorld()
    const doctor = await world.as('dr.chen')
    const south = issuerNameOf('south')
    await world.submit('RevokeIssuerKey', { issuer: south, kid: 'south-1' }, operatorOf('south'))
    await expect(whoAmI(world, doctor)).rejects.toThrow(invalidToken)
  })

  test('once she is deactivated', async () => {
    const world = await demoWorld()
    const doctor = await world.as('dr.okafor')
    await world.submit('DeactivatePerson', { person: people['dr.okafor'].handle }, operatorOf('north'))
    await expect(whoAmI(world, doctor)).rejects.toThrow(forbidden)
  })

  test.each([
    ['her issuer may no longer assert her role', { roles: ['operator' as const] }],
    ['her issuer is run by another organisation', { organisation: 'north' }],
    ['her issuer has another name', { issuer: 'urn:x' }],
  ])('once the constitution says that %s', async (_what, change) => {
    const { constitution, ...world } = await demoWorld()
    const issuers = constitution.issuers.map((known) =>
      known.organisation === 'south' ? { ...known, ...change } : known,
    )
    const changed = openWorld({ ...world, constitution: { ...constitution, issuers } })
    const asked = whoAmI(changed, await changed.as('dr.chen'))
    await expect(asked).rejects.toThrow('issuer' in change ? invalidToken : forbidden)
  })
})

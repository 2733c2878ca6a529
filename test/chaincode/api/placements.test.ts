import { describe, expect, test } from 'vitest'
import {
  collectionsOf,
  complete,
  custodianOf,
  endorsersOf,
  holdersOf,
  majority,
  organisationNamed,
  placementOf,
  randomId,
  type FieldsOf,
  type SubmitName,
} from 'medledger-chaincode/api'
import { demoTopology, narrowTopology } from '../../../scripts/network/topology.ts'
import { accessTo, consentOf, registrationOf, signingKey } from '../../support/ledger-samples.ts'
import { issuerNameOf } from '../../support/ledger-world.ts'

const { constitution } = demoTopology()
const { constitution: narrow } = narrowTopology()
const everyone = ['north', 'south', 'authority']
const id = randomId()
const issuer = issuerNameOf('north')
const secret = randomId() + randomId()
const invalid = expect.objectContaining({ code: 'INVALID_REQUEST' }) as Error

const byMajority = { required: [], among: everyone, count: 2 }
/** Any two members, the custodian only if the others do not suffice. */
const anyTwo = { required: [], among: everyone, count: 2, last: 'north' }
const custodianAndOne = { required: ['north'], among: everyone, count: 2 }

/** A request of every transaction, about North. */
const samples: { readonly [N in SubmitName]: FieldsOf<N> } = {
  OpenPlacement: { placement: 'north', secret },
  AddIssuerKey: { issuer, kid: 'k', key: signingKey },
  RevokeIssuerKey: { issuer, kid: 'k' },
  RegisterPatient: { patient: id, issuer, subject: 's' },
  RegisterPerson: { person: id, issuer, subject: 's', name: 'n', role: 'doctor' },
  DeactivatePerson: { person: id },
  GrantConsent: { custodian: 'north', patient: id, consent: id, directive: consentOf() },
  RevokeConsent: { custodian: 'north', patient: id, consent: id },
  RegisterDocuments: { custodian: 'north', patient: id, documents: [registrationOf('north')] },
  RequestAccess: accessTo([`north-${id}`]),
  RecordReading: { custodian: 'north', patient: id, readingOf: 'DocumentReference', purpose: 'TREAT' },
  RecordRelease: { custodian: 'north', through: 'south', access: id, documents: [`north-${id}`] },
  CancelRequest: { custodian: 'north', book: 'access', cancels: id },
}

const endorsersIn = (
  name: SubmitName,
  more: Readonly<Record<string, unknown>> = {},
  of = constitution,
): ReturnType<typeof endorsersOf> =>
  endorsersOf(of, name, { ...samples[name], ...more, request: id, salt: id })

describe('who must endorse', () => {
  test.each([
    ['AddIssuerKey', byMajority],
    ['RevokeIssuerKey', byMajority],
    ['RegisterPatient', byMajority],
    ['RegisterPerson', byMajority],
    ['DeactivatePerson', byMajority],
    ['OpenPlacement', anyTwo],
    ['GrantConsent', anyTwo],
    ['RevokeConsent', anyTwo],
    ['RegisterDocuments', anyTwo],
    ['RequestAccess', custodianAndOne],
    ['RecordRelease', custodianAndOne],
    ['RecordReading', custodianAndOne],
    ['CancelRequest', custodianAndOne],
  ] as const)('%s', (name, expected) => {
    expect(endorsersIn(name)).toEqual(expected)
  })

  test('no custodian can hold back a look at the log or at consents, nor the cancellation of a revocation', () => {
    expect(endorsersIn('RecordReading', { readingOf: 'AuditEvent' })).toEqual(anyTwo)
    expect(endorsersIn('RecordReading', { readingOf: 'Consent' })).toEqual(anyTwo)
    expect(endorsersIn('CancelRequest', { book: 'consent' })).toEqual(anyTwo)
  })

  test('the registry is opened by a majority', () => {
    expect(endorsersIn('OpenPlacement', { placement: 'registry' })).toEqual(byMajority)
  })

  test('an organisation that is no member never endorses', () => {
    const members = ['north', 'authority']
    expect(endorsersIn('RequestAccess', {}, narrow)).toEqual({ ...custodianAndOne, among: members })
    expect(endorsersIn('GrantConsent', {}, narrow)).toEqual({ ...anyTwo, among: members })
    expect(endorsersIn('RegisterPerson', {}, narrow)).toEqual(byMajority)
  })

  test.each(['RequestAccess', 'GrantConsent', 'RecordReading', 'CancelRequest'] as const)(
    '%s at a custodian without a placement is refused',
    (name) => {
      expect(() => endorsersIn(name, { custodian: 'authority' })).toThrow(invalid)
    },
  )

  test('a placement that the constitution does not know cannot be opened', () => {
    expect(() => endorsersIn('OpenPlacement', { placement: 'authority' })).toThrow(invalid)
  })
})

describe('collections', () => {
  test('are the registry and two for every placement, each with its members', () => {
    expect(collectionsOf(narrow).map(({ name, members }) => [name, members])).toEqual([
      ['registry', everyone],
      ['consent-north', ['north', 'authority']],
      ['access-north', ['north', 'authority']],
      ['consent-south', everyone],
      ['access-south', everyone],
    ])
  })

  test('every policy can be met by the members, and never by one alone', () => {
    for (const { members, endorsers } of [...collectionsOf(constitution), ...collectionsOf(narrow)]) {
      expect(endorsers.count).toBeGreaterThan(1)
      expect(endorsers.count).toBeLessThanOrEqual(endorsers.among.length)
      expect(members).toEqual(expect.arrayContaining([...endorsers.required, ...endorsers.among]))
    }
  })
})

test('a query is answered by who holds what it reads', () => {
  const reading = complete<'ListEntries'>({ custodian: 'north', entry: id, book: 'access' })
  expect(holdersOf<'ListEntries'>(narrow, reading)).toEqual(['north', 'authority'])
  expect(holdersOf<'ReadCaller'>(narrow, complete<'ReadCaller'>({}))).toEqual(everyone)
})

test.each([
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 3],
  [5, 3],
])('of %i organisations %i are a majority', (organisations, count) => {
  expect(majority(organisations)).toBe(count)
})

test('a document names its custodian, whatever the custodian is called', () => {
  expect(custodianOf(`north-${id}`)).toBe('north')
})

test('what the constitution does not know is refused', () => {
  expect(() => placementOf(constitution, 'authority')).toThrow(invalid)
  expect(() => organisationNamed(constitution, 'west')).toThrow(invalid)
})

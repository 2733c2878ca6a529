import { describe, expect, test } from 'vitest'
import { decideCase, InvalidCase, type CaseDecision } from 'medledger-chaincode/core'
import { r4 } from '../../support/core-consents.ts'

type Json = Record<string, unknown>

const request = {
  patient: 'Patient/maria',
  actors: [{ reference: 'Practitioner/chen' }],
  purpose: ['TREAT'],
  at: '2026-03-29T12:00:00Z',
}
const condition = { resourceType: 'Condition', id: 'c', subject: { reference: 'Patient/maria' } }
const whole = {
  consents: [{ ...r4, id: 'c1', provision: { type: 'permit' } }],
  request,
  records: [condition],
  defaultPolicy: 'deny',
}

const decided = (more: Json = {}): CaseDecision => decideCase({ ...whole, ...more })
const asked = (more: Json, rest: Json = {}): string =>
  decided({ request: { ...request, ...more }, ...rest }).outcome
const permitFor = (actor: Json): Json => ({
  consents: [{ ...r4, provision: { type: 'permit', actor: [actor] } }],
})

/** What is wrong with a case. Errors: an Error when nothing is. */
function fault(input: unknown): string {
  try {
    decideCase(input)
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidCase)
    expect(error).toMatchObject({ name: 'InvalidCase', code: 'INVALID_REQUEST' })
    return (error as Error).message
  }
  throw new Error('nothing is wrong with this case')
}

describe('a case is answered', () => {
  test('with all that it asks for, in order, and nothing else', () => {
    const decision = decided({ id: 'x', more: 1 })
    expect(decision).toStrictEqual({
      id: 'x',
      outcome: 'permit',
      basis: 'consent',
      basedOn: ['c1'],
      rule: 'deny-overrides',
      residual: [],
      records: [{ id: 'Condition/c', outcome: 'permit' }],
      trace: [
        { note: 'applies', consent: 'c1', purpose: 'TREAT' },
        { note: 'record', record: 'Condition/c', outcome: 'permit', because: 'consent', basedOn: ['c1'] },
      ],
    })
    expect(Object.keys(decision)).toEqual([
      'id',
      'outcome',
      'basis',
      'basedOn',
      'rule',
      'residual',
      'records',
      'trace',
    ])
  })

  test('without an id when it has none that is a text', () => {
    expect(decided()).not.toHaveProperty('id')
    expect(decided({ id: 5 })).not.toHaveProperty('id')
  })

  test('with what remains in FHIR’s terms', () => {
    const consents = [{ ...r4, id: 'c1', provision: { type: 'permit', class: [{ code: 'Condition' }] } }]
    expect(decided({ consents }).residual).toEqual([
      { type: 'deny' },
      {
        type: 'permit',
        consent: 'c1',
        class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Condition' }],
      },
    ])
  })

  test('with the consents that take no part', () => {
    const { id: _id, ...unnamed } = { ...r4, id: '' }
    const consents = [
      { ...unnamed, status: 'draft' },
      {
        ...r4,
        id: 'b',
        scope: {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'research' }],
        },
      },
      { ...r4, id: 'c', patient: { reference: 'Patient/tomas' } },
      { ...unnamed, provision: { type: 'permit' } },
    ]
    const { basedOn, trace } = decided({ consents, records: [] })
    expect(basedOn).toEqual(['#3'])
    expect(trace).toEqual([
      { note: 'ignored', consent: '#0', because: 'not-active' },
      { note: 'ignored', consent: 'b', because: 'other-scope' },
      { note: 'ignored', consent: 'c', because: 'other-patient' },
      { note: 'applies', consent: '#3', purpose: 'TREAT' },
    ])
  })

  test('under the conflict rule and the default policy that it names', () => {
    expect(decided({ combining: 'newest-wins' }).rule).toBe('newest-wins')
    expect(decided({ consents: [], defaultPolicy: 'all-normal' })).toMatchObject({
      outcome: 'permit',
      basis: 'default-policy',
    })
    const consents = [
      { ...r4, dateTime: '2025', provision: { type: 'deny' } },
      { ...r4, dateTime: '2026', provision: { type: 'permit' } },
    ]
    expect(decided({ consents, combining: 'newest-wins' }).outcome).toBe('permit')
    expect(decided({ consents }).outcome).toBe('deny')
  })
})

describe('the request', () => {
  test('is by whoever is among the actors, by reference or identifier', () => {
    const gln = { system: 'urn:gln', value: '1' }
    const byReference = permitFor({ reference: { reference: 'Organization/south' } })
    const byIdentifier = permitFor({ reference: { identifier: gln } })
    expect(asked({}, byReference)).toBe('deny')
    expect(
      asked({ actors: [...request.actors, { reference: 'https://x/Organization/south' }] }, byReference),
    ).toBe('permit')
    expect(asked({ actors: [...request.actors, gln] }, byIdentifier)).toBe('permit')
    expect(asked({ actors: [] }, byIdentifier)).toBe('deny')
    expect(asked({ actors: ['Organization/south'] }, byReference)).toBe('permit')
  })

  test('is by all whom the directory adds', () => {
    const directory = [
      { resourceType: 'Group', id: 'g', member: [{ entity: { reference: 'Practitioner/chen' } }] },
    ]
    const forGroup = permitFor({ reference: { reference: 'Group/g' } })
    expect(asked({}, forGroup)).toBe('deny')
    expect(asked({}, { ...forGroup, directory })).toBe('permit')
    const denied = {
      consents: [
        ...whole.consents,
        { ...r4, provision: { type: 'deny', actor: [{ reference: { reference: 'Group/g' } }] } },
      ],
    }
    expect(asked({ actors: [{ reference: 'Practitioner/x' }] }, denied)).toBe('deny')
    expect(asked({ actors: [{ reference: 'Practitioner/x' }] }, { ...denied, directory })).toBe('permit')
  })

  test('is by one role, if it names one', () => {
    const doctors = permitFor({ role: { coding: [{ code: 'doctor' }] } })
    expect([
      asked({}, doctors),
      asked({ role: 'doctor' }, doctors),
      asked({ role: 'nurse' }, doctors),
    ]).toEqual(['deny', 'permit', 'deny'])
  })

  test('is about a patient by reference or identifier', () => {
    const ahv = { system: 'urn:ahv', value: '756.1' }
    expect(asked({ patient: { reference: 'Patient/maria' } })).toBe('permit')
    expect(asked({ patient: 'Patient/tomas' })).toBe('deny')
    const consents = [{ ...r4, patient: { identifier: ahv }, provision: { type: 'permit' } }]
    expect(asked({ patient: ahv }, { consents, records: [] })).toBe('permit')
    expect(asked({ patient: 'Patient/maria' }, { consents, records: [] })).toBe('deny')
    const directory = [{ resourceType: 'Patient', id: 'maria', identifier: [ahv] }]
    expect(asked({ patient: 'Patient/maria' }, { consents, directory, records: [] })).toBe('permit')
  })

  test('is to access unless it says another action', () => {
    const consents = [{ ...r4, provision: { type: 'permit', action: [{ coding: [{ code: 'access' }] }] } }]
    expect([
      asked({}, { consents }),
      asked({ action: 'access' }, { consents }),
      asked({ action: 'use' }, { consents }),
    ]).toEqual(['permit', 'permit', 'deny'])
  })

  test('is for a class if it says one', () => {
    const consents = [{ ...r4, provision: { type: 'permit', class: [{ code: 'Condition' }] } }]
    expect([
      asked({}, { consents }),
      asked({ class: 'Condition' }, { consents }),
      asked({ class: 'Observation' }, { consents }),
    ]).toEqual(['permit', 'permit', 'deny'])
  })

  test('is for purposes of v3-ActReason, or of another system', () => {
    const actReason = 'http://terminology.hl7.org/CodeSystem/v3-ActReason'
    const purposes = (system: string, code: string): Json => ({
      consents: [{ ...r4, provision: { type: 'permit', purpose: [{ system, code }] } }],
    })
    for (const purpose of ['COC', { code: 'COC' }, { system: actReason, code: 'COC' }])
      expect(asked({ purpose: [purpose] }, purposes(actReason, 'TREAT'))).toBe('permit')
    expect(asked({ purpose: [{ system: 'urn:x', code: 'a' }] }, purposes('urn:x', 'a'))).toBe('permit')
    expect(asked({ purpose: [{ system: 'urn:x', code: 'TREAT' }] }, purposes(actReason, 'TREAT'))).toBe(
      'deny',
    )
  })

  test('is at an instant', () => {
    const consents = [{ ...r4, provision: { type: 'permit', period: { end: '2026-03-29' } } }]
    expect(asked({ at: '2026-03-29T23:59:59.999Z' }, { consents })).toBe('permit')
    expect(asked({ at: '2026-03-30T00:00:00Z' }, { consents })).toBe('deny')
    expect(asked({ at: '2026-03-30T01:00:00+02:00' }, { consents })).toBe('permit')
  })
})

describe('what is no case is refused', () => {
  test.each([[null], [undefined], [[]], ['x'], [5]])('%j', (input) =>
    expect(fault(input)).toBe('A case is a JSON object.'),
  )

  test.each<[string, Json, string]>([
    ['no consents', { consents: undefined }, 'consents is missing or not a list.'],
    ['consents that are no list', { consents: {} }, 'consents is missing or not a list.'],
    [
      'a consent that is none',
      { consents: [r4, { resourceType: 'Contract' }] },
      'consents[1] is not a FHIR resource of this kind.',
    ],
    ['a consent that is null', { consents: [null] }, 'consents[0] is not a FHIR resource of this kind.'],
    ['no records', { records: undefined }, 'records is missing or not a list.'],
    [
      'a record without a type',
      { records: [condition, { id: 'x' }] },
      'records[1] is not a FHIR resource of this kind.',
    ],
    ['a record that is a text', { records: ['x'] }, 'records[0] is not a FHIR resource of this kind.'],
    ['a directory that is no list', { directory: {} }, 'directory is missing or not a list.'],
    [
      'something in the directory without a type',
      { directory: [{}] },
      'directory[0] is not a FHIR resource of this kind.',
    ],
    ['no request', { request: undefined }, 'request is missing or not an object.'],
    ['a request that is a list', { request: [] }, 'request is missing or not an object.'],
    [
      'no default policy',
      { defaultPolicy: undefined },
      'defaultPolicy must be one of deny, basic-normal, all-normal, break-glass-only.',
    ],
    [
      'another default policy',
      { defaultPolicy: 'open' },
      'defaultPolicy must be one of deny, basic-normal, all-normal, break-glass-only.',
    ],
    [
      'another conflict rule',
      { combining: 'permit-overrides' },
      'combining must be one of deny-overrides, newest-wins.',
    ],
    [
      'nine levels',
      { consents: [r4, { ...r4, provision: nested(9) }] },
      'consents[1] has too many provisions.',
    ],
  ])('%s', (_what, more, expected) => expect(fault({ ...whole, ...more })).toBe(expected))

  const patient = 'request.patient must be "Patient/id" or { system, value }.'
  const actors = 'request.actors must be a list of { reference } or { system, value }.'
  const purpose = 'request.purpose must be a list of one or more codes.'
  const at = 'request.at must be an instant with seconds and an offset.'
  test.each<[Json, string]>([
    [{ patient: undefined }, patient],
    [{ patient: 'maria' }, patient],
    [{ patient: { system: 'urn:ahv' } }, patient],
    [{ actors: undefined }, actors],
    [{ actors: { reference: 'Practitioner/chen' } }, actors],
    [{ actors: [{ reference: 'Practitioner/chen' }, {}] }, actors],
    [{ actors: [null] }, actors],
    [{ purpose: undefined }, purpose],
    [{ purpose: 'TREAT' }, purpose],
    [{ purpose: [] }, purpose],
    [{ purpose: ['TREAT', ''] }, purpose],
    [{ purpose: ['urn:x|a'] }, purpose],
    [{ purpose: [{ system: 'urn:x' }] }, purpose],
    [{ at: undefined }, at],
    [{ at: 5 }, at],
    [{ at: '2026-03-29' }, at],
    [{ at: '2026-03-29T12:00:00' }, at],
    [{ at: '2026-03-29T12:00Z' }, at],
    [{ at: '2026-02-30T12:00:00Z' }, at],
    [{ at: ' 2026-03-29T12:00:00Z' }, at],
    [{ at: '2026-03-29T12:00:00Zx' }, at],
    [{ at: '2026-03-29T12:00:00.1234567890Z' }, at],
    [{ role: 5 }, 'request.role must be a code.'],
    [{ action: null }, 'request.action must be a code.'],
    [{ class: [] }, 'request.class must be a code.'],
  ])('a request with %j', (more, expected) =>
    expect(fault({ ...whole, request: { ...request, ...more } })).toBe(expected),
  )

  test.each(['2026-03-29T12:00:00.5Z', '2026-03-29T12:00:00.123456789+01:00'])(
    'but not one at %s',
    (instant) => expect(asked({ at: instant })).toBe('permit'),
  )

  test('with all that is wrong with it, five things at the most', () => {
    expect(fault({})).toBe(
      [
        'consents is missing or not a list',
        'records is missing or not a list',
        'request is missing or not an object',
        'defaultPolicy must be one of deny, basic-normal, all-normal, break-glass-only.',
      ].join('; '),
    )
    expect(fault({ request: {}, combining: 'x' }).split('; ')).toHaveLength(5)
  })
})

/** Provisions within each other. */
function nested(depth: number): Json {
  return depth === 1 ? { type: 'deny' } : { type: 'deny', provision: [nested(depth - 1)] }
}

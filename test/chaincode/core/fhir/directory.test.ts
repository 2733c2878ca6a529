import { describe, expect, test } from 'vitest'
import { readDirectory } from '../../../../chaincode/src/core/fhir/directory.ts'
import { patientMatcher } from '../../../../chaincode/src/core/fhir/patient.ts'

type Json = Record<string, unknown>

const reference = (to: string): Json => ({ reference: to })
const identifier = (value: string): Json => ({ system: 'urn:gln', value })
const chen = { resourceType: 'Practitioner', id: 'chen', identifier: [identifier('1'), identifier('2')] }
const south = { resourceType: 'Organization', id: 'south', identifier: [identifier('9')] }
const group = (id: string, ...members: Json[]): Json => ({
  resourceType: 'Group',
  id,
  member: members.map((entity) => ({ entity })),
})
const role = (more: Json): Json => ({ resourceType: 'PractitionerRole', id: 'r', ...more })

const expand = (directory: Json[], ...names: string[]): string[] =>
  [...readDirectory(directory).expand(names)].sort()

describe('the directory adds', () => {
  test('nothing when it is empty', () =>
    expect(expand([], 'Practitioner/chen')).toEqual(['Practitioner/chen']))

  test('all names of the same person', () => {
    const all = ['Practitioner/chen', 'urn:gln|1', 'urn:gln|2']
    for (const name of all) expect(expand([chen, south], name)).toEqual(all)
    expect(expand([chen, south], 'urn:gln|3')).toEqual(['urn:gln|3'])
  })

  test('identifiers of who has no id', () => {
    const { id: _id, ...nameless } = chen
    expect(expand([nameless], 'urn:gln|1')).toEqual(['urn:gln|1', 'urn:gln|2'])
  })

  test('the groups that they are in, by reference or identifier, and the groups of these', () => {
    const byReference = group('a', reference('Practitioner/x'), reference('Practitioner/chen'))
    const byIdentifier = group('b', { identifier: identifier('2') })
    const ofGroups = group('c', reference('Group/b'))
    expect(expand([ofGroups, byReference, byIdentifier, chen], 'Practitioner/chen')).toEqual([
      'Group/a',
      'Group/b',
      'Group/c',
      'Practitioner/chen',
      'urn:gln|1',
      'urn:gln|2',
    ])
    expect(expand([byReference, byIdentifier, ofGroups], 'Practitioner/okafor')).toEqual([
      'Practitioner/okafor',
    ])
  })

  test('no group of which they are a member no more', () => {
    const left = {
      resourceType: 'Group',
      id: 'g',
      member: [{ entity: reference('Practitioner/chen'), inactive: true }],
    }
    expect(expand([left], 'Practitioner/chen')).toEqual(['Practitioner/chen'])
    const still = { ...left, member: [{ entity: reference('Practitioner/chen'), inactive: false }] }
    expect(expand([still], 'Practitioner/chen')).toContain('Group/g')
  })

  test('no group of what is no member', () => {
    for (const member of ['Practitioner/chen', null, {}, { entity: 'Practitioner/chen' }])
      expect(expand([{ resourceType: 'Group', id: 'g', member: [member] }], 'Practitioner/chen')).toEqual([
        'Practitioner/chen',
      ])
  })

  test('no group without an id', () =>
    expect(
      expand(
        [{ resourceType: 'Group', member: [{ entity: reference('Practitioner/chen') }] }],
        'Practitioner/chen',
      ),
    ).toEqual(['Practitioner/chen']))

  test('a role to whom is both its person and its organisation, as far as it says', () => {
    const both = role({
      practitioner: reference('Practitioner/chen'),
      organization: reference('Organization/south'),
    })
    expect(expand([both], 'Practitioner/chen', 'Organization/south')).toContain('PractitionerRole/r')
    expect(expand([both], 'Practitioner/chen')).not.toContain('PractitionerRole/r')
    expect(expand([both], 'Organization/south')).not.toContain('PractitionerRole/r')
    expect(expand([role({ practitioner: reference('Practitioner/chen') })], 'Practitioner/chen')).toContain(
      'PractitionerRole/r',
    )
    expect(
      expand([role({ organization: { identifier: identifier('9') } }), south], 'Organization/south'),
    ).toContain('PractitionerRole/r')
    expect(expand([role({})], 'Practitioner/chen')).toEqual(['Practitioner/chen'])
    expect(expand([role({ practitioner: { display: 'Dr Chen' } })], 'Practitioner/chen')).toEqual([
      'Practitioner/chen',
    ])
  })

  test('a role as a member of a group', () => {
    const both = role({ practitioner: reference('Practitioner/chen') })
    expect(expand([group('g', reference('PractitionerRole/r')), both], 'Practitioner/chen')).toContain(
      'Group/g',
    )
  })
})

describe('a membership or a role counts', () => {
  const at = Date.UTC(2026, 0, 15, 12)
  const member = (more: Json): Json => ({
    resourceType: 'Group',
    id: 'g',
    member: [{ entity: reference('Practitioner/chen'), ...more }],
  })
  const counts = (more: Json, instant: number | undefined = at): boolean[] => [
    readDirectory([member(more)], instant)
      .expand(['Practitioner/chen'])
      .has('Group/g'),
    readDirectory([role({ practitioner: reference('Practitioner/chen'), ...more })], instant)
      .expand(['Practitioner/chen'])
      .has('PractitionerRole/r'),
  ]
  const yes = [true, true]
  const no = [false, false]

  test.each<[string, Json, boolean[]]>([
    ['without a period', {}, yes],
    ['in its period', { period: { start: '2026-01-15', end: '2026-01-15' } }, yes],
    ['from its first instant', { period: { start: '2026-01-15T12:00:00Z' } }, yes],
    ['not before it', { period: { start: '2026-01-15T12:00:01Z' } }, no],
    ['until its last instant', { period: { end: '2026-01-15T12:00:00Z' } }, yes],
    ['at its very end', { period: { end: '2026-01-15T12:00:00.000Z' } }, yes],
    ['not after it', { period: { end: '2026-01-15T11:59:59Z' } }, no],
    ['in a period without bounds', { period: {} }, yes],
    ['not in a period that cannot be read', { period: { start: 'x' } }, no],
    ['not until an end that cannot be read', { period: { end: 'x' } }, no],
    ['not in what is no period', { period: '2026' }, no],
    ['not when it is inactive', { inactive: true }, no],
    ['when it is not inactive', { inactive: false }, yes],
    ['not when it is not active', { active: false }, no],
    ['when it is active', { active: true }, yes],
  ])('%s', (_when, more, expected) => expect(counts(more)).toEqual(expected))

  test('at any time, where none is given', () => {
    const always = (more: Json): boolean =>
      readDirectory([member(more)])
        .expand(['Practitioner/chen'])
        .has('Group/g')
    expect([
      always({ period: { end: '2020' } }),
      always({ period: 'x' }),
      always({ inactive: true }),
    ]).toEqual([true, true, false])
  })
})

describe('a group is one whose members are known', () => {
  const known = (...directory: Json[]): string[] => [...readDirectory(directory).groups].sort()

  test('when it lists them', () => {
    expect(known(group('g', reference('Practitioner/chen')))).toEqual(['Group/g'])
    expect(known(group('g'))).toEqual(['Group/g'])
    expect(known(group('g', { identifier: identifier('1') }))).toEqual(['Group/g'])
  })

  test('not when it only describes them, or does not list them', () => {
    expect(known({ ...group('g'), actual: false })).toEqual([])
    expect(known({ ...group('g'), actual: true })).toEqual(['Group/g'])
    expect(known({ resourceType: 'Group', id: 'g' })).toEqual([])
    expect(
      known({ resourceType: 'Group', id: 'g', member: { entity: reference('Practitioner/chen') } }),
    ).toEqual([])
    expect(known({ resourceType: 'Organization', id: 'o', member: [] })).toEqual([])
    expect(known({ resourceType: 'Group', member: [] })).toEqual([])
  })

  test('not when a member is not named', () => {
    expect(known(group('g', { display: 'Dr Chen' }))).toEqual([])
    expect(
      known({ resourceType: 'Group', id: 'g', member: [{ entity: { display: 'X' }, inactive: true }] }),
    ).toEqual(['Group/g'])
  })

  test('and so is a role whose person or place is', () => {
    expect(known(role({ practitioner: reference('Practitioner/chen') }))).toEqual(['PractitionerRole/r'])
    expect(known(role({}))).toEqual([])
    expect(known(group('g', reference('PractitionerRole/r')))).toEqual([])
    expect(
      known(
        group('g', reference('PractitionerRole/r')),
        role({ organization: reference('Organization/south') }),
      ),
    ).toEqual(['Group/g', 'PractitionerRole/r'])
  })

  test('not when a group in it, or in one of these, is unknown', () => {
    expect(known(group('a', reference('Group/b')), group('b', reference('Practitioner/chen')))).toEqual([
      'Group/a',
      'Group/b',
    ])
    expect(known(group('a', reference('Group/b')))).toEqual([])
    expect(known(group('a', reference('CareTeam/t')))).toEqual([])
    expect(known(group('a', reference('Group/b')), group('b', reference('Group/c')), group('d'))).toEqual([
      'Group/d',
    ])
  })
})

test('whose role it is, and where, as far as the directory says', () => {
  const parts = {
    practitioner: reference('Practitioner/chen'),
    organization: { identifier: identifier('9') },
  }
  const directory = readDirectory([chen, role({ ...parts, id: 'q' }), role({})])
  expect(directory.partsOfRole('PractitionerRole/q')).toEqual([
    { reference: 'Practitioner/chen' },
    { identifier: 'urn:gln|9' },
  ])
  expect(directory.partsOfRole('PractitionerRole/r')).toEqual([])
  expect(directory.partsOfRole('PractitionerRole/x')).toBeUndefined()
  expect(directory.partsOfRole('Practitioner/chen')).toBeUndefined()
})

describe('a reference is to the patient', () => {
  const no = 0
  const unknown = 1
  const yes = 2
  const byIdentifier = { identifier: identifier('7') }

  test.each<[string, unknown, number]>([
    ['by reference', reference('Patient/maria'), yes],
    ['of another', reference('Patient/tomas'), no],
    ['by an identifier that nobody has explained', byIdentifier, unknown],
    ['by a URN', reference('urn:uuid:1'), unknown],
    ['that names nobody', { display: 'Maria' }, unknown],
    ['that is none', 'Patient/maria', unknown],
    ['of another, with an identifier', { ...reference('Patient/tomas'), ...byIdentifier }, no],
    ['with an identifier besides', { ...reference('Patient/maria'), ...byIdentifier }, yes],
  ])('known by her reference: one %s', (_what, value, expected) =>
    expect(patientMatcher('Patient/maria', readDirectory([]))(value)).toBe(expected),
  )

  test.each<[string, unknown, number]>([
    ['by identifier', byIdentifier, yes],
    ['by another identifier', { identifier: identifier('8') }, no],
    ['by a reference', reference('Patient/maria'), unknown],
    ['by a URN, with another identifier', { ...reference('urn:uuid:1'), identifier: identifier('8') }, no],
    ['by a URN, with her identifier', { ...reference('urn:uuid:1'), ...byIdentifier }, yes],
    ['by a URN alone', reference('urn:uuid:1'), unknown],
  ])('known by her identifier: one %s', (_what, value, expected) =>
    expect(patientMatcher('urn:gln|7', readDirectory([]))(value)).toBe(expected),
  )

  test('by any of her names that the directory has', () => {
    const maria = { resourceType: 'Patient', id: 'maria', identifier: [identifier('7')] }
    for (const name of ['Patient/maria', 'urn:gln|7']) {
      const isPatient = patientMatcher(name, readDirectory([maria]))
      expect([isPatient(reference('Patient/maria')), isPatient(byIdentifier)]).toEqual([yes, yes])
      expect([isPatient(reference('Patient/x')), isPatient({ identifier: identifier('8') })]).toEqual([
        no,
        no,
      ])
    }
  })
})

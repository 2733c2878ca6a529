import { describe, expect, test } from 'vitest'
import {
  identifiersOf,
  ownReference,
  toIdentifier,
  toLiteral,
  toTarget,
} from '../../../../chaincode/src/core/fhir/reference.ts'

describe('a literal reference is a type and an id, whatever server and version it names', () => {
  test.each([
    ['Practitioner/p-1.a', 'Practitioner/p-1.a'],
    ['https://example.org/fhir/Practitioner/p1', 'Practitioner/p1'],
    ['/Practitioner/p1', 'Practitioner/p1'],
    ['Practitioner/p1/_history/3', 'Practitioner/p1'],
    ['https://example.org/Practitioner/p1/_history/3', 'Practitioner/p1'],
    ['urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0', 'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0'],
    ['urn:oid:2.16.756', 'urn:oid:2.16.756'],
    [`Practitioner/${'p'.repeat(64)}`, `Practitioner/${'p'.repeat(64)}`],
    [`A${'a'.repeat(63)}/1`, `A${'a'.repeat(63)}/1`],
  ])('%s', (text, expected) => expect(toLiteral(text)).toBe(expected))

  test.each([
    '#contained',
    'practitioner/p1',
    'Practitioner/',
    'Practitioner',
    'P/1',
    'Practitioner/p 1',
    'Practitioner/p_1',
    'Practitioner/p1#x',
    'Practitioner/p1?x=y',
    'Practitioner/p1/_history/',
    'Practitioner/p1/history/3',
    'xPractitioner/p1',
    'Pract1tioner/p1',
    'https://example.org',
    ' Practitioner/p1 ',
    `Practitioner/${'p'.repeat(65)}`,
    `A${'a'.repeat(64)}/1`,
    '',
    1,
    null,
    undefined,
    ['Practitioner/p1'],
  ])('%j is none', (text) => expect(toLiteral(text)).toBeUndefined())
})

describe('an identifier is a system and a value', () => {
  test('with both', () =>
    expect(toIdentifier({ system: 'urn:a', value: 'b', use: 'official' })).toBe('urn:a|b'))

  test.each([
    [{ value: 'b' }],
    [{ system: 'urn:a' }],
    [{ system: 'urn:a', value: '' }],
    [{ system: 'urn:a', value: 1 }],
    [{ system: 1, value: 'b' }],
    ['urn:a|b'],
    [null],
    [undefined],
  ])('and not %j', (value) => expect(toIdentifier(value)).toBeUndefined())
})

describe('what a Reference names', () => {
  test.each<[unknown, object]>([
    [{ reference: 'Patient/p' }, { reference: 'Patient/p' }],
    [{ identifier: { system: 'urn:a', value: 'b' } }, { identifier: 'urn:a|b' }],
    [
      { reference: 'Patient/p', identifier: { system: 'urn:a', value: 'b' }, display: 'Maria' },
      { reference: 'Patient/p', identifier: 'urn:a|b' },
    ],
    [{ display: 'Maria' }, {}],
    [{ reference: '#p', identifier: { value: 'b' } }, {}],
    ['Patient/p', {}],
    [null, {}],
  ])('%j: %j', (value, expected) => expect(toTarget(value)).toStrictEqual(expected))
})

test('a resource names itself by its type and id', () => {
  expect(ownReference({ resourceType: 'Group', id: 'g' })).toBe('Group/g')
  expect(ownReference({ resourceType: 'Group' })).toBeUndefined()
  expect(ownReference({ id: 'g' })).toBeUndefined()
  expect(ownReference({ resourceType: 1, id: 'g' })).toBeUndefined()
})

test('and by each of its identifiers that has a system and a value', () => {
  const identifier = [{ system: 'urn:a', value: '1' }, { value: '2' }, { system: 'urn:a', value: '3' }]
  expect(identifiersOf({ identifier })).toEqual(['urn:a|1', 'urn:a|3'])
  expect(identifiersOf({ identifier: identifier[0] })).toEqual(['urn:a|1'])
  expect(identifiersOf({})).toEqual([])
})

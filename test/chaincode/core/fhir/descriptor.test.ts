import { expect, test } from 'vitest'
import { describedRecord } from 'medledger-chaincode/core'

const described = {
  document: 'north-1',
  type: { system: 'http://loinc.org', code: '11502-2' },
  date: '2026-03-29',
} as const

test('a descriptor says of a document what its DocumentReference would', () => {
  expect(describedRecord(described, 'Europe/Zurich')).toStrictEqual({
    id: 'DocumentReference/north-1',
    ours: 2,
    type: 'DocumentReference',
    classes: ['http://loinc.org|11502-2'],
    codes: ['http://loinc.org|11502-2'],
    allCodes: ['http://loinc.org|11502-2'],
    confidentiality: 3,
    sensitivities: [],
    dated: { first: Date.UTC(2026, 2, 28, 23), last: Date.UTC(2026, 2, 29, 22) - 1 },
    authors: [],
    isAuthorUnclear: true,
    references: [],
  })
})

test('its author is a practitioner, its labels are the document’s, and it belongs to what is related', () => {
  const record = describedRecord(
    {
      ...described,
      author: 'ab'.repeat(16),
      labels: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'HIV' }],
      related: ['Encounter/e', 'EpisodeOfCare/c'],
    },
    'UTC',
  )
  const author = `Practitioner/${'ab'.repeat(16)}`
  expect(record).toMatchObject({
    authors: [author],
    isAuthorUnclear: false,
    confidentiality: 4,
    sensitivities: ['HIV'],
  })
  expect([...record.references].sort()).toEqual(['Encounter/e', 'EpisodeOfCare/c', author])
})

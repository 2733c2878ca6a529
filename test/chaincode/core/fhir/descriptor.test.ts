import { describe, expect, test } from 'vitest'
import { describedBy, describedRecord } from 'medledger-chaincode/core'

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
    identifiedIn: [],
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
    identifiedIn: [],
    isAuthorUnclear: false,
    confidentiality: 4,
    sensitivities: ['HIV'],
  })
  expect([...record.references].sort()).toEqual(['Encounter/e', 'EpisodeOfCare/c', author])
})

describe('a document Bundle says of itself', () => {
  const coding = (code: string): { system: string; code: string } => ({ system: 'urn:x', code })
  const ref = (reference: string): { reference: string } => ({ reference })
  const bundle = (composition: object, ...others: object[]): Record<string, unknown> => ({
    resourceType: 'Bundle',
    type: 'document',
    entry: [
      { fullUrl: 'urn:uuid:0', resource: { resourceType: 'Composition', ...composition } },
      ...others.map((resource, index) => ({ fullUrl: `urn:uuid:${index + 1}`, resource })),
    ],
  })

  test('the labels of all that is in it, sorted and once each', () => {
    const labelled = (...codes: string[]): object => ({ meta: { security: codes.map(coding) } })
    const { labels } = describedBy(
      bundle(
        labelled('b'),
        {
          resourceType: 'Condition',
          ...labelled('c', 'a'),
          contained: [{ resourceType: 'Observation', ...labelled('b', 'd') }],
        },
        { resourceType: 'Basic', meta: { security: [{ display: 'x' }, { code: 'e' }] } },
      ),
    )
    expect(labels).toEqual([...['a', 'b', 'c', 'd'].map(coding), { code: 'e' }])
  })

  test('what its Composition belongs to, by own names, sorted and once each', () => {
    const composition = {
      encounter: ref('urn:uuid:1'),
      event: [{ detail: [ref('https://example.org/Procedure/p'), ref('Encounter/e')] }],
      relatesTo: [{ targetReference: ref('DocumentReference/d') }],
      subject: ref('Patient/maria'),
      author: [ref('Practitioner/okafor')],
    }
    expect(describedBy(bundle(composition, { resourceType: 'Encounter', id: 'e' })).related).toEqual([
      'DocumentReference/d',
      'Encounter/e',
      'Procedure/p',
    ])
  })

  test('nothing that only names something inside of it, or nothing at all', () => {
    const composition = {
      encounter: ref('urn:uuid:1'),
      event: [{ detail: [ref('urn:uuid:9'), ref('#x'), { reference: 5 }, {}] }],
    }
    expect(describedBy(bundle(composition, { resourceType: 'Encounter' })).related).toEqual([])
    expect(describedBy({ resourceType: 'Bundle' })).toEqual({ labels: [], related: [] })
  })
})

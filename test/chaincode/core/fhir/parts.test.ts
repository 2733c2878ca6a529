import { describe, expect, test } from 'vitest'
import { partsOf, type PartFacts } from 'medledger-chaincode/core'

type Json = Record<string, unknown>

const ref = (reference: string): Json => ({ reference })
const entry = (resource: unknown, fullUrl?: unknown): Json => ({
  resource,
  ...(fullUrl !== undefined && { fullUrl }),
})
/** The parts of a document but for its Composition. */
const parts = (...entries: unknown[]): PartFacts[] =>
  partsOf(
    { resourceType: 'Bundle', type: 'document', entry: [entry({ resourceType: 'Composition' }), ...entries] },
    'UTC',
  ).filter(({ type }) => type !== 'Composition')
const partOf = (type: string, ...entries: unknown[]): PartFacts | undefined =>
  parts(...entries).find((part) => part.type === type)
const [day, end] = [Date.UTC(2026, 0, 15), Date.UTC(2026, 0, 16) - 1]

describe('a part of a document', () => {
  test('is named by its id, or as its entry is', () => {
    const condition = { resourceType: 'Condition' }
    const ids = (...entries: unknown[]): unknown[] => parts(...entries).map(({ id }) => id)
    expect(ids(entry({ ...condition, id: 'c' }, 'https://x.org/Condition/other'))).toEqual(['Condition/c'])
    expect(ids(entry(condition, 'https://x.org/Condition/c'))).toEqual(['Condition/c'])
    for (const fullUrl of ['urn:uuid:1', 'https://x.org/Observation/c', 5, undefined])
      expect(ids(entry(condition, fullUrl))).toEqual([undefined])
  })

  test('is referred to by its own name, wherever the Bundle names it by another', () => {
    const encounter = entry({ resourceType: 'Encounter', id: 'e' }, 'urn:uuid:1')
    const references = (reference: unknown): unknown =>
      partOf('Condition', encounter, entry({ resourceType: 'Condition', encounter: { reference } }))
        ?.references
    expect(references('urn:uuid:1')).toEqual(['Encounter/e'])
    expect(references('urn:uuid:2')).toEqual(['urn:uuid:2'])
    expect(references(5)).toBeUndefined()
  })

  test('has the names of its authors that the Bundle knows, and no others', () => {
    const okafor = entry({
      resourceType: 'Practitioner',
      id: 'okafor',
      identifier: [{ system: 'urn:gln', value: '1' }],
    })
    const authors = (performer: Json, ...others: Json[]): unknown =>
      partOf('Observation', entry({ resourceType: 'Observation', performer: [performer] }), ...others)
        ?.authors
    expect(authors(ref('Practitioner/okafor'), okafor)).toEqual(['Practitioner/okafor', 'urn:gln|1'])
    expect(authors(ref('Practitioner/okafor'))).toEqual(['Practitioner/okafor'])
    const role = { resourceType: 'PractitionerRole', id: 'r', practitioner: ref('Practitioner/okafor') }
    expect(authors(ref('PractitionerRole/r'), entry(role))).toEqual([
      'PractitionerRole/r',
      'Practitioner/okafor',
    ])
    const group = { resourceType: 'Group', id: 'g', member: [{ entity: ref('Practitioner/okafor') }] }
    expect(authors(ref('Practitioner/okafor'), entry(group))).toEqual(['Practitioner/okafor', 'Group/g'])
    const patient = { resourceType: 'Patient', id: 'p', identifier: [{ system: 'urn:ahv', value: '7' }] }
    expect(authors(ref('Patient/p'), entry(patient))).toEqual(['Patient/p'])
  })

  test('has the bounds that its date has', () => {
    const bounds = (more: Json): unknown => {
      const { first, last, isDateUnclear } =
        partOf('Condition', entry({ resourceType: 'Condition', ...more })) ?? {}
      return { first, last, isDateUnclear }
    }
    expect(bounds({ recordedDate: '2026-01-15' })).toEqual({ first: day, last: end })
    expect(bounds({ onsetPeriod: { start: '2026-01-15' } })).toEqual({ first: day })
    expect(bounds({ onsetPeriod: { end: '2026-01-15' } })).toEqual({ last: end })
    expect(bounds({ onsetString: 'at ten' })).toEqual({ isDateUnclear: true })
    expect(bounds({})).toEqual({})
  })
})

test('what is no resource is no part', () => {
  expect(parts('x', entry('x'), entry(null), entry({ id: 'c' }), {})).toEqual([])
})

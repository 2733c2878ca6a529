import { describe, expect, test } from 'vitest'
import { firstInstant, lastInstant, utc } from 'medledger-chaincode/core'

const iso = (instant: number | undefined): string | undefined =>
  instant === undefined ? undefined : new Date(instant).toISOString()

describe('a FHIR dateTime begins and ends', () => {
  test.each([
    ['2026', '2026-01-01T00:00:00.000Z', '2026-12-31T23:59:59.999Z'],
    ['2026-12', '2026-12-01T00:00:00.000Z', '2026-12-31T23:59:59.999Z'],
    ['2028-02', '2028-02-01T00:00:00.000Z', '2028-02-29T23:59:59.999Z'],
    ['2026-01-31', '2026-01-31T00:00:00.000Z', '2026-01-31T23:59:59.999Z'],
    ['2026-12-31', '2026-12-31T00:00:00.000Z', '2026-12-31T23:59:59.999Z'],
    ['2026-01-15T12:30:00Z', '2026-01-15T12:30:00.000Z', '2026-01-15T12:30:00.999Z'],
    ['2026-01-15T12:30:00.5Z', '2026-01-15T12:30:00.500Z', '2026-01-15T12:30:00.500Z'],
    ['2026-01-15T00:30:00+02:00', '2026-01-14T22:30:00.000Z', '2026-01-14T22:30:00.999Z'],
    ['2026-01-15T23:30:00-05:00', '2026-01-16T04:30:00.000Z', '2026-01-16T04:30:00.999Z'],
    ['2026-01-15T12:30:00.123456Z', '2026-01-15T12:30:00.123Z', '2026-01-15T12:30:00.123Z'],
  ])('%s', (text, first, last) => {
    expect(iso(firstInstant(text, utc))).toBe(first)
    expect(iso(lastInstant(text, utc))).toBe(last)
  })
})

test.each([
  '',
  '26',
  '2026-1',
  '2026-13',
  '2026-00',
  '2026-02-29',
  '2026-02-30',
  '2026-04-31',
  '2026-01-00',
  '0000',
  '2026-01-15T12:30:00',
  '2026-01-15T12:30Z',
  '2026-01-15T25:00:00Z',
  '2026-01-15T12:60:00Z',
  '2026-01-15T12:30:60Z',
  '2026-01-15T24:00:00Z',
  '2026-01-15T12:30:00+25:00',
  '2026-01-15 12:30:00Z',
  '2026-01-15T12:30:00Z ',
  ' 2026',
  '2026-01-15T12:30:00z',
  '+002026',
  'tomorrow',
  20260115,
  null,
  undefined,
  ['2026'],
])('%j is no FHIR dateTime', (text) => {
  expect(firstInstant(text, utc)).toBeUndefined()
  expect(lastInstant(text, utc)).toBeUndefined()
})

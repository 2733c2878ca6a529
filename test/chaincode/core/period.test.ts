import { describe, expect, test } from 'vitest'
import { firstInstant, lastInstant, spanOf, utc } from 'medledger-chaincode/core'

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

describe('a date begins and ends in its zone', () => {
  test.each([
    // An ordinary day in winter and in summer; the days on which the clocks change have 23 and 25 hours.
    ['Europe/Zurich', '2026-01-15', '2026-01-14T23:00:00.000Z', '2026-01-15T22:59:59.999Z'],
    ['Europe/Zurich', '2026-07-15', '2026-07-14T22:00:00.000Z', '2026-07-15T21:59:59.999Z'],
    ['Europe/Zurich', '2026-03-28', '2026-03-27T23:00:00.000Z', '2026-03-28T22:59:59.999Z'],
    ['Europe/Zurich', '2026-03-29', '2026-03-28T23:00:00.000Z', '2026-03-29T21:59:59.999Z'],
    ['Europe/Zurich', '2026-03-30', '2026-03-29T22:00:00.000Z', '2026-03-30T21:59:59.999Z'],
    ['Europe/Zurich', '2026-10-24', '2026-10-23T22:00:00.000Z', '2026-10-24T21:59:59.999Z'],
    ['Europe/Zurich', '2026-10-25', '2026-10-24T22:00:00.000Z', '2026-10-25T22:59:59.999Z'],
    ['Europe/Zurich', '2026-10-26', '2026-10-25T23:00:00.000Z', '2026-10-26T22:59:59.999Z'],
    ['Europe/Zurich', '2026-03', '2026-02-28T23:00:00.000Z', '2026-03-31T21:59:59.999Z'],
    ['Europe/Zurich', '2026', '2025-12-31T23:00:00.000Z', '2026-12-31T22:59:59.999Z'],
    ['Europe/Zurich', '1890-01-01', '1889-12-31T23:30:14.000Z', '1890-01-01T23:30:13.999Z'],
    ['America/New_York', '2026-03-08', '2026-03-08T05:00:00.000Z', '2026-03-09T03:59:59.999Z'],
    ['America/New_York', '2026-11-01', '2026-11-01T04:00:00.000Z', '2026-11-02T04:59:59.999Z'],
    // The clocks of the east go back while it is still the day before in UTC.
    ['Australia/Sydney', '2026-04-05', '2026-04-04T13:00:00.000Z', '2026-04-05T13:59:59.999Z'],
    ['Australia/Lord_Howe', '2026-04-05', '2026-04-04T13:00:00.000Z', '2026-04-05T13:29:59.999Z'],
    ['Asia/Kathmandu', '2026-01-15', '2026-01-14T18:15:00.000Z', '2026-01-15T18:14:59.999Z'],
    ['Pacific/Kiritimati', '2026-01-15', '2026-01-14T10:00:00.000Z', '2026-01-15T09:59:59.999Z'],
    ['UTC', '2026-03-29', '2026-03-29T00:00:00.000Z', '2026-03-29T23:59:59.999Z'],
    ['Etc/UTC', '2026-03-29', '2026-03-29T00:00:00.000Z', '2026-03-29T23:59:59.999Z'],
    // Here the clocks change at midnight, so that a day begins at one, or the day before has an hour more.
    ['Atlantic/Azores', '2026-03-28', '2026-03-28T01:00:00.000Z', '2026-03-29T00:59:59.999Z'],
    ['Atlantic/Azores', '2026-03-29', '2026-03-29T01:00:00.000Z', '2026-03-29T23:59:59.999Z'],
    ['Asia/Beirut', '2026-03-28', '2026-03-27T22:00:00.000Z', '2026-03-28T21:59:59.999Z'],
    ['Asia/Beirut', '2026-03-29', '2026-03-28T22:00:00.000Z', '2026-03-29T20:59:59.999Z'],
    ['Asia/Beirut', '2026-10-24', '2026-10-23T21:00:00.000Z', '2026-10-24T21:59:59.999Z'],
    ['Asia/Beirut', '2026-10-25', '2026-10-24T22:00:00.000Z', '2026-10-25T21:59:59.999Z'],
  ])('%s: %s', (zone, text, first, last) => {
    const span = spanOf(text, zone)
    expect([iso(span?.first), iso(span?.last)]).toEqual([first, last])
    expect([firstInstant(text, zone), lastInstant(text, zone)]).toEqual([span?.first, span?.last])
  })

  test('and the days of a year follow each other without a gap, in any zone', () => {
    for (const zone of [
      'Europe/Zurich',
      'Atlantic/Azores',
      'Asia/Beirut',
      'America/Havana',
      'Australia/Lord_Howe',
    ]) {
      let end = firstInstant('2026-01-01', zone) as number
      for (let day = 0; day < 365; day++) {
        const text = new Date(Date.UTC(2026, 0, 1 + day)).toISOString().slice(0, 10)
        const span = spanOf(text, zone)
        expect(span?.first, `${zone} ${text}`).toBe(end)
        end = (span?.last ?? 0) + 1
      }
    }
  })

  test('an instant is one whatever the zone', () => {
    const text = '2026-03-29T02:30:00+01:00'
    expect(spanOf(text, 'Europe/Zurich')).toEqual(spanOf(text, utc))
  })

  test.each(['Europe/Zuerich', 'Mars/Olympus', '', 'Europe/Zurich '])('%j is no zone', (zone) => {
    expect(() => spanOf('2026-01-15', zone)).toThrow(RangeError)
  })

  test('a text that is no date needs no zone', () =>
    expect(spanOf('tomorrow', 'Mars/Olympus')).toBeUndefined())
})

import { describe, expect, test } from 'vitest'
import { periodOf, reportsOthers } from '../../../../chaincode/src/core/fhir/provision.ts'

type Json = Record<string, unknown>

describe('a period', () => {
  const readPeriod = (value: unknown): unknown => {
    const unclear: string[] = []
    const period = periodOf(value, { path: 'P', zone: 'Europe/Zurich', report: (path) => unclear.push(path) })
    return [period, unclear]
  }
  const day = 86_400_000
  const utcOf = (month: number, date: number): number => Date.UTC(2026, month - 1, date) - 3_600_000

  test('is from the first to the last instant, in the zone', () => {
    expect(readPeriod({ start: '2026-01-10', end: '2026-01-15' })).toEqual([
      { start: utcOf(1, 10), end: utcOf(1, 15) + day - 1 },
      [],
    ])
    expect(readPeriod({ start: '2026-01' })).toEqual([{ start: utcOf(1, 1) }, []])
    expect(readPeriod({ end: '2026-01-15T12:00:00Z' })).toEqual([
      { end: Date.UTC(2026, 0, 15, 12, 0, 0, 999) },
      [],
    ])
    expect(readPeriod({ start: '2026-01-10', end: '2026-01-10' })).toEqual([
      { start: utcOf(1, 10), end: utcOf(1, 10) + day - 1 },
      [],
    ])
    expect(readPeriod({ start: '2026-01-10T12:00:00Z', end: '2026-01-10T12:00:00Z' })).toEqual([
      { start: Date.UTC(2026, 0, 10, 12), end: Date.UTC(2026, 0, 10, 12, 0, 0, 999) },
      [],
    ])
    const instant = '2026-01-10T12:00:00.000Z'
    expect(readPeriod({ start: instant, end: instant })).toEqual([
      { start: Date.parse(instant), end: Date.parse(instant) },
      [],
    ])
    expect(readPeriod(undefined)).toEqual([{}, []])
  })

  test.each([
    [null],
    ['2026'],
    [{}],
    [{ start: 'x' }],
    [{ start: '2026', end: null }],
    [{ start: '2026-02-30' }],
    [{ end: '2026-01-15T12:00:00' }],
    [{ start: '2026-01-02', end: '2026-01-01' }],
    [[{ start: '2026' }]],
  ])('%j cannot be read, and leaves the rule unclear', (value) =>
    expect(readPeriod(value)).toEqual([{ unclear: true }, ['P']]),
  )

  test('of which something else is said is unclear, within its bounds', () => {
    expect(readPeriod({ start: '2026-01-10', _end: { extension: [] } })).toEqual([
      { start: utcOf(1, 10) },
      [],
    ])
    expect(readPeriod({ start: '2026-01-10', modifierExtension: [] })).toEqual([
      { start: utcOf(1, 10), unclear: true },
      ['P.modifierExtension'],
    ])
    expect(readPeriod({ extension: [], id: 'x' })).toEqual([{}, []])
  })
})

describe('other members', () => {
  const others = (value: Json): [boolean, string[]] => {
    const paths: string[] = []
    const found = reportsOthers(value, new Set(['a', 'b']), {
      path: 'P',
      zone: 'UTC',
      report: (path) => paths.push(path),
    })
    return [found, paths]
  }

  test('are reported, but for ids and extensions, of primitive values too', () => {
    expect(others({ a: 1, _a: {}, b: 2, id: 'x', extension: [], _id: {} })).toEqual([false, []])
    expect(others({ a: 1, modifierExtension: [], expression: {} })).toEqual([
      true,
      ['P.modifierExtension', 'P.expression'],
    ])
  })

  test('are named only when FHIR has the name', () => {
    expect(others({ 'Maria Rossi': 1 })).toEqual([true, ['P.(unknown member)']])
    expect(others({ _status: {} })).toEqual([true, ['P.(unknown member)']])
    expect(others({ __a: 1 })).toEqual([true, ['P.(unknown member)']])
  })
})

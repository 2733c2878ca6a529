import type { Period } from './case.ts'

/** From the first millisecond to the one after the last. */
export interface Span {
  readonly from: number
  readonly to: number
}

const shape =
  /^(?<year>\d{4})(?:-(?<month>\d\d)(?:-(?<day>\d\d)(?:T\d\d:\d\d(?<seconds>:\d\d(?<fraction>\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?)?)?$/

const isInCalendar = (year: string, month = '01', day = '01'): boolean => {
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  return date.toISOString().startsWith(`${year}-${month}-${day}`)
}

/** All that a FHIR date, dateTime or instant may mean; undefined when it is none. */
export function spanOf(text: string | undefined): Span | undefined {
  const parts = shape.exec(text ?? '')?.groups
  if (text === undefined || parts === undefined) return undefined
  const { year = '', month, day, seconds, fraction } = parts
  if (!isInCalendar(year, month, day)) return undefined
  if (month === undefined) return { from: Date.UTC(Number(year), 0), to: Date.UTC(Number(year) + 1, 0) }
  if (day === undefined) {
    return { from: Date.UTC(Number(year), Number(month) - 1), to: Date.UTC(Number(year), Number(month)) }
  }
  const from = Date.parse(text)
  return { from, to: from + lengthOf(text, seconds, fraction) }
}

function lengthOf(text: string, seconds: string | undefined, fraction: string | undefined): number {
  if (!text.includes('T')) return 86_400_000
  if (fraction !== undefined) return 1
  return seconds === undefined ? 60_000 : 1000
}

const membersOfPeriod: ReadonlySet<string> = new Set(['id', 'extension', 'start', 'end'])

/** The span of a period; undefined when it cannot be understood or ends before it begins. */
export function spanOfPeriod(period: Period): Span | undefined {
  if (!Object.keys(period).every((name) => membersOfPeriod.has(name))) return undefined
  const { start, end } = period
  const first = start === undefined ? { from: -Infinity } : spanOf(start)
  const last = end === undefined ? { to: Infinity } : spanOf(end)
  if (first === undefined || last === undefined || last.to <= first.from) return undefined
  return { from: first.from, to: last.to }
}

const dateTime =
  /^(?<year>\d{4})(?:-(?<month>\d{2})(?:-(?<day>\d{2})(?<time>T(?!24)\d{2}:\d{2}:\d{2}(?<fraction>\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2}))?)?)?$/

interface Span {
  readonly first: number
  readonly last: number
}

/**
 * First millisecond since 1970 (UTC) of a FHIR dateTime, whose precision may be a year, a month, a day or an instant;
 * undefined when the text is not one.
 */
export const firstInstant = (text: unknown): number | undefined => spanOf(text)?.first

/**
 * Last millisecond likewise: an end includes all that matches it, a date-only one that whole day (FHIR R4, data types,
 * Period), in UTC.
 */
export const lastInstant = (text: unknown): number | undefined => spanOf(text)?.last

function spanOf(text: unknown): Span | undefined {
  const groups = typeof text === 'string' ? dateTime.exec(text)?.groups : undefined
  if (groups === undefined) return undefined
  const year = Number(groups['year'])
  const month = numberOf(groups['month'])
  const day = numberOf(groups['day'])
  if (!isDay(year, month ?? 1, day ?? 1)) return undefined
  if (groups['time'] === undefined) return spanOfDays(year, month, day)
  const instant = Date.parse(String(text))
  if (Number.isNaN(instant)) return undefined
  return { first: instant, last: groups['fraction'] === undefined ? instant + 999 : instant }
}

const numberOf = (digits: string | undefined): number | undefined =>
  digits === undefined ? undefined : Number(digits)

function spanOfDays(year: number, month: number | undefined, day: number | undefined): Span {
  if (month === undefined) return { first: Date.UTC(year, 0, 1), last: Date.UTC(year + 1, 0, 1) - 1 }
  if (day === undefined) return { first: Date.UTC(year, month - 1, 1), last: Date.UTC(year, month, 1) - 1 }
  return { first: Date.UTC(year, month - 1, day), last: Date.UTC(year, month - 1, day + 1) - 1 }
}

function isDay(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(year, month - 1, day))
  return date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
}

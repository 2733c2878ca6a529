const dateTime =
  /^(?<year>\d{4})(?:-(?<month>\d{2})(?:-(?<day>\d{2})(?<time>T(?!24)\d{2}:\d{2}:\d{2}(?<fraction>\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2}))?)?)?$/

/** First and last instant, in milliseconds since 1970 (UTC). */
export interface Span {
  readonly first: number
  readonly last: number
}

/** Where a day begins and ends: a name of the IANA time zone database. */
export const utc = 'UTC'

/**
 * First millisecond since 1970 (UTC) of a FHIR dateTime, whose precision may be a year, a month, a day or an instant;
 * undefined when the text is not one.
 */
export const firstInstant = (text: unknown, zone: string): number | undefined => spanOf(text, zone)?.first

/**
 * Last millisecond likewise: an end includes all that matches it, a date-only one that whole day (FHIR R4, data types,
 * Period), in the zone.
 */
export const lastInstant = (text: unknown, zone: string): number | undefined => spanOf(text, zone)?.last

/** All that a FHIR dateTime may mean; undefined when the text is none. */
export function spanOf(text: unknown, zone: string): Span | undefined {
  const groups = typeof text === 'string' ? dateTime.exec(text)?.groups : undefined
  if (groups === undefined) return undefined
  const year = Number(groups['year'])
  const month = numberOf(groups['month'])
  const day = numberOf(groups['day'])
  if (!isDay(year, month ?? 1, day ?? 1)) return undefined
  if (groups['time'] === undefined) {
    const { first, last } = spanOfDays(year, month, day)
    return { first: inZone(first, zone), last: inZone(last + 1, zone) - 1 }
  }
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
  // A day or month that does not exist becomes another one.
  return date.getUTCFullYear() === year && date.getUTCDate() === day
}

/** The instant at which the clocks of a zone show what those of UTC show at `shown`, or at which they leap over it. */
function inZone(shown: number, zone: string): number {
  if (zone === utc) return shown
  // Near a change of the clocks the first guess has the offset of the other side.
  const guess = shown - offsetAt(shown, zone)
  const instant = shown - offsetAt(guess, zone)
  const isShown = instant + offsetAt(instant, zone) === shown
  return isShown ? instant : Math.max(guess, instant)
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** How far the clocks of a zone are ahead of UTC, in milliseconds. Errors: RangeError for a zone that does not exist. */
function offsetAt(instant: number, zone: string): number {
  let format = formats.get(zone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formats.set(zone, format)
  }
  const parts = new Map(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]))
  const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0
  const shown = Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
  )
  return shown - Math.floor(instant / 1000) * 1000
}

/** A source of numbers from 0 to 1. */
export type Random = () => number

/** Repeatable random numbers (mulberry32), so that the same rounds always give the same interval. */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The value below which a share of the values lies, between neighbours by proportion. NaN of no values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  const place = (sorted.length - 1) * share
  const below = sorted[Math.floor(place)] ?? Number.NaN
  const above = sorted[Math.ceil(place)] ?? Number.NaN
  return below + (above - below) * (place - Math.floor(place))
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** A median and the interval that holds it. */
export interface Estimate {
  readonly median: number
  readonly low: number
  readonly high: number
}

const resamples = 2000

/** The median with its 95 % interval by the percentile bootstrap: medians of as many values drawn with replacement. */
export function estimate(values: readonly number[], random: Random): Estimate {
  const draw = (): number => values[Math.floor(random() * values.length)] ?? Number.NaN
  const medians = Array.from({ length: resamples }, () => median(values.map(draw)))
  return { median: median(values), low: quantile(medians, 0.025), high: quantile(medians, 0.975) }
}

/** Which of two arms runs in each round: ABBA, again and again, so that a drift of the machine hits both alike. */
export const interleaved = (blocks: number): readonly (0 | 1)[] =>
  Array.from({ length: blocks }, () => [0, 1, 1, 0] as const).flat()

/** Each round of the first arm against the round of the second that ran beside it. */
export function ratios(first: readonly number[], second: readonly number[]): number[] {
  if (first.length !== second.length) throw new RangeError('both arms need as many rounds')
  return first.map((value, index) => value / (second[index] ?? Number.NaN))
}

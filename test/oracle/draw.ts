import { seeded } from '../bench/statistics.ts'

/** Choices that a seed decides: the same seed makes the same choices in the same order. */
export interface Draw {
  /** From 0 up to but without the limit. */
  below(limit: number): number
  /** Whether something of this probability happens. */
  chance(probability: number): boolean
  one<Value>(values: readonly Value[]): Value
  /** Some of the values, in their order; each with this probability. */
  some<Value>(values: readonly Value[], probability?: number): Value[]
  shuffled<Value>(values: readonly Value[]): Value[]
  bytes(length: number): Buffer
}

export function createDraw(seed: number): Draw {
  const random = seeded(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  return {
    below,
    chance: (probability) => random() < probability,
    one(values) {
      const value = values[below(values.length)]
      if (value === undefined) throw new RangeError('there is nothing to choose from')
      return value
    },
    some: (values, probability = 0.5) => values.filter(() => random() < probability),
    shuffled: (values) =>
      values
        .map((value) => ({ value, place: random() }))
        .toSorted((one, other) => one.place - other.place)
        .map(({ value }) => value),
    bytes: (length) => Buffer.from(Array.from({ length }, () => below(256))),
  }
}

/**
 * Whether a condition holds, in Kleene's logic: what cannot be told is neither. "And" is the least of the values, "or" the
 * greatest. A permit needs `yes`; a deny is stopped by `no` alone, so that what is not understood still denies and never
 * permits.
 */
export type Truth = 0 | 1 | 2

export const no: Truth = 0
export const unknown: Truth = 1
export const yes: Truth = 2

/** "Or" over the values of one attribute; the attribute is there, so an empty list holds for nothing. */
export function some<Value>(values: readonly Value[], holds: (value: Value) => Truth): Truth {
  let best: Truth = no
  for (const value of values) {
    const truth = holds(value)
    if (truth === yes) return yes
    if (truth > best) best = truth
  }
  return best
}

export const both = (left: Truth, right: Truth): Truth => (left < right ? left : right)
export const when = (holds: boolean): Truth => (holds ? yes : no)

/** A source of choices that gives the same ones for the same seed. */
export interface Draw {
  /** A whole number between the two, both included. */
  integer(least: number, most: number): number
  of<Item>(items: readonly Item[]): Item
  bytes(length: number): Buffer
  /** Letters of base64url. */
  letters(length: number): string
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The generator mulberry32, which is small and even enough for choices. */
export function drawFrom(seed: number): Draw {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const integer = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1))
  return {
    integer,
    // The list is never empty; its items may be undefined.
    of: <Item>(items: readonly Item[]) => items[integer(0, items.length - 1)] as Item,
    bytes: (length) => Buffer.from(Array.from({ length }, () => integer(0, 255))),
    letters: (length) => Array.from({ length }, () => alphabet[integer(0, 63)]).join(''),
  }
}

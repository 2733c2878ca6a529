/** How long to wait for a peer before someone else is asked as well. */
export interface Pace {
  /** The own organisation's peer took so long for an endorsement. */
  answered(milliseconds: number): void
  /** Milliseconds. */
  hedgeMs(): number
}

export interface PaceLimits {
  readonly leastMs: number
  readonly mostMs: number
}

/** How much one more answer counts in what is usual. */
const weight = 1 / 8

/**
 * Twice what the own peer usually takes, within limits. When everybody is slow because there is much to do, asking one
 * more organisation for each request would only make more of it. Only the own peer's word counts here: another one
 * could be slow on purpose.
 */
export function createPace({ leastMs, mostMs }: PaceLimits): Pace {
  let usualMs = 0
  return {
    answered(milliseconds) {
      usualMs += (milliseconds - usualMs) * weight
    },
    hedgeMs: () => Math.min(mostMs, Math.max(leastMs, 2 * usualMs)),
  }
}

import type { Limits } from '../../gateway/src/config/index.ts'

/** Limits that no test reaches, but for those that it sets. */
export const limitsOf = (some: Partial<Limits>): Limits => ({
  personPerMinute: 100_000,
  organisationPerMinute: 100_000,
  refusedPerMinute: 100_000,
  eventLoopDelayMs: 0,
  ...some,
})

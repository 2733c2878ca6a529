import { limits, MedledgerError } from '../api/index.ts'

/** google.protobuf.Timestamp as the shim gives it; `seconds` may be a 64-bit object. */
export interface Timestamp {
  readonly seconds: unknown
  readonly nanos: number
}

/**
 * The transaction time, the same on every endorser, in milliseconds since 1970 (UTC). It is the submitter's claim, so
 * an endorser refuses when it is more than 60 s behind or 10 s ahead of its own clock; the own clock never enters a
 * result. Errors: CLOCK_SKEW.
 */
export function transactionTime(timestamp: Timestamp, nowMs: number): number {
  const at = Number(timestamp.seconds) * 1000 + Math.floor(timestamp.nanos / 1_000_000)
  if (!(at >= nowMs - limits.clockBehindMs && at <= nowMs + limits.clockAheadMs)) {
    throw new MedledgerError(
      'CLOCK_SKEW',
      'The clocks of gateway and endorser differ too much: check their time service.',
    )
  }
  return at
}

/** The instant as RFC 3339 text in UTC with milliseconds. */
export const toInstant = (at: number): string => new Date(at).toISOString()

/** By how much the time of a transaction can lie after that of one that is ordered after it. */
export const disorderMs = limits.clockBehindMs + limits.clockAheadMs

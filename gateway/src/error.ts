import { MedledgerError, type LedgerErrorCode } from 'medledger-chaincode/api'

/** What only a gateway says. */
export type GatewayOnlyCode =
  | 'NOT_AUTHENTICATED'
  | 'NOT_RELEASED'
  | 'ALREADY_RELEASED'
  | 'CUSTODIAN_UNAVAILABLE'
  | 'ISSUER_UNAVAILABLE'
  | 'ROUTE_NOT_FOUND'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'PAYLOAD_TOO_LARGE'
  | 'TOO_MANY_REQUESTS'
  | 'OVERLOADED'
  | 'REQUEST_CANCELLED'
  | 'IDEMPOTENCY_KEY_REUSED'

export type GatewayErrorCode = LedgerErrorCode | GatewayOnlyCode

/** HTTP status for each code; a new code without a status does not compile. */
export const statusOf = {
  INVALID_REQUEST: 400,
  INVALID_TOKEN: 401,
  NOT_AUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_RELEASED: 403,
  NOT_FOUND: 404,
  ROUTE_NOT_FOUND: 404,
  CONFLICT: 409,
  DUPLICATE_REQUEST: 409,
  ALREADY_RELEASED: 409,
  REQUEST_CANCELLED: 409,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  LIMIT_EXCEEDED: 422,
  IDEMPOTENCY_KEY_REUSED: 422,
  TOO_MANY_REQUESTS: 429,
  INTERNAL: 500,
  CLOCK_SKEW: 503,
  NOT_READY: 503,
  OVERLOADED: 503,
  CHANGED_MEANWHILE: 503,
  LEDGER_UNAVAILABLE: 503,
  CUSTODIAN_UNAVAILABLE: 503,
  ISSUER_UNAVAILABLE: 503,
  OUTCOME_UNKNOWN: 202,
} as const satisfies Record<GatewayErrorCode, number>

/** An error of a gateway's own: code and a message for people, without personal data. */
export class GatewayError extends Error {
  readonly code: GatewayErrorCode

  constructor(code: GatewayErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'GatewayError'
    this.code = code
  }
}

/** What is wrong with an element of a resource: where, by FHIR's path, and in words of ours, without the value. */
export interface Fault {
  readonly path: string
  readonly text: string
}

/** INVALID_REQUEST of a resource, with everything that is wrong with it. */
export class InvalidResource extends GatewayError {
  readonly faults: readonly Fault[]

  constructor(faults: readonly Fault[]) {
    super('INVALID_REQUEST', faults.map(({ path, text }) => `${path} ${text}.`).join(' '))
    this.name = 'InvalidResource'
    this.faults = faults
  }
}

/** TOO_MANY_REQUESTS, with what the caller is told of the limit (draft-ietf-httpapi-ratelimit-headers-07). */
export class TooManyRequests extends GatewayError {
  readonly headers: Readonly<Record<string, string>>

  constructor(perMinute: number, seconds: number) {
    super('TOO_MANY_REQUESTS', `That is too much for now: ask again in ${seconds} s.`)
    this.name = 'TooManyRequests'
    this.headers = {
      'retry-after': String(seconds),
      'ratelimit-limit': String(perMinute),
      'ratelimit-remaining': '0',
      'ratelimit-reset': String(seconds),
    }
  }
}

/** An error that may be shown to a caller, as opposed to an unexpected one. */
export const isSpoken = (error: unknown): error is GatewayError | MedledgerError =>
  error instanceof GatewayError || error instanceof MedledgerError

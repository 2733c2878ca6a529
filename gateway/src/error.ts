import { MedledgerError, type LedgerErrorCode } from 'medledger-chaincode/api'

/** What only a gateway says. */
export type GatewayOnlyCode =
  | 'NOT_AUTHENTICATED'
  | 'NOT_RELEASED'
  | 'ALREADY_RELEASED'
  | 'CUSTODIAN_UNAVAILABLE'
  | 'ROUTE_NOT_FOUND'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'PAYLOAD_TOO_LARGE'

export type GatewayErrorCode = LedgerErrorCode | GatewayOnlyCode

/** HTTP status for each code; a new code without a status does not compile. */
export const statusOf = {
  INVALID_REQUEST: 400,
  INVALID_TOKEN: 401,
  NOT_AUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_RELEASED: 403,
  ALREADY_RELEASED: 403,
  NOT_FOUND: 404,
  ROUTE_NOT_FOUND: 404,
  CONFLICT: 409,
  DUPLICATE_REQUEST: 409,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  LIMIT_EXCEEDED: 422,
  INTERNAL: 500,
  CLOCK_SKEW: 503,
  NOT_READY: 503,
  CHANGED_MEANWHILE: 503,
  LEDGER_UNAVAILABLE: 503,
  CUSTODIAN_UNAVAILABLE: 503,
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

/** An error that may be shown to a caller, as opposed to an unexpected one. */
export const isSpoken = (error: unknown): error is GatewayError | MedledgerError =>
  error instanceof GatewayError || error instanceof MedledgerError

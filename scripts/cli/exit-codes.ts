/** What the command line's exit codes mean; scripts rely on them. */
export const exitCodes = {
  done: 0,
  error: 1,
  badInput: 2,
  notFound: 3,
  refused: 4,
  unavailable: 5,
  verificationFailed: 6,
  outcomeUnknown: 7,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Ends a command with one line for people on standard error and an exit code for scripts. */
export class Failure extends Error {
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Failure'
    this.exitCode = exitCode
  }
}

const byCode: Readonly<Record<string, ExitCode>> = {
  OUTCOME_UNKNOWN: exitCodes.outcomeUnknown,
  VERIFICATION_FAILED: exitCodes.verificationFailed,
  ROUTE_NOT_FOUND: exitCodes.error,
}

const byStatus: Readonly<Record<number, ExitCode>> = {
  202: exitCodes.outcomeUnknown,
  400: exitCodes.badInput,
  401: exitCodes.refused,
  403: exitCodes.refused,
  404: exitCodes.notFound,
  413: exitCodes.badInput,
  415: exitCodes.badInput,
  422: exitCodes.badInput,
  429: exitCodes.unavailable,
  502: exitCodes.unavailable,
  503: exitCodes.unavailable,
  504: exitCodes.unavailable,
}

/** The exit code for a gateway's answer: by its stable code where that says more than the HTTP status. */
export function exitCodeOf(status: number, code: string | undefined): ExitCode {
  const known = code === undefined ? undefined : byCode[code]
  return known ?? byStatus[status] ?? (status < 300 ? exitCodes.done : exitCodes.error)
}

/**
 * Every way in which the ledger's side of Medledger says no. The code is stable, the message is for people and never
 * holds personal data.
 *
 * | code | meaning |
 * |---|---|
 * | INVALID_REQUEST | the request's form or content is wrong: do not repeat it unchanged |
 * | INVALID_TOKEN | the token is not one that this channel accepts now |
 * | FORBIDDEN | this caller may not do this |
 * | NOT_FOUND | nothing of the caller's own has this id |
 * | CONFLICT | the ledger already holds something else under this id |
 * | DUPLICATE_REQUEST | the request id has been used: read its entry instead |
 * | CLOCK_SKEW | the submitter's clock and an endorser's differ too much |
 * | NOT_READY | the placement or registry has not been opened yet |
 * | LIMIT_EXCEEDED | a stated limit is reached |
 * | CHANGED_MEANWHILE | what the request read kept changing; nothing was committed |
 * | LEDGER_UNAVAILABLE | not enough of the ledger answers; nothing was committed |
 * | OUTCOME_UNKNOWN | the request was sent and its outcome is not known yet |
 * | INTERNAL | a fault of ours; the log has it under the request's id |
 */
export const ledgerErrorCodes = [
  'INVALID_REQUEST',
  'INVALID_TOKEN',
  'FORBIDDEN',
  'NOT_FOUND',
  'CONFLICT',
  'DUPLICATE_REQUEST',
  'CLOCK_SKEW',
  'NOT_READY',
  'LIMIT_EXCEEDED',
  'CHANGED_MEANWHILE',
  'LEDGER_UNAVAILABLE',
  'OUTCOME_UNKNOWN',
  'INTERNAL',
] as const
export type LedgerErrorCode = (typeof ledgerErrorCodes)[number]

export class MedledgerError extends Error {
  readonly code: LedgerErrorCode

  constructor(code: LedgerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'MedledgerError'
    this.code = code
  }
}

/** Only the message of an error survives the shim, so the code travels in front of it: see {@link readMessage}. */
export const writeMessage = (error: MedledgerError): string => `[${error.code}] ${error.message}`

const written = new RegExp(`\\[(${ledgerErrorCodes.join('|')})\\] ([^\\n]{0,500})`)

/** The error inside a peer's message, which may surround it with words of its own; undefined when it is not ours. */
export function readMessage(text: string): MedledgerError | undefined {
  const match = written.exec(text)
  if (match === null) return undefined
  const [, code, message] = match
  return new MedledgerError(code as LedgerErrorCode, message ?? '')
}

import type { OperationOutcome } from 'fhir/r4.js'
import { isSpoken } from '../error.ts'
import { outcomeOf } from '../fhir/common.ts'
import type { Log } from '../log.ts'

/** Tells of custodians that did not answer, so that a list that lacks theirs does not pass for a complete one. */
export function outcomesOf(
  failures: readonly { readonly custodian: string; readonly error: unknown }[],
  log: Log,
): OperationOutcome[] {
  return failures.map(({ custodian, error }) => {
    if (isSpoken(error)) return outcomeOf(error.code, `${custodian}: ${error.message}`)
    log.fault('placement', error, { custodian })
    return outcomeOf('INTERNAL', `${custodian}: a fault of ours; the log has it.`)
  })
}

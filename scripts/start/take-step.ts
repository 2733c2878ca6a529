import { randomBytes } from 'node:crypto'
import {
  complete,
  endorsersOf,
  MedledgerError,
  seal,
  type Constitution,
  type Endorsers,
  type LedgerErrorCode,
  type RequestOf,
  type SealedRequest,
} from 'medledger-chaincode/api'
import type { LedgerTransport } from 'medledger-gateway/ledger'
import type { BootstrapStep } from './bootstrap-steps.ts'

export interface StepOptions {
  readonly constitution: Constitution
  readonly transport: Pick<LedgerTransport, 'submit'>
  /** Instant after which the step is given up, in milliseconds of `now`. */
  readonly deadline: number
  readonly now: () => number
  readonly wait: (ms: number) => Promise<void>
}

/** Answers that say that the ledger has it already. */
const settled: ReadonlySet<LedgerErrorCode> = new Set(['CONFLICT', 'DUPLICATE_REQUEST'])

/** Answers after which the very same request is worth repeating. */
const passing: ReadonlySet<LedgerErrorCode> = new Set([
  'LEDGER_UNAVAILABLE',
  'OUTCOME_UNKNOWN',
  'CHANGED_MEANWHILE',
  'NOT_READY',
])

const retryMs = 250

interface Submission {
  readonly sealed: SealedRequest
  readonly endorsers: Endorsers
}

function toSubmission(step: BootstrapStep, constitution: Constitution): Submission {
  const submission = <Name extends BootstrapStep['name']>(
    name: Name,
    request: RequestOf<Name>,
  ): Submission => ({
    sealed: seal(name, request),
    endorsers: endorsersOf(constitution, name, request),
  })
  if (step.name === 'AddIssuerKey') return submission(step.name, complete<'AddIssuerKey'>(step.fields))
  if (step.name === 'RevokeIssuerKey') return submission(step.name, complete<'RevokeIssuerKey'>(step.fields))
  if (step.name === 'RegisterPerson') return submission(step.name, complete<'RegisterPerson'>(step.fields))
  if (step.name === 'RegisterPatient') return submission(step.name, complete<'RegisterPatient'>(step.fields))
  const secret = randomBytes(32).toString('hex')
  return submission(step.name, complete<'OpenPlacement'>({ ...step.fields, secret }))
}

/**
 * Has a step committed. A retry is the same request, so that an outcome that was not learnt cannot become two.
 * Errors: the ledger's, once it is no use to repeat the request or the deadline has passed.
 */
export async function takeStep(
  step: BootstrapStep,
  { constitution, transport, deadline, now, wait }: StepOptions,
): Promise<void> {
  const { sealed, endorsers } = toSubmission(step, constitution)
  for (;;) {
    try {
      await transport.submit(sealed, endorsers)
      return
    } catch (error) {
      if (!(error instanceof MedledgerError)) throw error
      if (settled.has(error.code)) return
      if (!passing.has(error.code) || now() > deadline) throw error
      await wait(retryMs)
    }
  }
}

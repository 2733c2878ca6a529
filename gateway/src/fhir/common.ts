import type { Bundle, BundleEntry, FhirResource, OperationOutcome } from 'fhir/r4.js'
import type { Fault, GatewayErrorCode } from '../error.ts'

/** The system of our error codes in an OperationOutcome. */
export const errorSystem = 'urn:medledger:error'

/** FHIR's issue type (value set issue-type) that comes nearest to a code. */
const issueTypeOf = {
  INVALID_REQUEST: 'invalid',
  INVALID_TOKEN: 'login',
  NOT_AUTHENTICATED: 'login',
  FORBIDDEN: 'forbidden',
  NOT_RELEASED: 'forbidden',
  ALREADY_RELEASED: 'duplicate',
  REQUEST_CANCELLED: 'conflict',
  IDEMPOTENCY_KEY_REUSED: 'conflict',
  NOT_FOUND: 'not-found',
  ROUTE_NOT_FOUND: 'not-supported',
  CONFLICT: 'conflict',
  DUPLICATE_REQUEST: 'duplicate',
  PAYLOAD_TOO_LARGE: 'too-long',
  UNSUPPORTED_MEDIA_TYPE: 'not-supported',
  LIMIT_EXCEEDED: 'business-rule',
  TOO_MANY_REQUESTS: 'throttled',
  OVERLOADED: 'throttled',
  INTERNAL: 'exception',
  CLOCK_SKEW: 'transient',
  NOT_READY: 'transient',
  CHANGED_MEANWHILE: 'transient',
  LEDGER_UNAVAILABLE: 'transient',
  CUSTODIAN_UNAVAILABLE: 'transient',
  ISSUER_UNAVAILABLE: 'transient',
  OUTCOME_UNKNOWN: 'incomplete',
} as const satisfies Record<GatewayErrorCode, OperationOutcome['issue'][number]['code']>

/** An OperationOutcome for an error; `diagnostics` is for people. */
export function outcomeOf(code: GatewayErrorCode, diagnostics: string): OperationOutcome {
  const severity = code === 'OUTCOME_UNKNOWN' ? 'warning' : 'error'
  return {
    resourceType: 'OperationOutcome',
    issue: [
      {
        severity,
        code: issueTypeOf[code],
        details: { coding: [{ system: errorSystem, code }] },
        diagnostics,
      },
    ],
  }
}

/** As many faults as an answer names; a resource with more has more than one round to go anyway. */
const maximumFaults = 200

/** An OperationOutcome for a resource that is refused: an issue for each fault, with its path. */
export function outcomeOfFaults(faults: readonly Fault[]): OperationOutcome {
  const issue = faults
    .slice(0, maximumFaults)
    .flatMap(({ path, text }) =>
      outcomeOf('INVALID_REQUEST', `${path} ${text}.`).issue.map((told) => ({ ...told, expression: [path] })),
    )
  const others = faults.length - issue.length
  const more = others > 0 ? outcomeOf('INVALID_REQUEST', `There are ${others} faults more.`).issue : []
  return { resourceType: 'OperationOutcome', issue: [...issue, ...more] }
}

/** The same on every answer, permits included: what is not shown must not be guessed from its absence. */
export const incompleteNotice: OperationOutcome = {
  resourceType: 'OperationOutcome',
  issue: [
    {
      severity: 'information',
      code: 'informational',
      details: { text: 'This may not be all that is known of the patient.' },
    },
  ],
}

/** Of a search's answer that is no whole one. */
interface Paging {
  /** It begins somewhere in the midst. */
  readonly isPart?: boolean
  /** Path of the page after it. */
  readonly next?: string
}

/** A search's answer: what matched, and what is to be said about it. How many match in all is said where it is known. */
export function searchset(
  matches: readonly FhirResource[],
  outcomes: readonly OperationOutcome[] = [],
  { isPart = false, next }: Paging = {},
): Bundle {
  const entry: BundleEntry[] = [
    ...matches.map((resource): BundleEntry => ({ resource, search: { mode: 'match' } })),
    ...[...outcomes, incompleteNotice].map((resource): BundleEntry => ({
      resource,
      search: { mode: 'outcome' },
    })),
  ]
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    ...(!isPart && next === undefined && { total: matches.length }),
    ...(next !== undefined && { link: [{ relation: 'next', url: next }] }),
    entry,
  }
}

export const actReason = 'http://terminology.hl7.org/CodeSystem/v3-ActReason'

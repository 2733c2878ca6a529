import { Type, type TSchema } from 'typebox'
import { statusOf, type GatewayErrorCode } from '../error.ts'
import { errorSystem, outcomeOf } from '../fhir/common.ts'

/** What each code means to a caller. */
export const meaningOf = {
  INVALID_REQUEST: 'A parameter or member is missing or not well formed.',
  INVALID_TOKEN: 'The token is not accepted.',
  NOT_AUTHENTICATED: 'Send an access token: Authorization: Bearer …',
  FORBIDDEN: 'This caller may not do this.',
  NOT_RELEASED:
    'Nothing is released: restricted, absent and unknown are one answer. The request is on record.',
  ALREADY_RELEASED: 'This access has been answered: request the documents again.',
  NOT_FOUND: 'Nothing of your own has this id.',
  ROUTE_NOT_FOUND: 'There is no such address here.',
  CONFLICT: 'The ledger already holds something else under this id.',
  DUPLICATE_REQUEST: 'The request id has been used.',
  REQUEST_CANCELLED: 'The request was withdrawn and will have no effect: ask anew, with another key.',
  IDEMPOTENCY_KEY_REUSED: 'The key was used for another request.',
  PAYLOAD_TOO_LARGE: 'The body is larger than this route takes.',
  UNSUPPORTED_MEDIA_TYPE: 'Send application/fhir+json or application/json.',
  LIMIT_EXCEEDED: 'A stated limit is reached.',
  TOO_MANY_REQUESTS: 'That is too much for now: ask again after Retry-After.',
  INTERNAL: 'A fault of ours; the log has it under the request id.',
  CLOCK_SKEW: "The gateway's clock and an endorser's differ too much.",
  NOT_READY: 'The gateway or the placement is not ready.',
  OVERLOADED: 'There is more to do than can be done: ask again in a moment.',
  CHANGED_MEANWHILE: 'What the request read kept changing; nothing was committed.',
  LEDGER_UNAVAILABLE: 'Not enough of the ledger answers; nothing was committed.',
  ISSUER_UNAVAILABLE: 'Which keys the identity provider has cannot be learned now.',
  CUSTODIAN_UNAVAILABLE: "The custodian's gateway does not answer; the access is on record.",
  OUTCOME_UNKNOWN: 'The request was sent and its outcome is not known yet: ask at the address in Location.',
} as const satisfies Record<GatewayErrorCode, string>

const exampleId = '8b0c5f5e-5b1f-4a53-9f0e-0d7c2f9a1e11'

/** OperationOutcome (FHIR R4) as errors are told under /fhir. */
const outcomeSchema = (codes: readonly GatewayErrorCode[]): TSchema =>
  Type.Object({
    resourceType: Type.Literal('OperationOutcome'),
    issue: Type.Array(
      Type.Object({
        severity: Type.Enum(['error', 'warning', 'information']),
        code: Type.String(),
        details: Type.Object({
          coding: Type.Array(
            Type.Object({ system: Type.Literal(errorSystem), code: Type.Enum([...codes]) }),
            { minItems: 1 },
          ),
        }),
        diagnostics: Type.String(),
        expression: Type.Optional(Type.Array(Type.String(), { minItems: 1 })),
      }),
      { minItems: 1 },
    ),
  })

/** Problem details (RFC 9457) as errors are told elsewhere. */
const problemSchema = (status: number, codes: readonly GatewayErrorCode[]): TSchema =>
  Type.Object(
    {
      type: Type.Enum(codes.map((code) => `${errorSystem}:${code}`)),
      title: Type.String(),
      status: Type.Literal(status),
      code: Type.Enum([...codes]),
      instance: Type.String({ format: 'uuid' }),
    },
    { additionalProperties: false },
  )

/** The media type, schema and an example per code of an error's answer. */
export interface ErrorContent {
  readonly type: string
  readonly schema: TSchema
  readonly examples: Readonly<Record<string, { readonly value: unknown }>>
}

export function errorContent(
  isFhir: boolean,
  status: number,
  codes: readonly GatewayErrorCode[],
): ErrorContent {
  const example = (code: GatewayErrorCode): unknown =>
    isFhir
      ? outcomeOf(code, meaningOf[code])
      : { type: `${errorSystem}:${code}`, title: meaningOf[code], status, code, instance: exampleId }
  return {
    type: isFhir ? 'application/fhir+json' : 'application/problem+json',
    schema: isFhir ? outcomeSchema(codes) : problemSchema(status, codes),
    examples: Object.fromEntries(codes.map((code) => [code, { value: example(code) }])),
  }
}

/** Codes by HTTP status, each once. */
export const byStatus = (codes: readonly GatewayErrorCode[]): ReadonlyMap<number, GatewayErrorCode[]> =>
  Map.groupBy(new Set(codes), (code) => statusOf[code])

import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { outcomeOf, outcomeOfFaults } from './fhir/common.ts'
import {
  GatewayError,
  InvalidResource,
  isSpoken,
  statusOf,
  TooManyRequests,
  type Fault,
  type GatewayErrorCode,
} from './error.ts'
import { Unsettled } from './ledger/index.ts'
import type { Log } from './log.ts'
import { codeOf, isUnavailable } from './store/index.ts'

/** Codes of Fastify's own errors, as ours. */
const fastifyCodes: Readonly<Record<string, [GatewayErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['PAYLOAD_TOO_LARGE', 'The body is larger than this route takes.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'UNSUPPORTED_MEDIA_TYPE',
    'Send application/fhir+json or application/json.',
  ],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['INVALID_REQUEST', 'The body is empty.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['INVALID_REQUEST', 'The content length is wrong.'],
  FST_ERR_VALIDATION: ['INVALID_REQUEST', 'A parameter or member is missing or not well formed.'],
}

/** Turns every error into an answer: OperationOutcome under /fhir, problem details (RFC 9457) elsewhere. */
export const createErrorHandler =
  (log: Log) =>
  (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    if (isSpoken(error)) {
      // Ours is the fault, or the network's: the log must show it. What a caller did wrong is the caller's affair.
      if (statusOf[error.code] >= 500) log.event('refused', { code: error.code })
      if (error instanceof TooManyRequests) reply.headers(error.headers)
      if (error instanceof Unsettled) {
        // Only a request that leaves an entry has one to name and to ask for.
        if (error.statusPath !== undefined) {
          reply.header('x-medledger-entry', error.request)
          reply.header('location', error.statusPath)
        }
      }
      return replyWith(request, reply, error.code, error.message, faultsOf(error))
    }
    const known = fastifyCodes[(error as FastifyError).code]
    if (known !== undefined) return replyWith(request, reply, ...known)
    const { statusCode } = error as FastifyError
    if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
      return replyWith(request, reply, 'INVALID_REQUEST', 'The request is not well formed.')
    }
    return replyUnexpected(log, error, request, reply)
  }

function replyUnexpected(
  log: Log,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (isUnavailable(error)) {
    log.event('refused', { code: 'NOT_READY', database: codeOf(error) })
    return replyWith(request, reply, 'NOT_READY', 'A database does not answer: ask again in a moment.')
  }
  log.fault('route', error)
  return replyWith(request, reply, 'INTERNAL', 'A fault of ours; the log has it under the request id.')
}

const faultsOf = (error: Error): readonly Fault[] => (error instanceof InvalidResource ? error.faults : [])

export function replyWith(
  request: FastifyRequest,
  reply: FastifyReply,
  code: GatewayErrorCode,
  message: string,
  faults: readonly Fault[] = [],
): FastifyReply {
  const status = statusOf[code]
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="medledger"')
  if (status === 503 || status === 202) reply.header('retry-after', '2')
  reply.status(status)
  // The route, where there is one: its address can be spelled in several ways.
  if ((request.routeOptions.url ?? request.url).startsWith('/fhir')) {
    const outcome = faults.length > 0 ? outcomeOfFaults(faults) : outcomeOf(code, message)
    return reply.type('application/fhir+json').send(outcome)
  }
  const type = `urn:medledger:error:${code}`
  return reply
    .type('application/problem+json')
    .send({ type, title: message, status, code, instance: request.id })
}

export const routeNotFound = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
  const error = new GatewayError('ROUTE_NOT_FOUND', 'There is no such address here.')
  return replyWith(request, reply, error.code, error.message)
}

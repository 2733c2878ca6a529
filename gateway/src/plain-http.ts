import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { GatewayError, type GatewayErrorCode } from './error.ts'

/**
 * Header fields that a request has once at most. Of two, a proxy in front may believe the one and this gateway the other
 * (RFC 9110, section 5.3).
 */
const singular: ReadonlySet<string> = new Set([
  'authorization',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'transfer-encoding',
  'x-purpose-of-use',
])

const withoutBody: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE'])

/**
 * Refuses, before anything else is looked at, what two readers could read differently: a header that occurs twice, a
 * body where none belongs, another framing than HTTP/1.1's two, another coding or charset than the body is read with.
 * Errors: INVALID_REQUEST, UNSUPPORTED_MEDIA_TYPE.
 */
export function requirePlainRequests(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    // No protocol is switched to here, and what follows such a request on its connection would not be read.
    if (request.headers.upgrade !== undefined) reply.header('connection', 'close')
    requirePlainHead(request)
    requirePlainBody(request)
  })
}

const invalid = (message: string): GatewayError => new GatewayError('INVALID_REQUEST', message)

function requirePlainHead({ raw }: FastifyRequest): void {
  if (raw.httpVersion !== '1.1' && raw.httpVersion !== '1.0') throw invalid('Speak HTTP/1.1.')
  const seen = new Set<string>()
  for (let index = 0; index < raw.rawHeaders.length; index += 2) {
    const name = raw.rawHeaders[index]?.toLowerCase() ?? ''
    if (seen.has(name) && singular.has(name)) throw invalid(`The header ${name} may occur once only.`)
    seen.add(name)
  }
}

function requirePlainBody({ method, headers }: FastifyRequest): void {
  const { 'transfer-encoding': framing, 'content-length': length } = headers
  if (framing !== undefined && framing.toLowerCase() !== 'chunked') {
    throw invalid('The only transfer coding is chunked.')
  }
  if (withoutBody.has(method) && (framing !== undefined || Number(length ?? 0) !== 0)) {
    throw invalid('This request has no use for a body.')
  }
  if (!isPlainText(headers)) {
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', 'Send the body as UTF-8 and without a content coding.')
  }
}

const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i

function isPlainText({
  'content-encoding': coding,
  'content-type': type,
}: FastifyRequest['headers']): boolean {
  const named = charset.exec(type ?? '')?.[1] ?? 'utf-8'
  return (coding ?? 'identity').toLowerCase() === 'identity' && named.toLowerCase() === 'utf-8'
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Answers what is no HTTP request, in the form of every other refusal, and closes the connection. */
export interface BrokenRequests {
  /** Has to hear of every request. */
  readonly watch: (request: IncomingMessage, response: ServerResponse) => void
  readonly answer: (error: Error & { readonly code?: string }, socket: Socket) => void
}

export function createBrokenRequests(): BrokenRequests {
  const latest = new WeakMap<Socket, Exchange>()
  return {
    watch(request, response) {
      latest.set(request.socket, { request, response })
    },
    answer(error, socket) {
      // An answer to bytes behind a whole request would be taken for the answer to that request.
      const before = latest.get(socket)
      const isAnswering = before?.request.complete === true && !before.response.writableFinished
      if (socket.writable && !isAnswering && error.code !== 'ECONNRESET') socket.write(refusalOf(error.code))
      socket.destroy()
    },
  }
}

const refusals: Readonly<Record<string, readonly [status: string, title: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'The address or the headers are too long.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request did not come in time.'],
}

function refusalOf(error = ''): string {
  const [status, title] = refusals[error] ?? ['400 Bad Request', 'This is not an HTTP request.']
  const code: GatewayErrorCode = 'INVALID_REQUEST'
  const body = JSON.stringify({
    type: `urn:medledger:error:${code}`,
    title,
    status: Number(status.slice(0, 3)),
    code,
  })
  return [
    `HTTP/1.1 ${status}`,
    'cache-control: no-store',
    'x-content-type-options: nosniff',
    'content-type: application/problem+json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    body,
  ].join('\r\n')
}

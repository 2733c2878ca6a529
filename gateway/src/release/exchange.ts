import type { TLSSocket } from 'node:tls'
import { X509Certificate } from 'node:crypto'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify'
import { check } from 'medledger-chaincode/api'
import type { Partners } from '../config/index.ts'
import { GatewayError, isSpoken, statusOf, type GatewayErrorCode } from '../error.ts'
import { parseJson } from '../json-body.ts'
import type { Log } from '../log.ts'
import { isUnavailable } from '../store/index.ts'
import type { Give } from './give.ts'
import { ReleaseRequest } from './message.ts'

interface Options {
  readonly certificate: string
  readonly privateKey: string
  readonly partners: Partners
  readonly give: Give
  /** Called after each answer. */
  readonly answered: () => void
  readonly log: Log
}

/** The server that other organisations' gateways ask for releases, over mutual TLS (TLS 1.3). */
export function createExchange({
  certificate,
  privateKey,
  partners,
  give,
  answered,
  log,
}: Options): FastifyInstance {
  const server = Fastify({
    https: {
      cert: certificate,
      key: privateKey,
      ca: Object.values(partners).map(({ authority }) => authority),
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
    },
    bodyLimit: 4096,
    logger: false,
  }) as unknown as FastifyInstance
  server.removeAllContentTypeParsers()
  server.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (_request: unknown, body: Buffer) => parseJson(body),
  )
  const organisationOf = createOrganisationOf(partners)
  server.post('/releases', async (request, reply) => {
    const asker = organisationOf(request)
    const answer = await give(check(ReleaseRequest, request.body, 'request'), asker)
    reply.raw.once('finish', answered)
    return answer
  })
  server.setErrorHandler(async (error, _request, reply) => {
    const code = codeOf(error)
    if (code === 'INTERNAL') log.fault('exchange', error)
    if (code === 'NOT_READY') log.event('refused', { code, exchange: true })
    return reply.status(statusOf[code]).send({ code })
  })
  server.setNotFoundHandler(async (_request, reply) => reply.status(404).send({ code: 'ROUTE_NOT_FOUND' }))
  return server
}

/** A partner's malformed request is no fault of ours, and must not fill the log. */
function codeOf(error: unknown): GatewayErrorCode {
  if (isSpoken(error)) return error.code
  if (isUnavailable(error)) return 'NOT_READY'
  const { statusCode } = error as Partial<FastifyError>
  return statusCode !== undefined && statusCode < 500 ? 'INVALID_REQUEST' : 'INTERNAL'
}

/**
 * Finds the organisation whose authority issued the caller's certificate, to its gateway; a name alone proves nothing. A
 * connection's certificate does not change, so each is looked at once. Errors: NOT_AUTHENTICATED.
 */
function createOrganisationOf(partners: Partners): (request: FastifyRequest) => string {
  const known = new WeakMap<object, string>()
  const authorities = Object.entries(partners).map(([name, partner]) => ({
    name,
    host: partner.name,
    issuer: new X509Certificate(partner.authority),
  }))
  return ({ raw: { socket } }) => {
    const found = known.get(socket)
    if (found !== undefined) return found
    const der = (socket as TLSSocket).getPeerCertificate(true).raw as Buffer | undefined
    const certificate = der && new X509Certificate(der)
    const match = authorities.find(
      ({ host, issuer }) =>
        certificate?.checkIssued(issuer) &&
        certificate.verify(issuer.publicKey) &&
        certificate.checkHost(host) !== undefined,
    )
    if (match === undefined)
      throw new GatewayError(
        'NOT_AUTHENTICATED',
        'The certificate belongs to no organisation of the channel.',
      )
    known.set(socket, match.name)
    return match.name
  }
}

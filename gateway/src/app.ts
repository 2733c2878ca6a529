import { randomUUID } from 'node:crypto'
import { TypeBoxValidatorCompiler, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyInstance } from 'fastify'
import { authenticateRoutes } from './authenticate.ts'
import { createErrorHandler, routeNotFound } from './error-reply.ts'
import { parseJson } from './json-body.ts'
import { auditEventRoutes } from './routes/audit-event.ts'
import { bundleRoutes } from './routes/bundle.ts'
import { consentRoutes } from './routes/consent.ts'
import { consentListRoutes } from './routes/consent-list.ts'
import { documentReferenceRoutes } from './routes/document-reference.ts'
import { healthRoutes } from './routes/health.ts'
import { recordRoutes } from './routes/records.ts'
import { requestRoutes } from './routes/requests.ts'
import type { Services } from './services.ts'

const bodyBytes = 256 * 1024

/** Whether a person was given or refused what she asked for is hers to know, not the log's. */
const statusForLog = (status: number): string =>
  status === 200 || status === 403 ? 'answered' : String(status)

/** One organisation's HTTP interface. */
export function createApp(services: Services): FastifyInstance {
  const answerError = createErrorHandler(services.log)
  const app = Fastify({
    bodyLimit: bodyBytes,
    // A HEAD would commit an access and use up its release.
    exposeHeadRoutes: false,
    requestTimeout: 30_000,
    // An id from outside could carry anything into the log.
    genReqId: () => randomUUID(),
    logger: false,
    routerOptions: { maxParamLength: 200 },
    // What the router itself refuses would otherwise be answered with the address, which may name a patient.
    frameworkErrors: (error, request, reply) => {
      answerError(error, request, reply)
    },
  })
    .withTypeProvider<TypeBoxTypeProvider>()
    .setValidatorCompiler(TypeBoxValidatorCompiler) as unknown as FastifyInstance
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    ['application/json', 'application/fhir+json'],
    { parseAs: 'buffer' },
    async (_request: unknown, body: Buffer) => parseJson(body),
  )
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    reply.header('x-content-type-options', 'nosniff')
    reply.header('x-request-id', request.id)
  })
  authenticateRoutes(app, services.authenticate)
  app.addHook('onResponse', async (request, reply) => {
    // The route's pattern, never the address itself: that may name a patient.
    const route = request.routeOptions.url ?? 'none'
    const entry = reply.getHeader('x-medledger-entry')
    services.log.event('request', {
      request: request.id,
      method: request.method,
      route,
      status: statusForLog(reply.statusCode),
      milliseconds: Math.round(reply.elapsedTime),
      ...(typeof entry === 'string' && entry !== '' && { entry }),
    })
  })
  app.setErrorHandler(answerError)
  app.setNotFoundHandler(routeNotFound)
  const routes = [
    healthRoutes,
    documentReferenceRoutes,
    bundleRoutes,
    consentRoutes,
    consentListRoutes,
    auditEventRoutes,
    recordRoutes,
    requestRoutes,
  ]
  for (const register of routes) register(app, services)
  return app
}

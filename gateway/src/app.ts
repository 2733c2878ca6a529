import { randomUUID } from 'node:crypto'
import { TypeBoxValidatorCompiler, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyInstance } from 'fastify'
import { authenticateRoutes } from './authenticate.ts'
import type { Limits } from './config/index.ts'
import { GatewayError } from './error.ts'
import { createErrorHandler, routeNotFound } from './error-reply.ts'
import { setHeaders, setHeadersOf } from './headers.ts'
import { idempotentRoutes } from './idempotency.ts'
import { parseJson } from './json-body.ts'
import { limitRequests, shedLoad } from './limits.ts'
import { onBehalfOf, type Log } from './log.ts'
import { isAnswer, type Metrics } from './metrics.ts'
import { createBrokenRequests, requirePlainRequests } from './plain-http.ts'
import { collectRoutes } from './openapi/index.ts'
import { auditEventRoutes } from './routes/audit-event.ts'
import { bundleRoutes } from './routes/bundle.ts'
import { consentRoutes } from './routes/consent.ts'
import { consentListRoutes } from './routes/consent-list.ts'
import { decisionRoutes } from './routes/decision.ts'
import { documentReferenceRoutes } from './routes/document-reference.ts'
import { documentationRoutes } from './routes/documentation.ts'
import { healthRoutes, type Probes } from './routes/health.ts'
import { recordRoutes } from './routes/records.ts'
import { requestRoutes } from './routes/requests.ts'
import { simulationRoutes } from './routes/simulation.ts'
import type { Services } from './services.ts'

const bodyBytes = 256 * 1024

/** How the interface is run; a test that is not about it leaves it out. */
export interface Operation {
  readonly metrics?: Metrics
  /** Undefined: none. */
  readonly limits?: Limits
  /** Addresses whose X-Forwarded-For is believed. */
  readonly trustedProxies?: readonly string[]
  /** What else than the ledger must work before the gateway is ready. */
  readonly probes?: Probes
  /** What it can do without for a while; see `/readyz`. */
  readonly shared?: Probes
  /** Whether the gateway is being stopped and takes nothing new. */
  readonly stopping?: () => boolean
}

/** One organisation's HTTP interface. */
export async function createApp(services: Services, operation: Operation = {}): Promise<FastifyInstance> {
  const { limits, metrics = unmeasured, stopping = () => false, trustedProxies = [] } = operation
  const app = createServer(services.log, trustedProxies)
  await setHeaders(app)
  recordRequests(app, services.log, metrics)
  requirePlainRequests(app)
  refuseWhileStopping(app, stopping)
  if (limits !== undefined) await shedLoad(app, limits, metrics)
  const { authenticate, constitution } = services
  authenticateRoutes(
    app,
    limits === undefined
      ? authenticate
      : await limitRequests(app, authenticate, { limits, constitution, metrics }),
  )
  idempotentRoutes(app, { ...services, keys: services.idempotencyKeys })
  const described = collectRoutes(app)
  healthRoutes(app, services, { stopping, probes: operation.probes ?? {}, shared: operation.shared ?? {} })
  const routes = [
    documentReferenceRoutes,
    bundleRoutes,
    consentRoutes,
    consentListRoutes,
    auditEventRoutes,
    recordRoutes,
    requestRoutes,
    decisionRoutes,
    simulationRoutes,
  ]
  for (const register of routes) register(app, services)
  documentationRoutes(app, services, described)
  return app
}

const unmeasured: Pick<Metrics, 'request' | 'token' | 'limited'> = {
  request: () => {},
  token: () => {},
  limited: () => {},
}

/** A server with our ways of reading bodies and of answering errors, and no routes yet. */
function createServer(log: Log, trustedProxies: readonly string[]): FastifyInstance {
  const answerError = createErrorHandler(log)
  const broken = createBrokenRequests()
  const app = Fastify({
    bodyLimit: bodyBytes,
    // A HEAD would commit an access and use up its release.
    exposeHeadRoutes: false,
    requestTimeout: 30_000,
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    forceCloseConnections: 'idle',
    // While it closes, a request on an open connection is answered by us, in our form.
    return503OnClosing: false,
    // An id from outside could carry anything into the log.
    genReqId: () => randomUUID(),
    logger: false,
    routerOptions: { maxParamLength: 200 },
    // What the router itself refuses would otherwise be answered with the address, which may name a patient.
    frameworkErrors: (error, request, reply) => {
      setHeadersOf(request, reply)
      answerError(error, request, reply)
    },
    clientErrorHandler: broken.answer,
  })
    .withTypeProvider<TypeBoxTypeProvider>()
    .setValidatorCompiler(TypeBoxValidatorCompiler) as unknown as FastifyInstance
  app.server.on('request', broken.watch)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    ['application/json', 'application/fhir+json'],
    { parseAs: 'buffer' },
    async (_request: unknown, body: Buffer) => parseJson(body),
  )
  app.setErrorHandler(answerError)
  app.setNotFoundHandler(routeNotFound)
  return app
}

/** Whether a person was given or refused what she asked for is hers to know, not the log's. */
const statusForLog = (status: number): string => (isAnswer(status) ? 'answered' : String(status))

/** Writes a line for each request and measures it; whatever is logged on its behalf has its id. */
function recordRequests(app: FastifyInstance, log: Log, metrics: Pick<Metrics, 'request'>): void {
  app.addHook('onRequest', (request, _reply, done) => onBehalfOf(request.id, done))
  // What reads a body ends in the connection's own context.
  app.addHook('preValidation', (request, _reply, done) => onBehalfOf(request.id, done))
  app.addHook('onResponse', async (request, reply) => {
    // The route's pattern, never the address itself: that may name a patient. Nor a method that somebody made up.
    const route = request.routeOptions.url ?? 'none'
    const method = route === 'none' ? 'any' : request.method
    const entry = reply.getHeader('x-medledger-entry')
    metrics.request({ method, route, status: reply.statusCode, seconds: reply.elapsedTime / 1000 })
    log.event('request', {
      request: request.id,
      method,
      route,
      status: statusForLog(reply.statusCode),
      milliseconds: Math.round(reply.elapsedTime),
      ...(typeof entry === 'string' && entry !== '' && { entry }),
    })
  })
}

/** A connection that was open before the stop may still bring requests. */
function refuseWhileStopping(app: FastifyInstance, stopping: () => boolean): void {
  app.addHook('onRequest', async (request) => {
    if (stopping() && request.routeOptions.config?.open !== true)
      throw new GatewayError('NOT_READY', 'This gateway is being stopped: ask again in a moment.')
  })
  app.addHook('onSend', async (_request, reply) => {
    if (stopping()) reply.header('connection', 'close')
  })
}

import helmet, { type FastifyHelmetOptions } from '@fastify/helmet'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

const yearSeconds = 31_536_000

/** For an API: nothing of an answer may be run, framed, embedded by another site, or told in a Referer. */
const options: FastifyHelmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
  },
  crossOriginResourcePolicy: { policy: 'same-origin' },
  // An organisation's other hosts are not ours to decide about.
  strictTransportSecurity: { maxAge: yearSeconds, includeSubDomains: false },
  xFrameOptions: { action: 'deny' },
}

function setOwn(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('cache-control', 'no-store')
  reply.header('x-request-id', request.id)
}

/** Sets the same headers on every answer of a route, whatever it says. */
export async function setHeaders(app: FastifyInstance): Promise<void> {
  app.addHook('onRequest', async (request, reply) => setOwn(request, reply))
  await app.register(helmet, options)
}

/** The same for what the router answers itself, where no plugin is asked. */
export function setHeadersOf(request: FastifyRequest, reply: FastifyReply): void {
  setOwn(request, reply)
  reply.headers({
    'content-security-policy': "default-src 'none';frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'strict-transport-security': `max-age=${yearSeconds}`,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  })
}

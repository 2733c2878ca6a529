import helmet, { type FastifyHelmetOptions } from '@fastify/helmet'
import type { FastifyInstance } from 'fastify'

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

/** Sets the same headers on every answer, whatever it says. */
export async function setHeaders(app: FastifyInstance): Promise<void> {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    reply.header('x-request-id', request.id)
  })
  await app.register(helmet, options)
}

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

/** What an answer has at least: an address that the router itself refuses is not led through any hook. */
export function setOwnHeaders({ id }: FastifyRequest, reply: FastifyReply): void {
  reply.header('cache-control', 'no-store')
  reply.header('x-content-type-options', 'nosniff')
  reply.header('x-request-id', id)
}

/** Sets the same headers on every answer, whatever it says. */
export async function setHeaders(app: FastifyInstance): Promise<void> {
  app.addHook('onRequest', async (request, reply) => setOwnHeaders(request, reply))
  await app.register(helmet, options)
}

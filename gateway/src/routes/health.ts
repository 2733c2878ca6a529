import type { FastifyInstance } from 'fastify'
import { capabilityStatement } from '../fhir/capability.ts'
import type { Services } from '../services.ts'

const open = { open: true } as const

/** `/healthz` (the process answers), `/readyz` (it can serve) and `GET /fhir/metadata`. They need no token. */
export function healthRoutes(app: FastifyInstance, { organisation, transport }: Services): void {
  const since = new Date().toISOString()
  app.get('/healthz', { config: open }, async () => ({ healthy: true }))
  app.get('/readyz', { config: open }, async (_request, reply) => {
    const { blocks, connected } = transport.height()
    return reply.status(connected ? 200 : 503).send({
      ready: connected,
      organisation: organisation.name,
      ledger: { connected, blocks },
      // Until what a person decides is signed by her own key, a bearer token is all that the ledger has seen.
      assurance: 'attested',
    })
  })
  app.get('/fhir/metadata', { config: open }, async (_request, reply) =>
    reply.type('application/fhir+json').send(capabilityStatement(organisation.title, since)),
  )
}

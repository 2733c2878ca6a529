import type { FastifyInstance } from 'fastify'
import { capabilityStatement } from '../fhir/capability.ts'
import type { Services } from '../services.ts'

/** Something that must work, by the name under which `/readyz` tells of it. Rejecting and `false` mean that it does not. */
export type Probes = Readonly<Record<string, () => Promise<boolean>>>

interface Readiness {
  readonly probes: Probes
  readonly stopping: () => boolean
}

const open = { open: true } as const
const probeMs = 1000

/** `/healthz` (the process answers), `/readyz` (it can serve) and `GET /fhir/metadata`. They need no token. */
export function healthRoutes(
  app: FastifyInstance,
  { organisation, transport }: Services,
  { probes, stopping }: Readiness,
): void {
  const since = new Date().toISOString()
  app.get('/healthz', { config: open }, async () => ({ healthy: true }))
  app.get('/readyz', { config: open }, async (_request, reply) => {
    const { blocks, connected } = transport.height()
    const parts = await Promise.all(
      Object.entries(probes).map(async ([name, probe]) => [name, { works: await holds(probe) }] as const),
    )
    const ready = connected && !stopping() && parts.every(([, { works }]) => works)
    return reply.status(ready ? 200 : 503).send({
      ready,
      stopping: stopping(),
      organisation: organisation.name,
      ledger: { connected, blocks },
      ...Object.fromEntries(parts),
      // Until what a person decides is signed by her own key, a bearer token is all that the ledger has seen.
      assurance: 'attested',
    })
  })
  app.get('/fhir/metadata', { config: open }, async (_request, reply) =>
    reply.type('application/fhir+json').send(capabilityStatement(organisation.title, since)),
  )
}

/** A probe that does not answer is one that says no. */
async function holds(probe: () => Promise<boolean>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(false), probeMs)
  try {
    return await Promise.race([probe(), promise])
  } catch {
    return false
  } finally {
    clearTimeout(timer)
  }
}

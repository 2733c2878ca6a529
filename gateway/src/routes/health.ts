import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { capabilityStatement } from '../fhir/capability.ts'
import { CapabilityStatementAnswer } from '../fhir/schemas.ts'
import type { Description } from '../openapi/index.ts'
import type { Services } from '../services.ts'

/** Something that must work, by the name under which `/readyz` tells of it. Rejecting and `false` mean that it does not. */
export type Probes = Readonly<Record<string, () => Promise<boolean>>>

interface Readiness {
  /** Without these nothing can be served. */
  readonly probes: Probes
  /** Without these some of it can, and another gateway is likely to do no better. */
  readonly shared: Probes
  readonly stopping: () => boolean
}

const describeHealth: Description = {
  summary: 'Whether the process answers',
  tag: 'Operation',
  answers: {
    200: {
      description: 'It does.',
      schema: Type.Object({ healthy: Type.Literal(true) }, { additionalProperties: false }),
      example: { healthy: true },
    },
  },
}

/** Beside these, every probe has a member of its own. */
const ReadinessAnswer = Type.Object({
  ready: Type.Boolean(),
  /** Something does not work that this gateway can do without for a while. */
  degraded: Type.Boolean(),
  stopping: Type.Boolean(),
  organisation: Type.String(),
  ledger: Type.Object({ connected: Type.Boolean(), blocks: Type.Integer({ minimum: 0 }) }),
  assurance: Type.Literal('attested'),
})

const readiness = {
  ready: true,
  degraded: false,
  stopping: false,
  organisation: 'north',
  ledger: { connected: true, blocks: 42 },
  database: { works: true },
  keyDatabase: { works: true },
  certificates: { works: true },
  ordering: { works: true },
  chaincode: { works: true },
  projection: { works: true },
  assurance: 'attested',
} as const

const describeReadiness: Description = {
  summary: 'Whether the gateway can serve',
  tag: 'Operation',
  answers: {
    200: {
      description:
        'It can. With `degraded`, ordering or the own chaincode does not work, and what needs it is answered 503; or the projection does not, and lists come from peers.',
      schema: ReadinessAnswer,
      example: readiness,
    },
    503: {
      description: 'It cannot: something does not work, or it is being stopped.',
      schema: ReadinessAnswer,
      example: { ...readiness, ready: false, ledger: { connected: false, blocks: 42 } },
    },
  },
}

const describeCapabilities: Description = {
  summary: 'What the FHIR interface can do',
  tag: 'Operation',
  answers: {
    200: {
      description: 'CapabilityStatement.',
      schema: CapabilityStatementAnswer,
      example: capabilityStatement('North Hospital', '2026-05-04'),
    },
  },
}

const probeMs = 1000

/** `/healthz` (the process answers), `/readyz` (it can serve) and `GET /fhir/metadata`. They need no token. */
export function healthRoutes(
  app: FastifyInstance,
  { organisation, transport }: Services,
  { probes, shared, stopping }: Readiness,
): void {
  const since = new Date().toISOString()
  app.get('/healthz', { config: { open: true, describe: describeHealth } }, async () => ({ healthy: true }))
  app.get('/readyz', { config: { open: true, describe: describeReadiness } }, async (_request, reply) => {
    const { blocks, connected } = transport.height()
    const [parts, others] = await Promise.all([ask(probes), ask(shared)])
    const ready = connected && !stopping() && allWork(parts)
    return reply.status(ready ? 200 : 503).send({
      ready,
      degraded: !allWork(others),
      stopping: stopping(),
      organisation: organisation.name,
      ledger: { connected, blocks },
      ...Object.fromEntries([...parts, ...others]),
      // Until what a person decides is signed by her own key, a bearer token is all that the ledger has seen.
      assurance: 'attested',
    })
  })
  app.get(
    '/fhir/metadata',
    { config: { open: true, describe: describeCapabilities } },
    async (_request, reply) =>
      reply.type('application/fhir+json').send(capabilityStatement(organisation.title, since)),
  )
}

type Probed = readonly (readonly [name: string, { readonly works: boolean }])[]

const ask = (probes: Probes): Promise<Probed> =>
  Promise.all(
    Object.entries(probes).map(async ([name, probe]) => [name, { works: await holds(probe) }] as const),
  )

const allWork = (parts: Probed): boolean => parts.every(([, { works }]) => works)

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

import type { FastifyInstance } from 'fastify'
import { Id } from 'medledger-chaincode/api'
import { Type } from 'typebox'
import { bearerOf, type Bearer } from '../authenticate.ts'
import { exampleEntry, type Description } from '../openapi/index.ts'
import type { Services } from '../services.ts'
import { lookUp } from '../settlement/index.ts'

const RequestParams = Type.Object({
  collection: Type.String({ pattern: '^(access|consent)-[a-z][a-z0-9]{1,15}$' }),
  request: Id,
})

const RequestAnswer = Type.Object(
  {
    request: Id,
    state: Type.Enum(['committed', 'cancelled', 'unknown']),
    entry: Type.Optional(Id),
  },
  { additionalProperties: false },
)

const describe: Description = {
  summary: 'What became of an own request whose outcome was unknown',
  tag: 'Account',
  parameters: { collection: 'access-north', request: exampleEntry },
  answers: {
    200: {
      description: 'Whether the ledger has it; `unknown` also for what is not the own.',
      schema: RequestAnswer,
      example: { request: exampleEntry, state: 'committed', entry: exampleEntry },
    },
  },
  errors: ['NOT_FOUND'],
}

type State = 'unknown' | 'committed' | 'cancelled'

/**
 * `GET /v1/requests/:collection/:request`: what became of an own request whose outcome was unknown. Another person's is
 * as unknown as one that does not exist.
 */
export function requestRoutes(app: FastifyInstance, services: Services): void {
  app.get<{ Params: { collection: string; request: string } }>(
    '/v1/requests/:collection/:request',
    { schema: { params: RequestParams }, config: { roles: ['doctor', 'patient', 'auditor'], describe } },
    async (request) => {
      const state = await stateOf(services, request.params, bearerOf(request))
      return {
        request: request.params.request,
        state,
        ...(state === 'committed' && { entry: request.params.request }),
      }
    },
  )
}

async function stateOf(
  { settlement, client }: Services,
  name: { readonly collection: string; readonly request: string },
  { token, claims }: Bearer,
): Promise<State> {
  const fate = await settlement.fateOf(name, claims)
  if (fate === 'committed' || fate === 'cancelled') return fate
  if (fate !== undefined) return 'unknown'
  // No longer in the outbox: only the ledger can tell whose it was, of one that left an entry.
  const { id } = await client.evaluate('ReadCaller', {}, { token })
  const found = await lookUp(client, name)
  return found?.agent === id ? found.state : 'unknown'
}

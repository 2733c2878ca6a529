import type { FastifyInstance } from 'fastify'
import { Id, MedledgerError, type Book } from 'medledger-chaincode/api'
import { Type } from 'typebox'
import { bearerOf } from '../authenticate.ts'
import type { Services } from '../services.ts'

const RequestParams = Type.Object({
  collection: Type.String({ pattern: '^(access|consent)-[a-z][a-z0-9]{1,15}$' }),
  request: Id,
})

/** `GET /v1/requests/:collection/:request`: what became of an own request whose outcome was unknown. */
export function requestRoutes(app: FastifyInstance, { client }: Services): void {
  app.get<{ Params: { collection: string; request: string } }>(
    '/v1/requests/:collection/:request',
    { schema: { params: RequestParams }, config: { roles: ['doctor', 'patient', 'auditor'] } },
    async (request) => {
      const bearer = bearerOf(request)
      const { id } = await client.evaluate('ReadCaller', {}, { token: bearer.token })
      const [book, custodian] = request.params.collection.split('-') as [Book, string]
      try {
        const fields = { custodian, book, entry: request.params.request }
        const { agent, at } = await client.evaluate('ReadRequest', fields)
        if (agent !== id) return { request: request.params.request, state: 'unknown' }
        return { request: request.params.request, state: 'committed', at }
      } catch (error) {
        if (error instanceof MedledgerError && error.code === 'NOT_FOUND') {
          return { request: request.params.request, state: 'unknown' }
        }
        throw error
      }
    },
  )
}

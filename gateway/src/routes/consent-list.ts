import type { Consent } from 'fhir/r4.js'
import type { FastifyInstance } from 'fastify'
import type { ConsentRecord, ConsentsAnswer } from 'medledger-chaincode/api'
import type { Static } from 'typebox'
import { bearerOf, purposeOf } from '../authenticate.ts'
import { searchset } from '../fhir/common.ts'
import { consentsExample, examplePatient } from '../fhir/examples.ts'
import { ConsentAnswer, searchsetOf } from '../fhir/schemas.ts'
import { entryHeader, purposeHeader, type Description } from '../openapi/index.ts'
import type { Services } from '../services.ts'
import { byPosition } from '../store/index.ts'
import { toR4 } from './consent-body.ts'
import { outcomesOf } from './failures.ts'
import { positionsOf } from './positions.ts'
import { allPages, handleOf, PatientQuery, readEverywhere } from './reading.ts'

const describe: Description = {
  summary: "A patient's consents, revoked ones included",
  tag: 'Consent',
  headers: purposeHeader,
  parameters: { patient: examplePatient },
  answers: {
    200: {
      description: 'Consents, as FHIR R4, in the order in which they were granted.',
      schema: searchsetOf(ConsentAnswer),
      example: consentsExample,
      headers: entryHeader,
    },
  },
  errors: ['OUTCOME_UNKNOWN', 'NOT_FOUND'],
}

/** `GET /fhir/Consent?patient=`: a patient reviews her own consents, revoked ones included. */
export function consentListRoutes(app: FastifyInstance, services: Services): void {
  app.get<{ Querystring: Static<typeof PatientQuery> }>(
    '/fhir/Consent',
    { schema: { querystring: PatientQuery }, config: { roles: ['patient'], describe } },
    async (request, reply) => {
      const bearer = bearerOf(request)
      const reading = {
        patient: handleOf(request.query.patient),
        readingOf: 'Consent',
        purpose: purposeOf(request, bearer),
      } as const
      const { answers, failures } = await readEverywhere(
        services,
        { request, reply },
        reading,
        (custodian, { entry, block }) =>
          allPages<ConsentsAnswer>((from) =>
            services.client.evaluate(
              'ListConsents',
              { custodian, entry, ...from },
              { token: bearer.token, minimumBlock: block },
            ),
          ),
      )
      const records = answers.flatMap(({ custodian, answer: pages }) =>
        pages.flatMap(({ consents }) => consents.map((record) => ({ ...record, custodian }))),
      )
      const consents = await inOrder(services, records)
      return reply.type('application/fhir+json').send(searchset(consents, outcomesOf(failures, services.log)))
    },
  )
}
type PlacedRecord = ConsentRecord & { readonly custodian: string }

/** One Consent for all placements that have it, in the order in which they were granted. */
async function inOrder(
  { positions, transport }: Services,
  records: readonly PlacedRecord[],
): Promise<Consent[]> {
  const places = await positionsOf({ positions, transport }, records)
  const sorted = records
    .map((record) => ({ record, ...(places.get(record.transactionId) ?? { block: 0, position: 0 }) }))
    .sort(byPosition)
  const byConsent = Map.groupBy(sorted, ({ record }) => record.consent)
  return [...byConsent.values()].flatMap((placed) => {
    const [first] = placed
    if (first === undefined) return []
    const active = placed.some(({ record }) => record.active)
    const held = placed.filter(({ record }) => record.active || !active).map(({ record }) => record.custodian)
    const directive = toR4(first.record.directive)
    return [
      {
        ...directive,
        id: first.record.consent,
        status: active ? 'active' : 'inactive',
        organization: held.toSorted().map((custodian) => ({ reference: `Organization/${custodian}` })),
      } satisfies Consent,
    ]
  })
}

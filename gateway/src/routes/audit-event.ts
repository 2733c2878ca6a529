import type { FastifyInstance } from 'fastify'
import type { Book, EntriesAnswer, Entry } from 'medledger-chaincode/api'
import type { Static } from 'typebox'
import { bearerOf, purposeOf } from '../authenticate.ts'
import { toAuditEvent, type LoggedEntry } from '../fhir/audit-event.ts'
import { searchset } from '../fhir/common.ts'
import { auditEventsExample, examplePatient } from '../fhir/examples.ts'
import { AuditEventAnswer, searchsetOf } from '../fhir/schemas.ts'
import { entryHeader, purposeHeader, type Description } from '../openapi/index.ts'
import type { Services } from '../services.ts'
import { byPosition } from '../store/index.ts'
import { outcomesOf } from './failures.ts'
import { positionsOf } from './positions.ts'
import { allPages, handleOf, PatientQuery, readEverywhere } from './reading.ts'

const describe: Description = {
  summary: "The account of a patient's records",
  description: 'In the order of the chain. Looking at it is an entry itself.',
  tag: 'Account',
  headers: purposeHeader,
  parameters: { patient: examplePatient },
  answers: {
    200: {
      description: 'AuditEvents, and what is to be said about them.',
      schema: searchsetOf(AuditEventAnswer),
      example: auditEventsExample,
      headers: entryHeader,
    },
  },
  errors: ['OUTCOME_UNKNOWN', 'NOT_FOUND'],
}

/** `GET /fhir/AuditEvent?patient=`: the account of a patient's records, in the order of the chain. */
export function auditEventRoutes(app: FastifyInstance, services: Services): void {
  app.get<{ Querystring: Static<typeof PatientQuery> }>(
    '/fhir/AuditEvent',
    { schema: { querystring: PatientQuery }, config: { roles: ['patient', 'auditor'], describe } },
    async (request, reply) => {
      const bearer = bearerOf(request)
      const reading = {
        patient: handleOf(request.query.patient),
        readingOf: 'AuditEvent',
        purpose: purposeOf(request, bearer),
      } as const
      const { answers, failures } = await readEverywhere(
        services,
        { request, reply },
        reading,
        async (custodian, { entry, block }) => {
          const options = { token: bearer.token, minimumBlock: block }
          const pagesOf = (book: Book): Promise<EntriesAnswer[]> =>
            allPages<EntriesAnswer>((from) =>
              services.client.evaluate('ListEntries', { custodian, entry, book, ...from }, options),
            )
          return [...(await pagesOf('access')), ...(await pagesOf('consent'))]
        },
      )
      const logged = await inOrder(
        services,
        answers.flatMap(({ answer }) => answer),
      )
      return reply
        .type('application/fhir+json')
        .send(searchset(logged.map(toAuditEvent), outcomesOf(failures, services.log)))
    },
  )
}

async function inOrder(services: Services, answers: readonly EntriesAnswer[]): Promise<LoggedEntry[]> {
  const entries = answers.flatMap((page) => page.entries)
  const delivered = new Set(
    entries.flatMap(({ kind, custodian, ofThrough = '', of = '', outcome }) =>
      kind === 'release' && outcome === 'permit' ? [accessName(custodian, ofThrough, of)] : [],
    ),
  )
  const places = await positionsOf(services, entries)
  return entries
    .map((entry): LoggedEntry => ({
      entry,
      ...(places.get(entry.transactionId) ?? { block: 0, position: 0 }),
      delivered: deliveryOf(entry, delivered),
    }))
    .sort(byPosition)
}

const accessName = (...parts: readonly [custodian: string, through: string, access: string]): string =>
  parts.join('/')

const deliveryOf = (
  { kind, custodian, agent, entry }: Entry,
  delivered: ReadonlySet<string>,
): boolean | null => (kind === 'access' ? delivered.has(accessName(custodian, agent.through, entry)) : null)

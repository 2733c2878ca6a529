import type { FastifyInstance } from 'fastify'
import type { EntriesAnswer, Entry } from 'medledger-chaincode/api'
import type { Static } from 'typebox'
import { bearerOf, purposeOf } from '../authenticate.ts'
import { toAuditEvent, type LoggedEntry } from '../fhir/audit-event.ts'
import { searchset } from '../fhir/common.ts'
import type { Services } from '../services.ts'
import { byPosition } from '../store/index.ts'
import { outcomesOf } from './failures.ts'
import { positionsOf } from './positions.ts'
import { handleOf, PatientQuery, readEverywhere } from './reading.ts'

/** `GET /fhir/AuditEvent?patient=`: the account of a patient's records, in the order of the chain. */
export function auditEventRoutes(app: FastifyInstance, services: Services): void {
  app.get<{ Querystring: Static<typeof PatientQuery> }>(
    '/fhir/AuditEvent',
    { schema: { querystring: PatientQuery }, config: { roles: ['patient', 'auditor'] } },
    async (request, reply) => {
      const bearer = bearerOf(request)
      const reading = {
        patient: handleOf(request.query.patient),
        readingOf: 'AuditEvent',
        purpose: purposeOf(request, bearer),
      } as const
      const { answers, failures } = await readEverywhere(
        services,
        bearer,
        reading,
        async (custodian, { entry, block }) => {
          const from = { custodian, entry, token: bearer.token, minimumBlock: block }
          return [
            ...(await pages(services, { ...from, book: 'access' })),
            ...(await pages(services, { ...from, book: 'consent' })),
          ]
        },
      )
      reply.header('x-medledger-entry', answers.map(({ receipt }) => receipt.entry).join(', '))
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

interface Source {
  readonly custodian: string
  readonly entry: string
  readonly book: 'access' | 'consent'
  readonly token: string
  readonly minimumBlock: number
}

async function pages({ client }: Services, source: Source): Promise<EntriesAnswer[]> {
  const { token, minimumBlock, ...fields } = source
  const found: EntriesAnswer[] = []
  let after: EntriesAnswer['next']
  do {
    const page = await client.evaluate(
      'ListEntries',
      { ...fields, ...(after !== undefined && { after }) },
      { token, minimumBlock },
    )
    found.push(page)
    after = page.next
  } while (after !== undefined)
  return found
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

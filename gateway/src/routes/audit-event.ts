import type { FastifyInstance } from 'fastify'
import { limits } from 'medledger-chaincode/api'
import { Type, type Static } from 'typebox'
import { bearerOf, purposeOf } from '../authenticate.ts'
import { toAuditEvent, type LoggedEntry } from '../fhir/audit-event.ts'
import { outcomeOf, searchset } from '../fhir/common.ts'
import { auditEventsExample, examplePatient } from '../fhir/examples.ts'
import { AuditEventAnswer, searchsetOf } from '../fhir/schemas.ts'
import { entryHeader, purposeHeader, type Description } from '../openapi/index.ts'
import type { Services } from '../services.ts'
import { byPosition } from '../store/index.ts'
import { outcomesOf } from './failures.ts'
import {
  mergePages,
  readCursor,
  stillServes,
  writeCursor,
  type Cursor,
  type Fetched,
  type PageEntry,
  type ReadingEntry,
  type Source,
} from './log-pages.ts'
import { positionsOf } from './positions.ts'
import { handleOf, PatientQuery, readEverywhere, type Gathered } from './reading.ts'

const defaultCount = 100

const AuditQuery = Type.Object({
  ...PatientQuery.properties,
  _count: Type.Optional(
    Type.String({
      pattern: '^([1-9][0-9]?|[1-4][0-9]{2}|500)$',
      description: `How many a page has: 1 to ${limits.entriesPerPage}, ${defaultCount} unless said otherwise.`,
    }),
  ),
  page: Type.Optional(
    Type.String({ maxLength: 8192, description: 'As in the link `next` of the page before.' }),
  ),
})
type AuditQuery = Static<typeof AuditQuery>

const describe: Description = {
  summary: "The account of a patient's records",
  description:
    'Page by page: the link `next` leads on, within 45 s of the last record of the look, or else with a new one. Pages follow each other by transaction time, and within a page the order is that of the chain. ' +
    'A custodian that does not answer is named, and is missing from that page on. Looking at it is an entry itself.',
  tag: 'Account',
  headers: purposeHeader,
  parameters: {
    patient: examplePatient,
    _count: String(defaultCount),
    page: 'eyJwYXRpZW50IjoiYSJ9.0123456789abcdef0123456789abcdef',
  },
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

/** `GET /fhir/AuditEvent?patient=`: the account of a patient's records, page by page. */
export function auditEventRoutes(app: FastifyInstance, services: Services): void {
  app.get<{ Querystring: AuditQuery }>(
    '/fhir/AuditEvent',
    { schema: { querystring: AuditQuery }, config: { roles: ['patient', 'auditor'], describe } },
    async (request, reply) => {
      const { claims } = bearerOf(request)
      const { _count: asked, page } = request.query
      const count = asked === undefined ? defaultCount : Number(asked)
      const patient = handleOf(request.query.patient)
      const before = page === undefined ? undefined : readCursor(services, claims, patient, page)
      const recorded = services.now()
      const { answers, failures } = await readPages(services, { request, reply }, { patient, before, count })
      const merged = mergePages(
        answers.flatMap(({ answer }) => answer.fetched),
        count,
      )
      const missing = [...(before?.missing ?? []), ...failures.map(({ custodian }) => custodian)]
      const cursor: Cursor | undefined =
        merged.sources.length === 0
          ? undefined
          : {
              patient,
              sources: merged.sources,
              missing,
              readings: answers.map(({ answer }) => answer.reading),
              // A repeat's entry may be older than this process knows.
              recorded: Math.min(...answers.map(({ answer }) => answer.recorded ?? recorded)),
            }
      const outcomes = [
        ...(before?.missing ?? []).map((custodian) =>
          outcomeOf('LEDGER_UNAVAILABLE', missingSince(custodian)),
        ),
        ...outcomesOf(failures, services.log),
      ]
      const next =
        cursor &&
        `/fhir/AuditEvent?patient=${patient}&_count=${count}&page=${writeCursor(services, claims, cursor)}`
      const events = (await inOrder(services, merged.entries)).map(toAuditEvent)
      const paging = { isPart: before !== undefined, ...(next !== undefined && { next }) }
      return reply.type('application/fhir+json').send(searchset(events, outcomes, paging))
    },
  )
}

const missingSince = (custodian: string): string =>
  `${custodian}: it did not answer at an earlier page, and is missing from there on.`

interface PageOf {
  readonly reading: ReadingEntry
  readonly fetched: readonly Fetched[]
  /** When the reading was recorded, where that was not now. */
  readonly recorded?: number
}

/** Asks every source for as many as the page may have, by the reading on record, or by a new one where that is too old. */
async function readPages(
  services: Services,
  exchange: Parameters<typeof readEverywhere>[1],
  asked: { readonly patient: string; readonly before: Cursor | undefined; readonly count: number },
): Promise<Gathered<PageOf>> {
  const { constitution, client, now } = services
  const { patient, before, count } = asked
  const bearer = bearerOf(exchange.request)
  const sources = before?.sources ?? constitution.placements.flatMap(sourcesOf)
  const serving = before !== undefined && stillServes(before, now()) ? before : undefined
  const purpose = purposeOf(exchange.request, bearer)
  return readEverywhere(
    services,
    exchange,
    { patient, readingOf: 'AuditEvent', purpose },
    async (custodian, { entry, block, isRepeat }): Promise<PageOf> => {
      const options = { token: bearer.token, minimumBlock: block }
      const fetched = await Promise.all(
        sources
          .filter((source) => source.custodian === custodian)
          .map(async (source): Promise<Fetched> => {
            const { book, after } = source
            const fields = { custodian, entry, book, limit: count, ...(after !== undefined && { after }) }
            return { source, answer: await client.evaluate('ListEntries', fields, options) }
          }),
      )
      const recorded = isRepeat === true ? 0 : serving?.recorded
      return { reading: { custodian, entry, block }, fetched, ...(recorded !== undefined && { recorded }) }
    },
    {
      custodians: [...new Set(sources.map(({ custodian }) => custodian))],
      recorded: serving?.readings ?? [],
    },
  )
}

const sourcesOf = ({ custodian }: { readonly custodian: string }): Source[] => [
  { custodian, book: 'access' },
  { custodian, book: 'consent' },
]

async function inOrder(services: Services, entries: readonly PageEntry[]): Promise<LoggedEntry[]> {
  const places = await positionsOf(
    services,
    entries.map(({ entry }) => entry),
  )
  return entries
    .map(({ entry, delivered }) => ({
      entry,
      delivered,
      ...(places.get(entry.transactionId) ?? { block: 0, position: 0 }),
    }))
    .sort(byPosition)
}

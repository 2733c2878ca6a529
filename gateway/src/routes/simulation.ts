import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  Id,
  Instant,
  limits,
  MedledgerError,
  OrganisationName,
  placementOf,
  PurposeOfUse,
  SimulationAnswer,
  Who,
  type FieldsOf,
} from 'medledger-chaincode/api'
import { toDirective, utc } from 'medledger-chaincode/core'
import { Type, type Static } from 'typebox'
import { bearerOf, purposeOf } from '../authenticate.ts'
import { isSpoken } from '../error.ts'
import { custodiansOf } from '../fhir/consent.ts'
import { consentExample, exampleConsent } from '../fhir/examples.ts'
import { idOf } from '../idempotency.ts'
import { entryHeader, purposeHeader, type Description } from '../openapi/index.ts'
import type { Services } from '../services.ts'
import { toR4, withoutOurs } from './consent-body.ts'
import { explainedDocumentExample } from './decision.ts'
import { allPages, readEverywhere } from './reading.ts'

const closed = { additionalProperties: false } as const

const References = Type.Optional(Type.Array(Type.Object({ reference: Type.String() }), { maxItems: 50 }))

const SimulationBody = Type.Object(
  {
    who: Who,
    purpose: PurposeOfUse,
    at: Type.Optional(Instant),
    consent: Type.Optional(
      Type.Object({
        resourceType: Type.Literal('Consent'),
        // The custodians that it would be lodged with: in R4, and in R5.
        organization: References,
        controller: References,
        manager: References,
      }),
    ),
    without: Type.Optional(Type.Array(Id, { maxItems: limits.activeDirectives, uniqueItems: true })),
  },
  closed,
)
type SimulationBody = Static<typeof SimulationBody>

const { outcome, sentences, documents } = SimulationAnswer.properties
const AtCustodian = Type.Object({ custodian: OrganisationName, outcome, sentences, documents }, closed)
const NotAt = Type.Object({ custodian: OrganisationName, error: Type.String() }, closed)
const Simulated = Type.Object(
  {
    /** The id by which the considered Consent is named; present when there is one. */
    considered: Type.Optional(Id),
    custodians: Type.Array(Type.Union([AtCustodian, NotAt])),
  },
  closed,
)
type Simulated = Static<typeof Simulated>

const simulatedExample: Simulated = {
  considered: exampleConsent,
  custodians: [
    {
      custodian: 'north',
      outcome: 'permit',
      sentences: [],
      documents: [
        {
          ...explainedDocumentExample,
          sentences: [
            'The document Laboratory report of 2026-05-04 may be read: the considered permission for Dr Wei Chen allows it.',
          ],
        },
      ],
    },
    { custodian: 'south', error: 'LEDGER_UNAVAILABLE' },
  ],
}

const describe: Description = {
  summary: 'What would be decided if somebody asked',
  description:
    "About the patient's own documents, as her directives are, or as she considers to change them: `consent` (R4 or R5) as if it were granted, `without` as if those were revoked. " +
    '`who` is a registered person, anybody of an organisation (as a doctor there) or of a role; without `at` it is decided for now. Nothing is changed. ' +
    'It is a look at her consents, and an entry as one. A custodian that does not answer has an error in its place.',
  tag: 'Consent',
  headers: purposeHeader,
  body: {
    who: { practitioner: 'e'.repeat(32) },
    purpose: 'TREAT',
    at: '2026-06-01T08:00:00Z',
    consent: consentExample,
  },
  answers: {
    200: {
      description: 'Custodian by custodian: whether anything could be permitted, and each document.',
      schema: Simulated,
      example: simulatedExample,
      headers: entryHeader,
    },
  },
  errors: ['OUTCOME_UNKNOWN', 'NOT_FOUND'],
}

/** `POST /v1/decisions/simulate`: a patient asks what would be decided about her own documents. */
export function simulationRoutes(app: FastifyInstance, services: Services): void {
  app.post<{ Body: SimulationBody }>(
    '/v1/decisions/simulate',
    { schema: { body: SimulationBody }, config: { roles: ['patient'], describe } },
    async (request, reply): Promise<Simulated> => {
      const bearer = bearerOf(request)
      const { token } = bearer
      const purpose = purposeOf(request, bearer)
      const considered = consideredIn(services, request)
      const { id: patient, role } = await services.client.evaluate('ReadCaller', {}, { token })
      // Before she leaves an entry for it.
      if (role !== 'patient') throw new MedledgerError('FORBIDDEN', `The role ${role} may not do this.`)
      const { answers, failures } = await readEverywhere(
        services,
        { request, reply },
        { patient, readingOf: 'Consent', purpose },
        (custodian, { entry, block }) =>
          allPages<SimulationAnswer>((from) =>
            services.client.evaluate(
              'SimulateDecision',
              { ...fieldsAt(custodian, request.body, considered), entry, ...from },
              { token, minimumBlock: block },
            ),
          ),
      )
      const told = [
        ...answers.map(({ custodian, answer }) => ({ custodian, ...joined(answer) })),
        ...failures.map(({ custodian, error }) => ({ custodian, error: codeOf(services, custodian, error) })),
      ]
      return {
        ...(considered && { considered: considered.consent }),
        custodians: told.sort((one, other) => (one.custodian < other.custodian ? -1 : 1)),
      }
    },
  )
}

/** A Consent that she considers, and the custodians that it would be lodged with; undefined: all. */
interface Considered extends NonNullable<FieldsOf<'SimulateDecision'>['considered']> {
  readonly custodians: readonly string[] | undefined
}

/** Errors: INVALID_REQUEST for a Consent that could not be granted. */
function consideredIn(
  { constitution }: Services,
  request: FastifyRequest<{ Body: SimulationBody }>,
): Considered | undefined {
  const given = request.body.consent
  if (given === undefined) return undefined
  const consent = idOf(request, 'consent')
  const directive = withoutOurs({ ...given, id: consent })
  const mapped = toDirective(consent, directive, constitution.timeZone ?? utc)
  if (mapped.kind === 'faults') {
    throw new MedledgerError('INVALID_REQUEST', `The Consent cannot be applied: ${mapped.faults.join('; ')}.`)
  }
  const custodians = custodiansOf(toR4(directive))?.map((name) => placementOf(constitution, name).custodian)
  return { consent, directive, custodians }
}

function fieldsAt(
  custodian: string,
  { who, purpose, at, without }: SimulationBody,
  considered: Considered | undefined,
): Omit<FieldsOf<'SimulateDecision'>, 'entry'> {
  const isLodged = considered !== undefined && considered.custodians?.includes(custodian) !== false
  return {
    custodian,
    who,
    purpose,
    ...(at !== undefined && { at }),
    ...(without && { without }),
    ...(isLodged && { considered: { consent: considered.consent, directive: considered.directive } }),
  }
}

/** All pages of a custodian's answer as one. */
function joined(pages: readonly SimulationAnswer[]): Omit<SimulationAnswer, 'next'> {
  const outcomes = pages.map((page) => page.outcome)
  return {
    outcome: outcomes.includes('permit') ? 'permit' : 'deny',
    sentences: [...new Set(pages.flatMap((page) => page.sentences))],
    documents: pages.flatMap((page) => page.documents),
  }
}

function codeOf({ log }: Services, custodian: string, error: unknown): string {
  if (isSpoken(error)) return error.code
  log.fault('placement', error, { custodian })
  return 'INTERNAL'
}

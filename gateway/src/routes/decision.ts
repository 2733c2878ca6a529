import type { FastifyInstance } from 'fastify'
import {
  Entry,
  EntryName,
  ExplanationAnswer,
  MedledgerError,
  OrganisationName,
  type ExplainedDocument,
} from 'medledger-chaincode/api'
import { Type, type Static } from 'typebox'
import { bearerOf, purposeOf } from '../authenticate.ts'
import { exampleConsent, exampleDocument } from '../fhir/examples.ts'
import { entryHeader, exampleEntry, purposeHeader, type Description } from '../openapi/index.ts'
import type { Services } from '../services.ts'
import { readEverywhere } from './reading.ts'

const closed = { additionalProperties: false } as const

const DecisionParams = Type.Object({
  custodian: OrganisationName,
  through: EntryName.properties.through,
  entry: EntryName.properties.entry,
})

const Explained = Type.Object(
  {
    custodian: OrganisationName,
    through: OrganisationName,
    entry: EntryName.properties.entry,
    at: Entry.properties.at,
    asker: Entry.properties.agent,
    purpose: Type.Optional(Type.String()),
    outcome: Entry.properties.outcome,
    /** Whether deciding again from the versions that the entry names gives the same. */
    decidedAgain: Type.Enum(['same', 'different', 'impossible']),
    sentences: ExplanationAnswer.properties.sentences,
    documents: ExplanationAnswer.properties.documents,
  },
  closed,
)
type Explained = Static<typeof Explained>

const Neutral = Type.Object({ notice: Type.String() }, closed)

/** The one answer for a provider, to whatever she asks about. */
const neutral: Static<typeof Neutral> = {
  notice:
    'Why a request was decided as it was is told to the patient alone. What you are shown of a record may always be incomplete.',
}

export const explainedDocumentExample: ExplainedDocument = {
  document: exampleDocument,
  type: { system: 'http://loinc.org', code: '11502-2', display: 'Laboratory report' },
  outcome: 'permit',
  basis: 'consent',
  basedOn: [exampleConsent],
  sentences: [
    'The document Laboratory report of 2026-05-04 may be read: your permission for Dr Wei Chen (cccccccc) allows it.',
  ],
}

const explainedExample: Explained = {
  custodian: 'north',
  through: 'south',
  entry: exampleEntry,
  at: '2026-05-04T09:30:00.000Z',
  asker: {
    kind: 'person',
    id: 'e'.repeat(32),
    name: 'Dr Wei Chen',
    role: 'doctor',
    organisation: 'south',
    through: 'south',
  },
  purpose: 'TREAT',
  outcome: 'permit',
  decidedAgain: 'same',
  sentences: [],
  documents: [explainedDocumentExample],
}

const describe: Description = {
  summary: 'Why an access was decided as it was',
  description:
    'In plain words, to the patient whose access it is: decided again from the versions that its entry names. ' +
    'An entry is named by its custodian, the organisation through which it came, and its id. A doctor gets the same notice whatever she asks about. ' +
    'A look at this is a look at the log, and an entry itself.',
  tag: 'Account',
  headers: purposeHeader,
  parameters: { custodian: 'north', through: 'south', entry: exampleEntry },
  answers: {
    200: {
      description: 'The explanation; for a doctor a notice.',
      schema: Type.Union([Explained, Neutral]),
      example: explainedExample,
      headers: entryHeader,
    },
  },
  errors: ['OUTCOME_UNKNOWN', 'NOT_FOUND'],
}

/** `GET /v1/decisions/:custodian/:through/:entry`: why an access was decided as it was, for its patient. */
export function decisionRoutes(app: FastifyInstance, services: Services): void {
  const { client } = services
  app.get<{ Params: Static<typeof DecisionParams> }>(
    '/v1/decisions/:custodian/:through/:entry',
    { schema: { params: DecisionParams }, config: { roles: ['patient', 'doctor'], describe } },
    async (request, reply) => {
      const bearer = bearerOf(request)
      const purpose = purposeOf(request, bearer)
      const { token } = bearer
      const { custodian, ...of } = request.params
      const { id: patient, role } = await client.evaluate('ReadCaller', {}, { token })
      if (role === 'doctor') return neutral
      if (role !== 'patient') throw new MedledgerError('FORBIDDEN', `The role ${role} may not do this.`)
      const { answers } = await readEverywhere(
        services,
        { request, reply },
        { patient, readingOf: 'AuditEvent', purpose },
        (_custodian, { entry, block }) =>
          client.evaluate('ExplainEntry', { custodian, entry, of }, { token, minimumBlock: block }),
        { custodians: [custodian] },
      )
      return answers.map(({ answer }) => toExplained(answer))[0]
    },
  )
}

function toExplained({ entry, isSame, sentences, documents }: ExplanationAnswer): Explained {
  const { custodian, agent, entry: id, at, purpose, outcome } = entry
  const again = isSame === undefined ? 'impossible' : isSame ? 'same' : 'different'
  return {
    custodian,
    through: agent.through,
    entry: id,
    at,
    asker: agent,
    ...(purpose !== undefined && { purpose }),
    outcome,
    decidedAgain: again,
    sentences,
    documents,
  }
}

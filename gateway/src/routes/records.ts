import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  canonical,
  Coding,
  DocumentId,
  FhirDateTime,
  Id,
  Labels,
  limits,
  MedledgerError,
  RegisterPatient,
  Related,
  type DocumentRegistration,
} from 'medledger-chaincode/api'
import { utc } from 'medledger-chaincode/core'
import { Type, type Static } from 'typebox'
import { bearerOf } from '../authenticate.ts'
import { submitOptionsOf } from '../idempotency.ts'
import { documentExample, exampleDocument, examplePatient } from '../fhir/examples.ts'
import type { Description } from '../openapi/index.ts'
import type { Services } from '../services.ts'
import type { Deposit, Deposited } from '../vault/index.ts'
import { derivedFrom } from './derived.ts'

const PatientBody = Type.Object(
  {
    patient: Id,
    issuer: RegisterPatient.properties.issuer,
    subject: RegisterPatient.properties.subject,
  },
  { additionalProperties: false },
)

const DocumentBody = Type.Object(
  {
    source: Type.String({ minLength: 1, maxLength: 200 }),
    id: Type.Optional(DocumentId),
    type: Coding,
    title: Type.Optional(Type.String({ maxLength: 200 })),
    date: FhirDateTime,
    author: Type.Optional(Id),
    /** Beside those that the Bundle says: none is taken away. */
    labels: Type.Optional(Labels),
    related: Type.Optional(Related),
    bundle: Type.Object({ resourceType: Type.Literal('Bundle'), type: Type.Literal('document') }),
  },
  { additionalProperties: false },
)
const DocumentsBody = Type.Object(
  { patient: Id, documents: Type.Array(DocumentBody, { minItems: 1, maxItems: limits.documentsPerRequest }) },
  { additionalProperties: false },
)
type DocumentsBody = Static<typeof DocumentsBody>

const bodyBytes = 8 * 1024 * 1024
const states = { new: 'registered', replaces: 'replaced', unchanged: 'unchanged' } as const

const describePatient: Description = {
  summary: 'Register a patient',
  tag: 'Registration',
  body: { patient: examplePatient, issuer: 'https://id.authority.example', subject: 'maria' },
  answers: {
    201: {
      description: 'Registered, by the handle that the operator chose.',
      schema: Type.Object({ patient: Id }, { additionalProperties: false }),
      example: { patient: examplePatient },
    },
  },
  errors: ['OUTCOME_UNKNOWN', 'NOT_FOUND'],
}

const DocumentsAnswer = Type.Object(
  {
    documents: Type.Array(
      Type.Object(
        {
          source: Type.String(),
          id: DocumentId,
          version: Type.Integer({ minimum: 1 }),
          state: Type.Enum(Object.values(states)),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
)

const describeDocuments: Description = {
  summary: 'Register up to 50 documents of a patient',
  description:
    'A source that is sent again replaces its document, or changes nothing when nothing of it has changed. ' +
    'Security labels of the Bundle, of its Composition (`confidentiality`) and of everything in it, and what the Composition refers to by ' +
    '`encounter`, `event` and `relatesTo`, become labels and relations of the document; `labels` and `related` add to them.',
  tag: 'Registration',
  body: {
    patient: examplePatient,
    documents: [
      {
        source: 'laboratory/4711',
        type: { system: 'http://loinc.org', code: '11502-2' },
        title: 'Laboratory report',
        date: '2026-05-04',
        labels: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }],
        related: ['Encounter/e-4711'],
        bundle: documentExample,
      },
    ],
  },
  answers: {
    200: {
      description: 'In the vault and on the ledger.',
      schema: DocumentsAnswer,
      example: {
        documents: [{ source: 'laboratory/4711', id: exampleDocument, version: 1, state: 'registered' }],
      },
    },
  },
  errors: ['OUTCOME_UNKNOWN', 'NOT_FOUND'],
}

/** How patients and documents come onto the ledger: `POST /v1/patients` and `POST /v1/documents`. */
export function recordRoutes(app: FastifyInstance, services: Services): void {
  app.post<{ Body: Static<typeof PatientBody> }>(
    '/v1/patients',
    { schema: { body: PatientBody }, config: { roles: ['operator'], describe: describePatient } },
    async (request, reply) => {
      const { patient } = request.body
      const options = submitOptionsOf(request, 'RegisterPatient', patient)
      await services.client.submit('RegisterPatient', request.body, options)
      return reply.status(201).send({ patient })
    },
  )

  app.post<{ Body: DocumentsBody }>(
    '/v1/documents',
    {
      schema: { body: DocumentsBody },
      bodyLimit: bodyBytes,
      config: { roles: ['custodian'], describe: describeDocuments },
    },
    async (request) => {
      const { token } = bearerOf(request)
      const { patient, documents } = request.body
      const zone = services.constitution.timeZone ?? utc
      requireOwnIds(services.organisation.name, documents)
      // Only the own peer's word: a false one would have a false document stored before anybody endorses it.
      const organisations = [services.organisation.name]
      await services.client.evaluate('ReadPatient', { patient }, { token, organisations })
      const deposits = documents.map((document, index) => toDeposit(patient, document, index + 1, zone))
      await register(services, request, patient, await services.vault.unsettled(deposits))
      const deposited: Deposited[] = []
      for (const deposit of deposits) deposited.push(await services.vault.deposit(deposit))
      const added = deposited
        .filter(({ state }) => state !== 'unchanged')
        .map(({ registration }) => registration)
      await register(services, request, patient, added)
      return {
        documents: deposited.map(({ registration: { document, version }, state }, index) => ({
          source: documents[index]?.source,
          id: document,
          version,
          state: states[state],
        })),
      }
    },
  )
}

function toDeposit(
  patient: string,
  document: DocumentsBody['documents'][number],
  position: number,
  zone: string,
): Deposit {
  const { source, id, bundle, labels: _labels, related: _related, ...said } = document
  const description = { ...said, ...derivedFrom(document, position, zone) }
  return { patient, source, description, content: bundle, ...(id !== undefined && { id }) }
}

/** Errors: INVALID_REQUEST for another custodian's id, or the same source twice. */
function requireOwnIds(own: string, documents: DocumentsBody['documents']): void {
  if (documents.some(({ id }) => id !== undefined && !id.startsWith(`${own}-`))) {
    throw new MedledgerError(
      'INVALID_REQUEST',
      `The ids of this organisation's documents begin with ${own}-.`,
    )
  }
  if (new Set(documents.map(({ source }) => source)).size < documents.length) {
    throw new MedledgerError('INVALID_REQUEST', 'A source occurs twice.')
  }
}

async function register(
  { client, organisation, vault }: Services,
  request: FastifyRequest,
  patient: string,
  documents: DocumentRegistration[],
): Promise<void> {
  if (documents.length === 0) return
  await client.submit(
    'RegisterDocuments',
    { custodian: organisation.name, patient, documents },
    submitOptionsOf(request, 'RegisterDocuments', canonical(documents)),
  )
  await vault.confirm(documents)
}

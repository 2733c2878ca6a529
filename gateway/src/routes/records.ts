import type { FastifyInstance } from 'fastify'
import {
  Coding,
  DocumentId,
  FhirDateTime,
  Id,
  limits,
  MedledgerError,
  RegisterPatient,
  type DocumentRegistration,
} from 'medledger-chaincode/api'
import { Type, type Static } from 'typebox'
import type { Services } from '../services.ts'
import type { Deposited } from '../vault/index.ts'

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

/** How patients and documents come onto the ledger: `POST /v1/patients` and `POST /v1/documents`. */
export function recordRoutes(app: FastifyInstance, services: Services): void {
  app.post<{ Body: Static<typeof PatientBody> }>(
    '/v1/patients',
    { schema: { body: PatientBody } },
    async (request, reply) => {
      const { token } = await services.authenticate(request, ['operator'])
      await services.client.submit('RegisterPatient', request.body, { token })
      return reply.status(201).send({ patient: request.body.patient })
    },
  )

  app.post<{ Body: DocumentsBody }>(
    '/v1/documents',
    { schema: { body: DocumentsBody }, bodyLimit: bodyBytes },
    async (request) => {
      const { token } = await services.authenticate(request, ['custodian'])
      const { patient, documents } = request.body
      requireOwnIds(services.organisation.name, documents)
      await services.client.evaluate('ReadPatient', { patient }, { token })
      const deposited: Deposited[] = []
      for (const { source, id, bundle } of documents) {
        const deposit = { patient, source, content: bundle, ...(id !== undefined && { id }) }
        deposited.push(await services.vault.deposit(deposit))
      }
      await register(services, token, patient, registrations(documents, deposited))
      await services.vault.confirm(deposited)
      return {
        documents: deposited.map(({ document, version, state }, index) => ({
          source: documents[index]?.source,
          id: document,
          version,
          state: states[state],
        })),
      }
    },
  )
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

function registrations(
  documents: DocumentsBody['documents'],
  deposited: readonly Deposited[],
): DocumentRegistration[] {
  return documents.flatMap(({ source: _source, id: _id, bundle: _bundle, ...description }, index) => {
    const kept = deposited[index]
    if (kept === undefined || kept.state === 'unchanged') return []
    return [{ ...description, document: kept.document, version: kept.version, digest: kept.digest }]
  })
}

async function register(
  { client, organisation }: Services,
  token: string,
  patient: string,
  documents: DocumentRegistration[],
): Promise<void> {
  if (documents.length === 0) return
  await client.submit('RegisterDocuments', { custodian: organisation.name, patient, documents }, { token })
}

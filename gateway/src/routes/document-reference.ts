import type { FastifyInstance } from 'fastify'
import type { Descriptor, DocumentsAnswer } from 'medledger-chaincode/api'
import type { Static } from 'typebox'
import { bearerOf, purposeOf } from '../authenticate.ts'
import { searchset } from '../fhir/common.ts'
import { toDocumentReference } from '../fhir/document-reference.ts'
import { documentReferencesExample, examplePatient } from '../fhir/examples.ts'
import { DocumentReferenceAnswer, searchsetOf } from '../fhir/schemas.ts'
import { entryHeader, purposeHeader, type Description } from '../openapi/index.ts'
import type { Services } from '../services.ts'
import { outcomesOf } from './failures.ts'
import { allPages, handleOf, PatientQuery, readEverywhere } from './reading.ts'

const describe: Description = {
  summary: 'What the asker could read of a patient now',
  description: 'At every custodian. A custodian that does not answer is named in an OperationOutcome.',
  tag: 'Records',
  headers: purposeHeader,
  parameters: { patient: examplePatient },
  answers: {
    200: {
      description: 'DocumentReferences, newest first; the content is fetched as the Bundle of the same id.',
      schema: searchsetOf(DocumentReferenceAnswer),
      example: documentReferencesExample,
      headers: entryHeader,
    },
  },
  errors: ['OUTCOME_UNKNOWN', 'NOT_FOUND'],
}

/** `GET /fhir/DocumentReference?patient=`: what the asker could read now, at every custodian. */
export function documentReferenceRoutes(app: FastifyInstance, services: Services): void {
  const { client, log } = services
  app.get<{ Querystring: Static<typeof PatientQuery> }>(
    '/fhir/DocumentReference',
    { schema: { querystring: PatientQuery }, config: { roles: ['doctor', 'patient'], describe } },
    async (request, reply) => {
      const bearer = bearerOf(request)
      const purpose = purposeOf(request, bearer)
      const reading = {
        patient: handleOf(request.query.patient),
        readingOf: 'DocumentReference',
        purpose,
      } as const
      const { answers, failures } = await readEverywhere(
        services,
        { request, reply },
        reading,
        (custodian, { entry, block }) =>
          allPages<DocumentsAnswer>((from) =>
            client.evaluate(
              'ListDocuments',
              { custodian, entry, ...from },
              { token: bearer.token, minimumBlock: block },
            ),
          ),
      )
      const found = answers
        .flatMap(({ custodian, answer: pages }) =>
          pages.flatMap(({ documents }) => documents.map((descriptor) => ({ custodian, descriptor }))),
        )
        .sort((one, other) => newestFirst(one.descriptor, other.descriptor))
      const matches = found.map(({ custodian, descriptor }) => toDocumentReference(custodian, descriptor))
      return reply.type('application/fhir+json').send(searchset(matches, outcomesOf(failures, log)))
    },
  )
}

function newestFirst(one: Descriptor, other: Descriptor): number {
  if (one.date !== other.date) return one.date < other.date ? 1 : -1
  return one.document < other.document ? -1 : 1
}

import type { Bundle, FhirResource, OperationOutcome } from 'fhir/r4.js'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { custodianOf, documentIdPattern, limits, MedledgerError } from 'medledger-chaincode/api'
import { Type } from 'typebox'
import { bearerOf, purposeOf } from '../authenticate.ts'
import { GatewayError } from '../error.ts'
import { outcomeOf, searchset } from '../fhir/common.ts'
import { submitOptionsOf } from '../idempotency.ts'
import { documentExample, exampleDocument } from '../fhir/examples.ts'
import { DocumentBundle, searchsetOf } from '../fhir/schemas.ts'
import { entryHeader, purposeHeader, type Description } from '../openapi/index.ts'
import { createRecipient } from '../release/index.ts'
import type { Services } from '../services.ts'

const BundleParams = Type.Object({ id: Type.String() })
const BundleQuery = Type.Object({ _id: Type.String({ minLength: 1, maxLength: 4096 }) })

const roles = ['doctor', 'patient'] as const

const common = {
  tag: 'Records',
  headers: purposeHeader,
  errors: [
    'NOT_RELEASED',
    'ALREADY_RELEASED',
    'CUSTODIAN_UNAVAILABLE',
    'OUTCOME_UNKNOWN',
    'NOT_FOUND',
    'DUPLICATE_REQUEST',
    'LIMIT_EXCEEDED',
  ],
} as const satisfies Partial<Description>

const describeOne: Description = {
  ...common,
  summary: 'One document',
  description: 'The access is recorded first; its custodian decides again before it releases anything.',
  parameters: { id: exampleDocument },
  answers: {
    200: {
      description: 'The document.',
      schema: DocumentBundle,
      example: documentExample,
      headers: entryHeader,
    },
  },
}

const describeSome: Description = {
  ...common,
  summary: 'Up to 50 documents of one patient at one custodian',
  description:
    'One access. Documents that are not released have an OperationOutcome each; so have those of other patients than that of the first document that the asker may see.',
  parameters: { _id: exampleDocument },
  answers: {
    200: {
      description: 'The documents that were released.',
      schema: searchsetOf(DocumentBundle),
      example: searchset([documentExample as unknown as Bundle]),
      headers: entryHeader,
    },
  },
}

/** The one answer for what is restricted, absent or unknown. */
const notReleased =
  'Nothing is released: there is no such document, you may not see it, or it is of another patient than the first one ' +
  'that you may see. The request is on record.'

const alreadyAnswered =
  'This request is on record, and is answered once: ask for the documents anew, with another key.'

/** `GET /fhir/Bundle/:id` and `GET /fhir/Bundle?_id=`: the access to documents, recorded before anything is released. */
export function bundleRoutes(app: FastifyInstance, services: Services): void {
  app.get<{ Params: { id: string } }>(
    '/fhir/Bundle/:id',
    { schema: { params: BundleParams }, config: { roles, describe: describeOne } },
    async (request, reply) => {
      const documents = await access(services, request, reply, [request.params.id])
      const document = documents.get(request.params.id)
      if (document === undefined) throw new GatewayError('NOT_RELEASED', notReleased)
      return reply.type('application/fhir+json').send(document)
    },
  )

  app.get<{ Querystring: { _id: string } }>(
    '/fhir/Bundle',
    { schema: { querystring: BundleQuery }, config: { roles, describe: describeSome } },
    async (request, reply) => {
      const ids = request.query['_id'].split(',')
      const documents = await access(services, request, reply, ids)
      if (documents.size === 0) throw new GatewayError('NOT_RELEASED', notReleased)
      const refused = ids.filter((id) => !documents.has(id)).map((id) => refusal(id))
      return reply.type('application/fhir+json').send(searchset([...documents.values()] as Bundle[], refused))
    },
  )
}

function refusal(id: string): OperationOutcome {
  const outcome = outcomeOf('NOT_RELEASED', notReleased)
  return { ...outcome, issue: outcome.issue.map((issue) => ({ ...issue, expression: [`Bundle/${id}`] })) }
}

/** Requests access, has the custodian release, and opens what it released. What is refused is not in the result. */
async function access(
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
  documents: readonly string[],
): Promise<ReadonlyMap<string, FhirResource>> {
  const { client, ask } = services
  const purpose = purposeOf(request, bearerOf(request))
  const custodian = onlyCustodianOf(documents)
  const recipient = await createRecipient()
  const { entry, block, isRepeat } = await client.submit(
    'RequestAccess',
    { custodian, documents: [...documents], purpose, recipient: recipient.publicKey },
    submitOptionsOf(request, 'RequestAccess', custodian),
  )
  reply.header('x-medledger-entry', entry)
  // What is released for it is encrypted to a key that went with the first answer.
  if (isRepeat) throw new GatewayError('ALREADY_RELEASED', alreadyAnswered)
  const answer = await ask(custodian, { entry, block })
  const opened = await Promise.all(
    answer.documents
      .filter(({ document }) => documents.includes(document))
      .map(async ({ document, version, content }) => {
        const resource = await recipient.open(content, { entry, document, version })
        return [document, resource as FhirResource] as const
      }),
  )
  return new Map(opened)
}

const documentId = new RegExp(documentIdPattern)

/** Errors: INVALID_REQUEST for ids that are none, several custodians, none or more than 50 documents. */
function onlyCustodianOf(documents: readonly string[]): string {
  if (documents.length > limits.documentsPerRequest) {
    throw new MedledgerError(
      'INVALID_REQUEST',
      `One request concerns at most ${limits.documentsPerRequest} documents.`,
    )
  }
  if (!documents.every((document) => documentId.test(document))) {
    throw new MedledgerError(
      'INVALID_REQUEST',
      'The id of a document is its custodian, a hyphen and 32 hexadecimal digits.',
    )
  }
  const custodians = new Set(documents.map(custodianOf))
  const [custodian] = custodians
  if (custodian === undefined || custodians.size > 1 || new Set(documents).size < documents.length) {
    throw new MedledgerError('INVALID_REQUEST', 'One request concerns different documents of one custodian.')
  }
  return custodian
}

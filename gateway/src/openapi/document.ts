import type { TSchema } from 'typebox'
import type { GatewayErrorCode } from '../error.ts'
import { tags, type AnswerDescription, type Described, type Description } from './describe.ts'
import { byStatus, errorContent, meaningOf } from './errors.ts'
import { idempotencyHeader, requestId, retryAfter } from './headers.ts'

/** A route as it was registered. */
export interface DescribedRoute {
  readonly method: string
  /** Fastify's pattern: `/fhir/Bundle/:id`. */
  readonly url: string
  readonly schema: {
    readonly params?: TSchema
    readonly querystring?: TSchema
    readonly body?: TSchema
  }
  /** Undefined: it needs no token. */
  readonly roles: readonly string[] | undefined
  readonly describe: Description
}

/** An OpenAPI 3.1 document, as far as this gateway writes one. */
export interface OpenApiDocument {
  readonly openapi: '3.1.0'
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>
  readonly components: object
}

export interface OpenApiOperation {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly tags: readonly string[]
  readonly security: readonly object[]
  readonly parameters?: readonly OpenApiParameter[]
  readonly requestBody?: { readonly required: true; readonly content: Content }
  readonly responses: Readonly<Record<string, OpenApiResponse>>
}

export interface OpenApiParameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly description?: string
  readonly schema: TSchema
  readonly example?: string
}

export interface OpenApiResponse {
  readonly description: string
  readonly headers: Readonly<Record<string, Described>>
  readonly content: Content
}

type Content = Readonly<
  Record<
    string,
    {
      readonly schema: TSchema
      readonly example?: unknown
      readonly examples?: Readonly<Record<string, { readonly value: unknown }>>
    }
  >
>

/** The document of an interface, from its routes alone. */
export function documentOf(routes: readonly DescribedRoute[], title: string): OpenApiDocument {
  const paths = Map.groupBy(routes, ({ url }) => url.replaceAll(/:(\w+)/g, '{$1}'))
  return {
    openapi: '3.1.0',
    info: {
      title: `Medledger gateway of ${title}`,
      version: '1',
      description:
        'FHIR R4 under /fhir, what FHIR lacks under /v1. Every reading is recorded on the ledger before it is answered. ' +
        'Errors have a stable code: in an OperationOutcome under /fhir, in problem details (RFC 9457) elsewhere.',
    },
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths: Object.fromEntries(
      [...paths].map(([path, all]) => [
        path,
        Object.fromEntries(all.map((route) => [route.method.toLowerCase(), operationOf(route)])),
      ]),
    ),
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'An access token (RFC 9068) of the own organisation’s provider, for this gateway.',
        },
      },
    },
  }
}

function operationOf(route: DescribedRoute): OpenApiOperation {
  const { method, url, schema, roles, describe } = route
  const { summary, description, tag } = describe
  const parameters = [
    ...parametersOf('path', schema.params, describe),
    ...parametersOf('query', schema.querystring, describe),
    ...headersOf(describe),
  ]
  const forRoles = roles === undefined ? '' : `For ${roles.join(', ')}.`
  const words = [description, forRoles].filter((part) => part !== undefined && part !== '').join(' ')
  return {
    operationId: `${method.toLowerCase()}${url.replaceAll(/[/:._-]+(\w?)/g, (_all, next: string) => next.toUpperCase())}`,
    summary,
    ...(words !== '' && { description: words }),
    tags: [tag],
    security: roles === undefined ? [] : [{ bearer: [] }],
    ...(parameters.length > 0 && { parameters }),
    ...(schema.body && {
      requestBody: { required: true, content: bodyContent(url, schema.body, describe) },
    }),
    responses: responsesOf(route),
  }
}

const isFhir = (url: string): boolean => url.startsWith('/fhir')

const bodyContent = (url: string, schema: TSchema, { body, bodies }: Description): Content => ({
  [isFhir(url) ? 'application/fhir+json' : 'application/json']: {
    schema,
    ...(bodies === undefined
      ? { example: body }
      : {
          examples: Object.fromEntries(Object.entries(bodies).map(([name, value]) => [name, { value }])),
        }),
  },
})

function parametersOf(
  where: 'path' | 'query',
  schema: TSchema | undefined,
  { parameters = {} }: Description,
): OpenApiParameter[] {
  const { properties = {}, required = [] } = (schema ?? {}) as {
    properties?: Record<string, TSchema & { description?: string }>
    required?: string[]
  }
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    ...(property.description !== undefined && { description: property.description }),
    schema: property,
    ...(parameters[name] !== undefined && { example: parameters[name] }),
  }))
}

/** Whose outcome can be unknown is submitted to the ledger. */
const isSubmitted = ({ errors = [] }: Description): boolean => errors.includes('OUTCOME_UNKNOWN')

const headersOf = (describe: Description): OpenApiParameter[] =>
  Object.entries({ ...describe.headers, ...(isSubmitted(describe) && idempotencyHeader) }).map(
    ([name, { description, schema, example }]) => ({
      name,
      in: 'header',
      required: false,
      description,
      schema,
      example,
    }),
  )

const always: readonly GatewayErrorCode[] = ['INTERNAL', 'OVERLOADED']
const withToken: readonly GatewayErrorCode[] = [
  'INVALID_REQUEST',
  'NOT_AUTHENTICATED',
  'INVALID_TOKEN',
  'ISSUER_UNAVAILABLE',
  'FORBIDDEN',
  'TOO_MANY_REQUESTS',
  'LEDGER_UNAVAILABLE',
  'CHANGED_MEANWHILE',
  'CLOCK_SKEW',
  'NOT_READY',
  'IDEMPOTENCY_KEY_REUSED',
]
const submitted: readonly GatewayErrorCode[] = ['DUPLICATE_REQUEST', 'REQUEST_CANCELLED', 'ALREADY_RELEASED']
const withBody: readonly GatewayErrorCode[] = [
  'PAYLOAD_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'CONFLICT',
  'DUPLICATE_REQUEST',
  'LIMIT_EXCEEDED',
]

function responsesOf({ url, schema, roles, describe }: DescribedRoute): Record<string, OpenApiResponse> {
  const codes = [
    ...always,
    ...(roles === undefined ? [] : withToken),
    ...(schema.body === undefined ? [] : withBody),
    ...(isSubmitted(describe) ? submitted : []),
    ...(describe.errors ?? []),
  ]
  const responses: Record<string, OpenApiResponse> = {}
  for (const [status, some] of byStatus(codes)) responses[status] = errorResponse(url, status, some)
  for (const [status, answer] of Object.entries(describe.answers))
    responses[status] = merged(answerResponse(url, answer), responses[status])
  return responses
}

function errorResponse(url: string, status: number, codes: readonly GatewayErrorCode[]): OpenApiResponse {
  const { type, schema, examples } = errorContent(isFhir(url), status, codes)
  return {
    description: codes.map((code) => `\`${code}\`: ${meaningOf[code]}`).join(' '),
    headers: { ...requestId, ...([202, 429, 503].includes(status) && retryAfter) },
    content: { [type]: { schema, examples } },
  }
}

const answerResponse = (
  url: string,
  { description, type, schema, example, headers = {} }: AnswerDescription,
): OpenApiResponse => ({
  description,
  headers: { ...requestId, ...headers },
  content: {
    [type ?? (isFhir(url) ? 'application/fhir+json' : 'application/json')]: {
      schema,
      examples: { answer: { value: example } },
    },
  },
})

/** A status that is an answer and an error: 202 of a change of consent, 503 of a gateway that is not ready. */
function merged(answer: OpenApiResponse, error: OpenApiResponse | undefined): OpenApiResponse {
  if (error === undefined) return answer
  const content: Record<string, Content[string]> = { ...error.content }
  for (const [type, media] of Object.entries(answer.content)) {
    const other = content[type]
    content[type] =
      other === undefined
        ? media
        : {
            schema: { anyOf: [media.schema, other.schema] },
            examples: { ...media.examples, ...other.examples },
          }
  }
  return {
    description: `${answer.description} ${error.description}`,
    headers: { ...error.headers, ...answer.headers },
    content,
  }
}

import { Validator } from '@seriousme/openapi-schema-validator'
import Fastify, { type FastifyInstance } from 'fastify'
import { beforeAll, describe, expect, test } from 'vitest'
import { statusOf } from '../../../gateway/src/error.ts'
import {
  collectRoutes,
  type OpenApiDocument,
  type OpenApiOperation,
} from '../../../gateway/src/openapi/index.ts'
import { testNetwork } from '../../support/gateway-network.ts'
import { people } from '../../support/ledger-world.ts'
import { cachedChecks, documented } from '../../support/openapi.ts'

let app: FastifyInstance
let document: OpenApiDocument

beforeAll(async () => {
  const { gateways } = await testNetwork()
  ;({ app } = gateways.north)
  document = (await app.inject('/openapi.json')).json()
})

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method} ${path}`,
      path,
      method,
      operation,
    })),
  )

interface Example {
  readonly where: string
  readonly schema: object
  readonly value: unknown
}

function examplesOf({ parameters = [], requestBody, responses }: OpenApiOperation): Example[] {
  const bodies = Object.values(requestBody?.content ?? {}).flatMap(({ schema, example, examples }) =>
    Object.values(examples ?? { body: { value: example } }).map(({ value }) => ({ schema, example: value })),
  )
  const sent = [...parameters, ...bodies]
  const answered = Object.entries(responses).flatMap(([where, { headers, content }]) => [
    ...Object.values(headers).map(({ schema, example }) => ({ where, schema, value: example })),
    ...Object.values(content).flatMap(({ schema, examples = {} }) => {
      expect(examples, where).not.toEqual({})
      return Object.values(examples).map(({ value }) => ({ where, schema, value }))
    }),
  ])
  return [...sent.map(({ schema, example }) => ({ where: 'request', schema, value: example })), ...answered]
}

describe('the document of the interface', () => {
  test('is valid OpenAPI 3.1', async () => {
    const validator = new Validator()
    const { valid, errors } = await validator.validate(structuredClone(document) as never)
    expect([valid, errors, validator.version]).toEqual([true, undefined, '3.1'])
  })

  test('has every route that is registered, and no other', () => {
    for (const { method, path, name } of operations()) {
      const url = path.replaceAll(/\{(\w+)\}/g, ':$1')
      expect(app.hasRoute({ method: method.toUpperCase(), url }), name).toBe(true)
    }
    expect(
      operations()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(
      [
        'get /docs',
        'get /fhir/AuditEvent',
        'get /fhir/Bundle',
        'get /fhir/Bundle/{id}',
        'get /fhir/Consent',
        'get /fhir/DocumentReference',
        'get /fhir/metadata',
        'get /healthz',
        'get /openapi.json',
        'get /readyz',
        'get /v1/decisions/{custodian}/{through}/{entry}',
        'get /v1/requests/{collection}/{request}',
        'post /fhir/Consent',
        'post /v1/decisions/simulate',
        'post /v1/documents',
        'post /v1/patients',
        'put /fhir/Consent/{id}',
      ].toSorted(),
    )
  })

  test('cannot lack a route: one that does not describe itself is not accepted', () => {
    const other = Fastify()
    collectRoutes(other)
    expect(() => other.get('/secret', async () => ({}))).toThrow(
      'The route /secret does not describe itself.',
    )
  })

  test('has a summary, a tag, security, parameters and answers for each', () => {
    const names = new Set(document.tags.map(({ name }) => name))
    for (const { name, path, operation } of operations()) {
      expect(operation.summary, name).not.toBe('')
      expect(
        operation.tags.every((tag) => names.has(tag)),
        name,
      ).toBe(true)
      const isOpen = /^\/(docs|openapi.json|healthz|readyz|fhir\/metadata)$/.test(path)
      expect(operation.security, name).toEqual(isOpen ? [] : [{ bearer: [] }])
      const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path')
      expect(
        inPath.map((parameter) => `{${parameter.name}}`),
        name,
      ).toEqual(path.match(/\{\w+\}/g) ?? [])
      for (const parameter of operation.parameters ?? []) expect(parameter.example, name).toBeDefined()
      expect(
        Object.keys(operation.responses).some((status) => status.startsWith('2')),
        name,
      ).toBe(true)
      if (!isOpen)
        for (const status of ['400', '401', '403', '429', '500', '503'])
          expect(operation.responses, name).toHaveProperty(status)
    }
    expect(new Set(operations().map(({ operation }) => operation.operationId)).size).toBe(operations().length)
  })

  test('has examples, and every one is valid against its schema', () => {
    const isValid = cachedChecks()
    const examples = operations().flatMap(({ name, operation }) =>
      examplesOf(operation).map((example) => ({ name, ...example })),
    )
    for (const { name, where, schema, value } of examples)
      expect(isValid(schema, value), `${name} ${where}: ${JSON.stringify(value)}`).toBe(true)
    expect(examples.length).toBeGreaterThan(300)
  })

  test('names the codes of each status, which are those that the gateway answers it with', () => {
    for (const { name, operation } of operations()) {
      for (const [status, { content }] of Object.entries(operation.responses)) {
        const examples = Object.values(content).flatMap((media) => Object.keys(media.examples ?? {}))
        for (const code of examples.filter((example) => example !== 'answer'))
          expect(String(statusOf[code as keyof typeof statusOf]), `${name} ${code}`).toBe(status)
      }
    }
  })

  test('is open, and has nothing of a person', async () => {
    const { gateways } = await testNetwork()
    const text = (await gateways.north.app.inject('/openapi.json')).body
    for (const { handle } of Object.values(people)) expect(text).not.toContain(handle)
    expect(text).toContain('North Hospital')
  })
})

describe('an answer that is not as documented', () => {
  const check = (status: number, type: string, body: string) =>
    documented(document)('GET', '/healthz?x=1', { status, type, body })

  test('is found', () => {
    expect(check(200, 'application/json; charset=utf-8', '{"healthy":true}')).toBeUndefined()
    expect(check(200, 'application/json', '{"healthy":"yes"}')).toContain('is not as documented')
    expect(check(418, 'application/json', '{}')).toContain('418 is not documented')
    expect(check(200, 'text/plain', '{}')).toContain('as text/plain is not documented')
  })
})

describe('/docs', () => {
  test('is a page without scripts that loads nothing, and shows every operation', async () => {
    const answer = await app.inject('/docs')
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
    const policy = String(answer.headers['content-security-policy'])
    expect(policy).toMatch(/^default-src 'none';style-src 'sha256-[A-Za-z0-9+/=]{44}';frame-ancestors 'none'/)
    expect(answer.body).not.toMatch(/<script|<img|<link|\son\w+=|https?:\/\/[^"<]*\.(js|css)/)
    for (const { path, operation } of operations()) {
      expect(answer.body).toContain(path)
      expect(answer.body).toContain(operation.summary)
    }
  })
})

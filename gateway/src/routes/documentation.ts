import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { documentOf, pageOf, pagePolicy, type DescribedRoute, type Description } from '../openapi/index.ts'
import type { Services } from '../services.ts'

const documentDescription: Description = {
  summary: 'This document',
  tag: 'Operation',
  answers: {
    200: {
      description: 'OpenAPI 3.1.',
      schema: Type.Object({ openapi: Type.Literal('3.1.0'), paths: Type.Object({}) }),
      example: { openapi: '3.1.0', paths: {} },
    },
  },
}

const pageDescription: Description = {
  summary: 'This document as a page',
  tag: 'Operation',
  answers: {
    200: {
      description: 'HTML without scripts.',
      type: 'text/html',
      schema: Type.String(),
      example: '<!doctype html>…',
    },
  },
}

/** `/openapi.json` and `/docs`: the interface described from its routes, which `routes` has when all are registered. */
export function documentationRoutes(
  app: FastifyInstance,
  { organisation }: Services,
  routes: readonly DescribedRoute[],
): void {
  let document: string | undefined
  let page: string | undefined
  app.get(
    '/openapi.json',
    { config: { open: true, describe: documentDescription } },
    async (_request, reply) => {
      document ??= JSON.stringify(documentOf(routes, organisation.title))
      return reply.type('application/json').send(document)
    },
  )
  app.get(
    '/docs',
    {
      config: { open: true, describe: pageDescription },
      helmet: { contentSecurityPolicy: { useDefaults: false, directives: pagePolicy } },
    },
    async (_request, reply) => {
      page ??= pageOf(documentOf(routes, organisation.title))
      return reply.type('text/html; charset=utf-8').send(page)
    },
  )
}

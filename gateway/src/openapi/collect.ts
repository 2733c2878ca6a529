import type { FastifyInstance } from 'fastify'
import type { DescribedRoute } from './document.ts'

/**
 * Notes every route that is registered from now on. One that does not describe itself is not accepted, so that the
 * document cannot lack one.
 */
export function collectRoutes(app: FastifyInstance): readonly DescribedRoute[] {
  const routes: DescribedRoute[] = []
  app.addHook('onRoute', ({ method, url, schema = {}, config }) => {
    const describe = config?.describe
    if (describe === undefined) throw new Error(`The route ${url} does not describe itself.`)
    for (const name of [method].flat())
      routes.push({
        method: name,
        url,
        schema: schema as DescribedRoute['schema'],
        roles: config?.roles,
        describe,
      })
  })
  return routes
}

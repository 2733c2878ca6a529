import type { TestProject } from 'vitest/node'
import { testPort } from './ports.ts'
import { findPostgres, startPostgres, type PostgresAddress } from './postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Null where there is no PostgreSQL. */
    postgres: PostgresAddress | null
  }
}

/** Starts the server that the tests of a run share; each makes databases of its own in it. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const found = findPostgres()
  if (typeof found === 'string') {
    process.stderr.write(`The store is not tested on PostgreSQL but on SQLite alone: ${found}.\n`)
    project.provide('postgres', null)
    return undefined
  }
  const server = await startPostgres(testPort(500))
  project.provide('postgres', { port: server.port })
  return () => server.remove()
}

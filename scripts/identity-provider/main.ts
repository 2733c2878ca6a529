import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { check, Constitution, organisationNamed } from 'medledger-chaincode/api'
import { readPeople } from '../development/index.ts'
import { portalRedirect } from './clients.ts'
import { readKeys } from './keys.ts'
import { createMemory } from './memory.ts'
import { createProviderServer } from './server.ts'

/*
 * One organisation's development identity provider as a process, configured by the environment. It signs anybody in as
 * anybody, so it refuses to run where nobody said that this is development.
 */

const closeWithinMs = 2000

/** Errors: one line that names the variable that is missing. */
function setting(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '') throw new Error(`${name} is not set`)
  return value
}

function requireDevelopment(): void {
  if (process.env['MEDLEDGER_DEVELOPMENT'] !== 'true' || process.env['NODE_ENV'] === 'production')
    throw new Error(
      'this provider signs anybody in as anybody: it runs only with MEDLEDGER_DEVELOPMENT=true, and never with ' +
        'NODE_ENV=production. Use your own OpenID provider.',
    )
}

function start(): void {
  requireDevelopment()
  const constitution = check(
    Constitution,
    JSON.parse(readFileSync(setting('MEDLEDGER_CONSTITUTION_FILE'), 'utf8')),
    'constitution',
  )
  const { name: organisation, title } = organisationNamed(constitution, setting('MEDLEDGER_ORGANISATION'))
  const issuer = constitution.issuers.find((candidate) => candidate.organisation === organisation)?.issuer
  if (issuer === undefined) throw new Error(`the constitution names no issuer of ${organisation}`)
  const peopleFile = setting('MEDLEDGER_PEOPLE_FILE')
  const keysFile = setting('MEDLEDGER_PROVIDER_KEYS_FILE')
  const server = createProviderServer({
    issuer,
    organisation,
    title,
    organisations: constitution.organisations,
    portalRedirects: setting('MEDLEDGER_GATEWAYS').split(' ').map(portalRedirect),
    keys: () => readKeys(keysFile),
    people: async () => (await readPeople(peopleFile)) ?? [],
    adapter: createMemory(Date.now),
    cookieSecret: randomBytes(32).toString('hex'),
    developmentSecret: readFileSync(setting('MEDLEDGER_DEVELOPMENT_SECRET_FILE'), 'utf8').trim(),
    now: Date.now,
    log: (line) => void process.stderr.write(`${line}\n`),
  })
  server.on('error', ({ message }) => fail(message))
  server.listen(Number(new URL(issuer).port), '127.0.0.1', () => process.send?.({ type: 'ready' }))
  const stop = (): void => {
    setTimeout(() => process.exit(0), closeWithinMs).unref()
    server.close(() => process.exit(0))
    server.closeIdleConnections()
  }
  for (const event of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.once(event, stop)
}

function fail(message: string): void {
  process.stderr.write(`The identity provider cannot start: ${message}\n`)
  process.exit(1)
}

process.umask(0o077)
try {
  start()
} catch (error) {
  fail(error instanceof Error ? error.message : String(error))
}

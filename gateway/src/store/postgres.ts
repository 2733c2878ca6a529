import { PostgresDialect, type PostgresPool } from 'kysely'
import { Pool, types, type QueryResult } from 'pg'
import type { DatabaseLocation } from '../config/index.ts'
import { codeOf, toldApart } from './faults.ts'

export interface PostgresOptions {
  /** PEM of the authority of the server's TLS certificate; without TLS when undefined. */
  readonly authority?: string | undefined
  /** The last commits may be lost, whole, when the machine fails: for what can be made anew. */
  readonly isReproducible?: boolean
  /** How many connections there are at most. */
  readonly size?: number
  /** How long a statement may take; {@link usualMs} unless it is a migration's. */
  readonly statementMs?: number
  /** Hears the code of what broke a connection that nobody was using. */
  readonly onLost?: (code: string) => void
}

/** Getting a connection, and a place in the pool. */
const connectMs = 3000
const usualMs = 5000
/** The server ends a statement in time; when it does not even say so, the connection is given up this much later. */
const silenceMs = 2000
const idleMs = 30_000
const idleInTransactionMs = 10_000

/**
 * Kysely's PostgreSQL dialect over a small pool. What a query answered is on the disk. A query fails in bounded time
 * when the server hangs, and new connections are made when old ones are lost. Wide integers are numbers, as in SQLite.
 */
export function postgresDialect(
  { host, port, user, password, database }: DatabaseLocation,
  { authority, isReproducible = false, size = 8, statementMs = usualMs, onLost }: PostgresOptions = {},
): PostgresDialect {
  const pool = new Pool({
    host,
    port,
    user,
    password,
    database,
    ssl: authority !== undefined && { ca: authority, minVersion: 'TLSv1.2' },
    types: { getTypeParser },
    max: size,
    connectionTimeoutMillis: connectMs,
    idleTimeoutMillis: idleMs,
    statement_timeout: statementMs,
    idle_in_transaction_session_timeout: idleInTransactionMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: idleMs,
    application_name: 'medledger-gateway',
    // Whatever the server's own defaults are. Each change is safe at this level by its constraints and conditions.
    options: `-c synchronous_commit=${isReproducible ? 'off' : 'on'} -c default_transaction_isolation=read\\ committed`,
  })
  // Without these listeners a connection that breaks ends the process. Whoever uses it is told by her query.
  pool.on('error', (error) => onLost?.(codeOf(error)))
  pool.on('connect', (client) => client.on('error', () => {}))
  return new PostgresDialect({ pool: guarded(pool, statementMs + silenceMs) })
}

/** Gives up a connection on which nothing is answered, instead of handing it to the next one. */
function guarded(pool: Pool, silentMs: number): PostgresPool {
  return {
    options: {},
    end: () => pool.end(),
    async connect() {
      const client = await pool.connect().catch(rethrow)
      const query = async (text: string, values: readonly unknown[]): Promise<QueryResult> => {
        // Ends the query too, with an error.
        const timer = setTimeout(() => void client.end(), silentMs)
        try {
          return await client.query(text, [...values]).catch(rethrow)
        } finally {
          clearTimeout(timer)
        }
      }
      return { query, release: (destroy?: boolean) => client.release(destroy) } as never
    },
  }
}

function rethrow(error: unknown): never {
  throw toldApart(error)
}

const wideInteger = types.builtins.INT8

/** Of this pool only; without it a driver gives wide integers, and counts, as text. */
const getTypeParser: typeof types.getTypeParser = (
  type: Parameters<typeof types.getTypeParser>[0],
  format?: unknown,
) => (type === wideInteger ? safeInteger : types.getTypeParser(type, format as 'text'))

/** Errors: RangeError for one that a number cannot hold, as with `node:sqlite`. */
function safeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError('The database holds an integer that is too wide.')
  return value
}

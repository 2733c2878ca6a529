/**
 * A database did not answer, as opposed to having refused what it was asked: it is away, hangs, is being restarted, is a standby or
 * has no place left. What was asked may have been done all the same. `code` is that of {@link codeOf}.
 */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable'
  readonly code: string

  constructor(cause: unknown) {
    super('The database does not answer.', { cause })
    this.code = codeOf(cause)
  }
}

/** SQLSTATEs (PostgreSQL, appendix A) with which a server says that it cannot serve now, and network errors of Node. */
const away =
  /^(08...|25006|57P0[1-5]|57014|53300|55P03|25P03|ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|EHOST(UNREACH|DOWN)|ENET(UNREACH|DOWN)|ENOTFOUND|EAI_AGAIN)$/

/** Of the driver's errors without a code: a connection that broke, was given up, or could not be had in time. */
const broken = /^(Connection terminated|timeout exceeded|timeout expired|Client (was closed|has encountered))/

/** The code of a database's error, of itself or of what caused it: an SQLSTATE or Node's; `NO_ANSWER` without one. */
export function codeOf(error: unknown): string {
  for (const { code } of causesOf(error)) if (typeof code === 'string') return code
  return 'NO_ANSWER'
}

/** The driver's error, as {@link DatabaseUnavailable} where it is one. */
export function toldApart(error: unknown): unknown {
  const isAway = causesOf(error).some(({ code, message }) =>
    code === undefined ? broken.test(message) : away.test(code),
  )
  return isAway ? new DatabaseUnavailable(error) : error
}

/** Whether an error comes from a database that does not answer. */
export const isUnavailable = (error: unknown): boolean =>
  causesOf(error).some(
    // Kysely says the latter of a connection on which the end of a transaction could not even be asked for.
    (cause) =>
      cause instanceof DatabaseUnavailable || cause.message === 'Postgres connection has been discarded',
  )

/** Whether a database undid a transaction for the sake of another one: done again, it can succeed. */
export const isUndone = (error: unknown): boolean => /^40(001|P01)$/.test(codeOf(error))

/** An error, what caused it, what caused that, and so on. */
export function causesOf(error: unknown): readonly NodeJS.ErrnoException[] {
  const found: NodeJS.ErrnoException[] = []
  for (let next = error; next instanceof Error; next = next.cause) found.push(next)
  return found
}

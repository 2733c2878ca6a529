/** SQLSTATEs (PostgreSQL, appendix A) with which a server says that it cannot serve now, and network errors of Node. */
const unavailable =
  /^(08...|57P0[1-5]|57014|53300|55P03|25P03|ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|EHOST(UNREACH|DOWN)|ENET(UNREACH|DOWN)|ENOTFOUND|EAI_AGAIN)$/

/** Of errors without a code: a connection that broke, was given up, or could not be had in time. */
const broken =
  /^(Connection terminated|timeout exceeded|timeout expired|Client (was closed|has encountered)|Postgres connection has been)/

/** The code of a database's error, of itself or of what caused it: an SQLSTATE or Node's; `NO_ANSWER` without one. */
export function codeOf(error: unknown): string {
  for (let next = error; next instanceof Error; next = next.cause) {
    const { code } = next as NodeJS.ErrnoException
    if (typeof code === 'string') return code
  }
  return 'NO_ANSWER'
}

/** Whether a database did not answer, as opposed to having refused what it was asked. It may have done it all the same. */
export function isUnavailable(error: unknown): boolean {
  for (let next = error; next instanceof Error; next = next.cause) {
    const { code } = next as NodeJS.ErrnoException
    if (code === undefined ? broken.test(next.message) : unavailable.test(code)) return true
  }
  return false
}

/** Whether a database undid a transaction for the sake of another one: done again, it can succeed. */
export const isUndone = (error: unknown): boolean => /^40(001|P01)$/.test(codeOf(error))

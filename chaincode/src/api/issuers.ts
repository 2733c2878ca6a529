import type { Constitution } from './constitution.ts'

/** The environment's word that a process serves invented people only: `MEDLEDGER_DEVELOPMENT=true`. */
export const developmentVariable = 'MEDLEDGER_DEVELOPMENT'

const loopback = /^(localhost|.*\.localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** Whether a host is this very machine (RFC 6761, section 6.3; RFC 1122, section 3.2.1.3). */
export const isLoopbackHost = (hostname: string): boolean => loopback.test(hostname)

/** The identifier of an issuer that anybody but its owner could answer for: without TLS, or on the machine itself. */
function isForDevelopment(issuer: string): boolean {
  const url = URL.parse(issuer)
  return url === null || url.protocol !== 'https:' || isLoopbackHost(url.hostname)
}

/**
 * Why a constitution must not be served outside of development: its issuers sign anybody in as anybody. Undefined when
 * it may.
 */
export function developmentFault({ issuers }: Constitution, isDevelopment: boolean): string | undefined {
  const found = issuers.filter(({ issuer }) => isForDevelopment(issuer)).map(({ issuer }) => issuer)
  if (isDevelopment || found.length === 0) return undefined
  return (
    `the constitution has identity providers for development (${found.join(', ')}): name providers by their https ` +
    `address, or set ${developmentVariable}=true where there are invented people only`
  )
}

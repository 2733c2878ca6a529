import type { ClientMetadata } from 'oidc-provider'

/** The grant by which a program on this machine gets a token of somebody without a sign-in (RFC 6749, section 4.5). */
export const developmentGrant = 'urn:medledger:grant-type:development'

/** The command line: a public client that takes its code at a loopback port of its choice (RFC 8252, section 7.3). */
export const commandLineClient = 'medledger-cli'

/** The web portal: a public client in the browser, at the gateways' addresses. */
export const portalClient = 'medledger-portal'

/** Where the portal of a gateway takes its code. */
export const portalRedirect = (gateway: string): string => `${gateway}/portal/signed-in`

export const clientsOf = (portalRedirects: readonly string[]): ClientMetadata[] => [
  {
    client_id: commandLineClient,
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', developmentGrant],
    response_types: ['code'],
    redirect_uris: ['http://127.0.0.1/callback'],
    id_token_signed_response_alg: 'ES256',
  },
  {
    client_id: portalClient,
    application_type: 'web',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: [...portalRedirects],
    id_token_signed_response_alg: 'ES256',
  },
]

import { commandLineClient, developmentGrant } from './clients.ts'

export interface DevelopmentTokenRequest {
  /** URL of the provider. */
  readonly issuer: string
  /** User name of one of the provider's people. */
  readonly user: string
  /** The `aud` of the gateway that is to take the token. */
  readonly audience: string
  /** The instance's secret. */
  readonly secret: string
}

/** A development provider said no, or did not answer. */
export class NoToken extends Error {
  /** OAuth's error code (RFC 6749, section 5.2); undefined when the provider did not answer. */
  readonly code: string | undefined

  constructor(code: string | undefined, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'NoToken'
    this.code = code
  }
}

const timeoutMs = 10_000

/** A token of one of the invented people, by the development grant. Errors: {@link NoToken}. */
export async function requestDevelopmentToken(request: DevelopmentTokenRequest): Promise<string> {
  const { issuer, user, audience, secret } = request
  const response = await send(`${issuer}/token`, {
    grant_type: developmentGrant,
    client_id: commandLineClient,
    user,
    resource: audience,
    secret,
  })
  const answer = (await response.json().catch(() => ({}))) as {
    access_token?: string
    error?: string
    error_description?: string
  }
  if (response.status === 200 && answer.access_token !== undefined) return answer.access_token
  const { error = String(response.status), error_description: description = 'no token was given' } = answer
  throw new NoToken(error, `The identity provider answered ${error}: ${description}.`)
}

async function send(url: string, form: Record<string, string>): Promise<Response> {
  try {
    return await fetch(url, {
      method: 'POST',
      headers: { accept: 'application/json' },
      body: new URLSearchParams(form),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    })
  } catch (cause) {
    throw new NoToken(undefined, 'The identity provider does not answer: see `medledger status`.', { cause })
  }
}

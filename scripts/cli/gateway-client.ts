import { exitCodeOf, exitCodes, Failure } from './exit-codes.ts'
import { plain } from './output.ts'

/** A gateway's answer, whatever its status. */
export interface GatewayAnswer {
  readonly status: number
  readonly body: unknown
  /** The entry that the request committed, when it committed one. */
  readonly entry: string | undefined
}

export interface GatewayRequest {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly mediaType?: 'application/fhir+json' | 'application/json'
}

/** One person at one gateway. */
export interface GatewayClient {
  /** Errors: exit 5 when the gateway cannot be reached, exit 7 when it was and gave no answer. */
  send(request: GatewayRequest): Promise<GatewayAnswer>
  /** As {@link GatewayClient.send}, and an answer other than the statuses given is a {@link Failure}. */
  expect(request: GatewayRequest, statuses: readonly number[]): Promise<GatewayAnswer>
}

const timeoutMs = 30_000

export function gatewayClient(url: string, newToken: () => Promise<string>): GatewayClient {
  const send = async (request: GatewayRequest): Promise<GatewayAnswer> => {
    const response = await attempt(url, request, await newToken())
    return {
      status: response.status,
      body: await readBody(response),
      entry: response.headers.get('x-medledger-entry') ?? undefined,
    }
  }
  return {
    send,
    async expect(request, statuses) {
      const answer = await send(request)
      if (!statuses.includes(answer.status)) throw toFailure(answer)
      return answer
    },
  }
}

/** Causes of a failed `fetch` by which the request cannot have reached anybody. */
const unreached: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

async function attempt(url: string, request: GatewayRequest, token: string): Promise<Response> {
  const { method, path, headers, body, mediaType = 'application/fhir+json' } = request
  try {
    return await fetch(`${url}${path}`, {
      method,
      headers: {
        accept: mediaType,
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': mediaType }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    })
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as { code?: string }
    if (code !== undefined && unreached.has(code))
      throw new Failure(exitCodes.unavailable, 'The gateway does not answer: see `medledger status`.', {
        cause: error,
      })
    throw new Failure(
      exitCodes.outcomeUnknown,
      'The gateway was asked and its answer was lost: look at the log before repeating the request.',
      { cause: error },
    )
  }
}

async function readBody(response: Response): Promise<unknown> {
  const text = await response.text()
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    throw new Failure(
      exitCodes.error,
      `The gateway answered ${response.status} with something that is not JSON.`,
    )
  }
}

interface Problem {
  readonly code?: string | undefined
  readonly message?: string | undefined
}

interface Issue {
  readonly diagnostics?: string
  readonly details?: { readonly coding?: readonly { readonly code?: string }[] }
}

/** The stable code and the words of an error: an OperationOutcome, or a problem (RFC 9457). */
export function problemOf(body: unknown): Problem {
  const { resourceType, issue, code, detail, title } = (body ?? {}) as {
    resourceType?: string
    issue?: readonly Issue[]
    code?: string
    detail?: string
    title?: string
  }
  return resourceType === 'OperationOutcome' ? problemIn(issue ?? []) : { code, message: detail ?? title }
}

/** A resource that is refused has an issue for each fault. */
function problemIn(issues: readonly Issue[]): Problem {
  const told = issues.flatMap(({ diagnostics }) => diagnostics ?? [])
  return {
    code: issues[0]?.details?.coding?.[0]?.code,
    message: told.length > 0 ? told.join(' ') : undefined,
  }
}

/** An answer that is not what was asked for, as one line and an exit code. */
export function toFailure({ status, body }: GatewayAnswer): Failure {
  const { code, message } = problemOf(body)
  const exitCode = exitCodeOf(status, code)
  const words = plain(message ?? `The gateway answered ${status}.`)
  const line = code === undefined ? words : `${words} (${plain(code)})`
  return new Failure(exitCode === exitCodes.done ? exitCodes.error : exitCode, line)
}

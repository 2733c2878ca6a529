import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import { subjectOf, type DevelopmentPerson } from '../development/index.ts'
import { signingKey, stateOf, type ProviderKey, type ProviderKeys } from './keys.ts'
import { errorPage, pageHeaders, signInPage } from './page.ts'
import { createProvider, type ProviderOptions } from './provider.ts'
import { isForHost } from './request.ts'

export interface ServerOptions extends Omit<ProviderOptions, 'keys'> {
  /** What people call the organisation. */
  readonly title: string
  /** The keys as their file has them now. */
  readonly keys: () => Promise<ProviderKeys>
  /** Milliseconds since 1970 (UTC). */
  readonly now: () => number
  /** Takes a line without personal data about an unexpected fault. */
  readonly log: (line: string) => void
}

/** What a server answers for, at one moment: the provider, or none while there is no key to sign with. */
type Current = () => Promise<Provider | undefined>

/** Everything that a relying party may still meet: the key that signs first, then what is next and what was before. */
function publishedKeys(keys: ProviderKeys, at: number): readonly ProviderKey[] {
  const signing = signingKey(keys, at)
  if (signing === undefined) return []
  const others = keys.keys.filter(
    (key) => key.kid !== signing.kid && ['new', 'next', 'overlapping'].includes(stateOf(keys, key, at)),
  )
  return [signing, ...others]
}

/** The library's provider has its keys for life: another one takes its place, over the same memory, when they change. */
function currentProvider(options: ServerOptions): Current {
  let known: { readonly name: string; readonly provider: Provider } | undefined
  return async () => {
    const [signing, ...others] = publishedKeys(await options.keys(), options.now())
    if (signing === undefined) return undefined
    const name = [signing, ...others].map(({ kid }) => kid).join(' ')
    if (known?.name === name) return known.provider
    const provider = createProvider({ ...options, keys: [signing, ...others] })
    provider.on('server_error', (_ctx, error) => options.log(`fault: ${error.name}`))
    known = { name, provider }
    return provider
  }
}

/** The HTTP server of one organisation's development provider; it only answers for its own loopback address. */
export function createProviderServer(options: ServerOptions): Server {
  const current = currentProvider(options)
  const server = createServer((request, response) => {
    answer(request, response, { options, current }).catch((error: unknown) => {
      options.log(`fault: ${error instanceof Error ? error.name : typeof error}`)
      if (!response.headersSent) sendError(response, 500, 'server_error', 'Something went wrong.')
      response.end()
    })
  })
  server.requestTimeout = 10_000
  return server
}

interface Serving {
  readonly options: ServerOptions
  readonly current: Current
}

async function answer(request: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  const { options, current } = serving
  const { remoteAddress } = request.socket
  if (!isForHost({ remoteAddress, headers: request.headers }, options.issuer)) {
    sendError(response, 421, 'invalid_request', `This is ${options.issuer}.`)
    return
  }
  const provider = await current()
  if (provider === undefined) {
    const sentence = 'No key signs at the moment: try again in a few seconds, or see medledger keys list'
    sendError(response, 503, 'temporarily_unavailable', sentence)
    return
  }
  if (/^\/interaction\/[\w-]{1,64}$/.test(request.url ?? ''))
    await answerInteraction(request, response, { options, provider })
  else await provider.callback()(request, response)
}

interface Interacting {
  readonly options: ServerOptions
  readonly provider: Provider
}

async function answerInteraction(
  request: IncomingMessage,
  response: ServerResponse,
  { options, provider }: Interacting,
): Promise<void> {
  const { organisation, title, issuer } = options
  try {
    // Only the browser that began the sign-in has its cookie.
    await provider.interactionDetails(request, response)
  } catch {
    sendError(response, 400, 'invalid_request', 'This sign-in has ended: begin again where you came from.')
    return
  }
  const people = (await options.people()).filter((person) => person.organisation === organisation)
  if (request.method === 'GET') {
    response.writeHead(200, pageHeaders).end(signInPage(title, people))
    return
  }
  const { origin } = request.headers
  if (request.method !== 'POST' || (origin !== undefined && origin !== issuer)) {
    sendError(response, 403, 'access_denied', 'This form is only for the provider’s own page.')
    return
  }
  await finish(request, response, { provider, people })
}

async function finish(
  request: IncomingMessage,
  response: ServerResponse,
  { provider, people }: { readonly provider: Provider; readonly people: readonly DevelopmentPerson[] },
): Promise<void> {
  const form = await readForm(request)
  const person = people.find(({ user }) => user === form.get('user'))
  if (person === undefined && !form.has('cancel')) {
    sendError(response, 400, 'invalid_request', 'There is nobody of this name here.')
    return
  }
  const result =
    person === undefined
      ? { error: 'access_denied', error_description: 'The sign-in was cancelled.' }
      : { login: { accountId: subjectOf(person), remember: false } }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
}

const largestForm = 4096

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += String(chunk)
    if (text.length > largestForm) break
  }
  return new URLSearchParams(text.length > largestForm ? '' : text)
}

/** A page for people; a program that asks for JSON gets OAuth's form of an error (RFC 6749, section 5.2). */
function sendError(response: ServerResponse, status: number, code: string, sentence: string): void {
  const { accept = '' } = response.req.headers
  if (accept.includes('text/html')) response.writeHead(status, pageHeaders).end(errorPage(code, sentence))
  else
    response
      .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      .end(JSON.stringify({ error: code, error_description: sentence }))
}

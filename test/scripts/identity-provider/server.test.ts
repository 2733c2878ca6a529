import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import * as oauth from 'oauth4webapi'
import { randomId } from 'medledger-chaincode/api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { inventPeople, type DevelopmentPerson } from '../../../scripts/development/index.ts'
import {
  commandLineClient,
  developmentGrant,
  newKey,
  NoToken,
  requestDevelopmentToken,
  type ProviderKey,
  type ProviderKeys,
} from '../../../scripts/identity-provider/index.ts'
import { createMemory } from '../../../scripts/identity-provider/memory.ts'
import { createProviderServer } from '../../../scripts/identity-provider/server.ts'
import { readSignature, derInteger, derSequence, isLowS } from '../../../scripts/network/ecdsa.ts'
import { demoTopology } from '../../../scripts/network/topology.ts'

const { organisations } = demoTopology().constitution
const audienceOf = (name: string): string =>
  organisations.find((organisation) => organisation.name === name)?.audience ?? ''
const redirect = 'http://127.0.0.1:45678/callback'
const client: oauth.Client = { client_id: commandLineClient }
const insecure = { [oauth.allowInsecureRequests]: true }

let issuer: string
let keys: ProviderKeys
let people: readonly DevelopmentPerson[]
let close: () => Promise<void>
let metadata: oauth.AuthorizationServer

const signing = (at = Date.now()): ProviderKey => ({
  ...newKey('authority'),
  signsFrom: new Date(at).toISOString(),
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

beforeEach(async () => {
  const port = await freePort()
  issuer = `http://127.0.0.1:${port}`
  keys = { issuer, organisation: 'authority', keys: [signing()] }
  people = inventPeople(demoTopology().constitution, randomId)
  const server = createProviderServer({
    issuer,
    organisation: 'authority',
    title: 'Health Authority',
    organisations,
    portalRedirects: ['http://127.0.0.1:7710/portal/signed-in'],
    keys: async () => keys,
    people: async () => people,
    adapter: createMemory(Date.now),
    cookieSecret: 'cookies',
    developmentSecret: 'secret',
    now: Date.now,
    log: (line) => {
      throw new Error(line)
    },
  }).listen(port, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  const url = new URL(issuer)
  metadata = await oauth.processDiscoveryResponse(
    url,
    await oauth.discoveryRequest(url, { ...insecure, algorithm: 'oidc' }),
  )
})
afterEach(() => close())

/** A browser without scripts: it keeps cookies and follows nothing by itself. */
function browser(): (path: string, form?: Record<string, string>, headers?: object) => Promise<Response> {
  const cookies = new Map<string, string>()
  return async (path, form, headers = {}) => {
    const response = await fetch(new URL(path, issuer), {
      method: form === undefined ? 'GET' : 'POST',
      redirect: 'manual',
      headers: {
        accept: 'text/html',
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...headers,
      },
      ...(form !== undefined && { body: new URLSearchParams(form) }),
    })
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';')
      cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1))
    }
    return response
  }
}

interface SignIn {
  readonly verifier: string
  readonly answer: URL
}

/** Where the authorization endpoint leads: the sign-in page's address, or the client's with an error. */
async function authorize(
  visit: ReturnType<typeof browser>,
  changes: Readonly<Record<string, string | undefined>> = {},
): Promise<{ readonly verifier: string; readonly response: Response }> {
  const verifier = oauth.generateRandomCodeVerifier()
  const parameters = {
    client_id: commandLineClient,
    redirect_uri: redirect,
    response_type: 'code',
    scope: 'openid',
    state: 'state',
    resource: audienceOf('authority'),
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...changes,
  }
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value)
  return { verifier, response: await visit(`/auth?${query.toString()}`) }
}

const locationOf = (response: Response): string => response.headers.get('location') ?? ''

/** Signs in by one click and gives what the client is told. */
async function signIn(form: Record<string, string>, changes = {}): Promise<SignIn> {
  const visit = browser()
  const { verifier, response } = await authorize(visit, changes)
  const page = locationOf(response)
  const finished = await visit(page, form, { origin: issuer })
  const resumed = await visit(locationOf(finished))
  return { verifier, answer: new URL(locationOf(resumed)) }
}

async function redeem(
  { verifier, answer }: SignIn,
  redirectUri = redirect,
): Promise<oauth.TokenEndpointResponse> {
  const code = oauth.validateAuthResponse(metadata, client, answer, 'state')
  const response = await oauth.authorizationCodeGrantRequest(
    metadata,
    client,
    oauth.None(),
    code,
    redirectUri,
    verifier,
    insecure,
  )
  return oauth.processAuthorizationCodeResponse(metadata, client, response)
}

describe('signing in with code and PKCE', () => {
  test('gives a short ES256 access token of the chosen person for the one gateway', async () => {
    const { access_token: token, expires_in: lifetime } = await redeem(await signIn({ user: 'maria' }))
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: keys.keys[0]?.kid })
    const { iat = 0, exp = 0, jti, ...claims } = decodeJwt(token)
    expect(exp - iat).toBe(300)
    expect(lifetime).toBe(300)
    expect(jti).toMatch(/^.{20,}$/)
    expect(claims).toEqual({
      iss: issuer,
      sub: 'maria',
      aud: audienceOf('authority'),
      client_id: commandLineClient,
      roles: ['patient'],
    })
  })

  test('has each purpose of use that was asked for as a scope', async () => {
    const answer = await redeem(await signIn({ user: 'maria' }, { scope: 'purpose:PATRQT purpose:TREAT' }))
    expect(decodeJwt(answer.access_token)).toMatchObject({ purpose_of_use: ['PATRQT', 'TREAT'] })
  })

  test('takes a patient to any gateway, and staff to their own only', async () => {
    const elsewhere = { resource: audienceOf('south') }
    const { access_token: token } = await redeem(await signIn({ user: 'maria' }, elsewhere))
    expect(decodeJwt(token)['aud']).toBe(audienceOf('south'))
    const { answer } = await signIn({ user: 'operator.authority' }, elsewhere)
    expect(answer.searchParams.get('error')).toBe('invalid_target')
  })

  test('shows the organisation’s people, to nobody’s frame and without a script', async () => {
    const visit = browser()
    const page = await visit(locationOf((await authorize(visit)).response))
    const text = await page.text()
    for (const { user, name, organisation } of people) {
      expect(text.includes(`value="${user}"`) && text.includes(name)).toBe(organisation === 'authority')
    }
    expect(text).not.toContain('<script')
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(page.headers.get('cache-control')).toBe('no-store')
  })

  test('asks again who somebody is each time, whoever signed in before', async () => {
    const visit = browser()
    const first = await authorize(visit)
    await visit(locationOf(await visit(locationOf(first.response), { user: 'maria' })))
    const second = await authorize(visit)
    expect(locationOf(second.response)).toMatch(/^\/interaction\//)
  })

  test('that is cancelled tells the client so', async () => {
    const { answer } = await signIn({ cancel: 'yes' })
    expect(answer.searchParams.get('error')).toBe('access_denied')
  })

  test.each([
    ['without PKCE', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['with the plain method', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['for no gateway', { resource: undefined }, 'invalid_target'],
    ['for something else', { resource: 'urn:elsewhere' }, 'invalid_target'],
    ['with the implicit flow', { response_type: 'token' }, 'unsupported_response_type'],
  ])('%s is refused', async (_what, changes, code) => {
    const { response } = await authorize(browser(), changes)
    const told = new URL(locationOf(response))
    expect(told.searchParams.get('error') ?? new URLSearchParams(told.hash.slice(1)).get('error')).toBe(code)
  })

  test.each([
    ['elsewhere', 'https://evil.example/callback'],
    ['to another path', 'http://127.0.0.1:45678/other'],
    ['to another host', 'http://localhost:45678/callback'],
  ])('leads nobody %s', async (_what, redirect_uri) => {
    const { response } = await authorize(browser(), { redirect_uri })
    expect(response.status).toBe(400)
    expect(response.headers.get('location')).toBeNull()
  })

  test('is refused to whoever lacks the verifier or names another redirection', async () => {
    const other = { ...(await signIn({ user: 'maria' })), verifier: oauth.generateRandomCodeVerifier() }
    await expect(redeem(other)).rejects.toMatchObject({ error: 'invalid_grant' })
    const elsewhere = redeem(await signIn({ user: 'maria' }), 'http://127.0.0.1:45679/callback')
    await expect(elsewhere).rejects.toMatchObject({ error: 'invalid_grant' })
  })

  test('gives one token for one code, even when it is redeemed several times at once', async () => {
    const once = await signIn({ user: 'maria' })
    const tries = await Promise.allSettled(Array.from({ length: 5 }, () => redeem(once)))
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    await expect(redeem(once)).rejects.toThrow()
  })

  test('needs the browser that began it, and no other page can answer for it', async () => {
    const visit = browser()
    const page = locationOf((await authorize(visit)).response)
    expect((await browser()(page)).status).toBe(400)
    expect((await browser()(page, { user: 'maria' })).status).toBe(400)
    expect((await visit(page, { user: 'maria' }, { origin: 'http://evil.example' })).status).toBe(403)
    expect((await visit(page, { user: 'maria' }, { origin: 'null' })).status).toBe(403)
    expect((await visit(page, { user: 'dr.okafor' })).status).toBe(400)
  })

  test('answers only for its own host', async () => {
    const status = await new Promise((resolve) => {
      const url = new URL('/.well-known/openid-configuration', issuer)
      send(url, { headers: { host: 'evil.example' } }, ({ statusCode }) => resolve(statusCode)).end()
    })
    expect(status).toBe(421)
  })
})

describe('the development grant', () => {
  const right = { user: 'maria', secret: 'secret' }
  const ask = (changes: Partial<{ user: string; secret: string; audience: string }> = {}): Promise<string> =>
    requestDevelopmentToken({ issuer, audience: audienceOf('authority'), ...right, ...changes })

  const post = (headers: Record<string, string>, form: Record<string, string> = {}): Promise<Response> =>
    fetch(`${issuer}/token`, {
      method: 'POST',
      headers,
      body: new URLSearchParams({
        grant_type: developmentGrant,
        client_id: commandLineClient,
        resource: audienceOf('authority'),
        ...right,
        ...form,
      }),
    })

  test('gives a program with the secret what a sign-in gives', async () => {
    const token = await ask()
    const { sub, aud, roles, client_id: asClient, iss, jti } = decodeJwt(token)
    expect({ sub, aud, roles, asClient, iss }).toEqual({
      sub: 'maria',
      aud: audienceOf('authority'),
      roles: ['patient'],
      asClient: commandLineClient,
      iss: issuer,
    })
    expect(decodeJwt(await ask())['jti']).not.toBe(jti)
    const limited = await post({}, { scope: 'purpose:TREAT other' })
    const { access_token: narrow } = (await limited.json()) as { access_token: string }
    expect(decodeJwt(narrow)).toMatchObject({ purpose_of_use: ['TREAT'], scope: 'purpose:TREAT' })
  })

  test('always signs with the lower value of s', async () => {
    for (let index = 0; index < 20; index += 1) {
      const plain = Buffer.from((await ask()).split('.')[2] ?? '', 'base64url')
      const [r, s] = [plain.subarray(0, 32), plain.subarray(32)].map((part) =>
        BigInt(`0x${part.toString('hex')}`),
      )
      const der = derSequence(derInteger(r ?? 0n), derInteger(s ?? 0n))
      expect(readSignature(der).s).toBe(s)
      expect(isLowS(der)).toBe(true)
    }
  })

  test.each([
    ['without the secret', {}, { secret: '' }],
    ['with another secret', {}, { secret: 'Secret' }],
    ['from a page', { origin: 'http://127.0.0.1:7710' }, {}],
    ['from a page of no origin', { origin: 'null' }, {}],
    ['through a proxy', { 'x-forwarded-for': '127.0.0.1' }, {}],
    ['for somebody unknown', {}, { user: 'nobody' }],
    ['for another organisation’s people', {}, { user: 'dr.okafor' }],
    ['for the portal', {}, { client_id: 'medledger-portal' }],
    ['for no client', {}, { client_id: 'other' }],
    ['for something else', {}, { resource: 'urn:elsewhere' }],
    ['for staff at another gateway', {}, { user: 'operator.authority', resource: audienceOf('south') }],
  ])('is refused %s', async (_what, headers, form) => {
    const answer = await post(headers, form)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.status).toBeLessThan(500)
    expect(answer.headers.get('access-control-allow-origin')).not.toBe('http://127.0.0.1:7710')
    expect(await answer.text()).not.toContain('access_token')
  })

  test('says which error it was', async () => {
    await expect(ask({ secret: 'x' })).rejects.toMatchObject({ code: 'access_denied' })
    await close()
    await expect(ask()).rejects.toEqual(expect.objectContaining({ code: undefined, name: NoToken.name }))
  })
})

describe('the keys', () => {
  const published = async (): Promise<unknown[]> => {
    const { keys } = (await (await fetch(`${issuer}/jwks`)).json()) as { keys: { kid: string }[] }
    return keys.map(({ kid }) => kid)
  }
  const kidOfToken = async (): Promise<unknown> => {
    const audience = audienceOf('authority')
    const token = await requestDevelopmentToken({ issuer, user: 'maria', audience, secret: 'secret' })
    return decodeProtectedHeader(token).kid
  }

  test('that come next are published before they sign, and those before while their tokens live', async () => {
    const [old] = keys.keys as [ProviderKey]
    const fresh = newKey('authority')
    keys = { ...keys, keys: [old, fresh] }
    expect(await published()).toEqual([old.kid, fresh.kid])
    expect(await kidOfToken()).toBe(old.kid)
    const active = { ...fresh, signsFrom: new Date().toISOString() }
    keys = { ...keys, keys: [{ ...old, signsFrom: new Date(Date.now() - 1000).toISOString() }, active] }
    expect(await published()).toEqual([fresh.kid, old.kid])
    expect(await kidOfToken()).toBe(fresh.kid)
  })

  test('never show a private part', async () => {
    expect(await (await fetch(`${issuer}/jwks`)).text()).not.toContain('"d"')
  })

  test('that are revoked neither sign nor show, and without any there are no tokens', async () => {
    const [old] = keys.keys as [ProviderKey]
    const { d: _gone, ...publicPart } = old.key
    const revoked = { ...old, key: publicPart }
    keys = { ...keys, keys: [revoked] }
    await expect(kidOfToken()).rejects.toMatchObject({ code: 'temporarily_unavailable' })
    const next = signing()
    keys = { ...keys, keys: [revoked, next] }
    expect(await published()).toEqual([next.kid])
    expect(await kidOfToken()).toBe(next.kid)
  })

  test('change without ending a sign-in that is under way', async () => {
    const underWay = await signIn({ user: 'maria' })
    const next = { ...signing(Date.now()), kid: 'authority-next' }
    keys = { ...keys, keys: [{ ...(keys.keys[0] as ProviderKey), signsFrom: '2026-01-01T00:00:00Z' }, next] }
    const { access_token: token } = await redeem(underWay)
    expect(decodeProtectedHeader(token).kid).toBe('authority-next')
  })
})

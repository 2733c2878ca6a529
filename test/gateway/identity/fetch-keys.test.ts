import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createKeysFetcher, fetchLimits } from '../../../gateway/src/identity/fetch-keys.ts'
import { createAuthority, issueLeaf, type IssuedPair } from '../../../scripts/network/certificates.ts'

interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

let authority: IssuedPair
let leaf: IssuedPair
let server: Server
let origin: string
let replies: Record<string, Reply>
let asked: string[]

const keySet = (count = 1): Reply => ({
  body: JSON.stringify({
    keys: Array.from({ length: count }, (_, index) => ({ kid: `k${index}`, kty: 'EC' })),
  }),
})

beforeAll(async () => {
  const now = Date.now()
  authority = await createAuthority({ commonName: 'ca.example', organisation: 'Test' }, now)
  leaf = await issueLeaf(
    authority,
    { subject: { commonName: 'login.example', organisation: 'Test' }, hosts: ['localhost'] },
    now,
  )
})
beforeEach(async () => {
  replies = {}
  asked = []
  server = createServer({ key: leaf.privateKey, cert: leaf.certificate }, ({ url = '' }, response) => {
    asked.push(url)
    const { status = 200, headers = {}, body } = replies[url] ?? { status: 404, body: '' }
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `https://localhost:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

/** Keycloak's addresses: a realm is an issuer. */
const realm = '/realms/north'
const certs = `${realm}/protocol/openid-connect/certs`
const discovery = `${realm}/.well-known/openid-configuration`

async function fetchKeys(jwks?: string, ca: string | undefined = authority.certificate): Promise<unknown> {
  const fetcher = createKeysFetcher({
    issuer: `${origin}${realm}`,
    jwks: jwks === undefined ? undefined : new URL(jwks, origin),
    authority: ca,
  })
  try {
    return await fetcher.fetch()
  } finally {
    await fetcher.close()
  }
}

describe('a provider’s keys', () => {
  test('are fetched from the address that was configured', async () => {
    replies[certs] = keySet()
    expect(await fetchKeys(certs)).toEqual([{ kid: 'k0', kty: 'EC' }])
    expect(asked).toEqual([certs])
  })

  test('are found by the discovery document of the issuer', async () => {
    replies[discovery] = {
      body: JSON.stringify({ issuer: `${origin}${realm}`, jwks_uri: `${origin}${certs}` }),
    }
    replies[certs] = keySet()
    expect(await fetchKeys()).toHaveLength(1)
  })

  test.each([
    ['of another issuer', () => ({ issuer: `${origin}/realms/south`, jwks_uri: `${origin}${certs}` })],
    [
      'that leads to another host',
      () => ({ issuer: `${origin}${realm}`, jwks_uri: 'https://evil.example/keys' }),
    ],
    [
      'that leads to another port',
      () => ({ issuer: `${origin}${realm}`, jwks_uri: 'https://localhost:1/keys' }),
    ],
    [
      'that leaves TLS',
      () => ({ issuer: `${origin}${realm}`, jwks_uri: origin.replace('https', 'http') + certs }),
    ],
    ['without an address', () => ({ issuer: `${origin}${realm}` })],
  ])('are not looked for by a discovery document %s', async (_what, document) => {
    replies[discovery] = { body: JSON.stringify(document()) }
    replies[certs] = keySet()
    await expect(fetchKeys()).rejects.toThrow()
    expect(asked).toEqual([discovery])
  })

  test('are not followed to where a redirect leads', async () => {
    replies[certs] = { status: 302, headers: { location: `${origin}/elsewhere` }, body: '' }
    replies['/elsewhere'] = keySet()
    await expect(fetchKeys(certs)).rejects.toThrow('302')
    expect(asked).toEqual([certs])
  })

  test.each<[string, () => Reply]>([
    ['too many', () => keySet(fetchLimits.keys + 1)],
    ['too long', () => ({ body: `{"keys":[]${' '.repeat(fetchLimits.bytes)}}` })],
    ['no JSON', () => ({ body: '<html>' })],
    ['no key set', () => ({ body: '[]' })],
    ['an error', () => ({ status: 500, body: '{"keys":[]}' })],
  ])('are not taken from an answer that is %s', async (_what, reply) => {
    replies[certs] = reply()
    await expect(fetchKeys(certs)).rejects.toThrow()
  })

  test('as many as there may be are taken', async () => {
    replies[certs] = keySet(fetchLimits.keys)
    expect(await fetchKeys(certs)).toHaveLength(fetchLimits.keys)
  })

  test('are not taken from a server whose certificate is of another authority', async () => {
    replies[certs] = keySet()
    const other = await createAuthority({ commonName: 'other.example', organisation: 'Test' }, Date.now())
    await expect(fetchKeys(certs, other.certificate)).rejects.toThrow()
    expect(asked).toEqual([])
  })
})

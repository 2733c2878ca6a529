import { mkdtempSync, rmSync } from 'node:fs'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Partners } from '../../../gateway/src/config/index.ts'
import { GatewayError } from '../../../gateway/src/error.ts'
import { createAskCustodian, createExchange, type Give } from '../../../gateway/src/release/index.ts'
import { issueLeaf, type IssuedPair } from '../../../scripts/network/certificates.ts'
import {
  issueCredentials,
  type Credentials,
  type OrganisationCredentials,
} from '../../../scripts/network/issue.ts'
import { hostOf } from '../../../scripts/network/names.ts'
import { demoTopology } from '../../../scripts/network/topology.ts'
import { DatabaseUnavailable } from '../../../gateway/src/store/index.ts'
import { capturedLog } from '../../support/gateway-network.ts'

const directory = mkdtempSync(join(tmpdir(), 'medledger-exchange-'))
const release = { entry: 'ab'.repeat(16), block: 7 }
const sealed = { protected: 'a', iv: 'b', tag: 'c', ciphertext: 'd', aad: 'e' }
const answer = { documents: [{ document: `north-${'00'.repeat(16)}`, version: 1, content: sealed }] }

let credentials: Credentials
let foreign: Credentials
let servers: FastifyInstance[] = []
const askers: ReturnType<typeof createAskCustodian>[] = []
const give = vi.fn<Give>()
const { log, lines } = capturedLog()

const of = (from: Credentials, name: string): OrganisationCredentials =>
  from.get(name) as OrganisationCredentials
const authorities = (): [string, string][] =>
  [...credentials].map(([name, { tlsCa }]) => [name, tlsCa.certificate])

/** The partners of every gateway, with all of them at one address. */
const partnersAt = (url: string): Partners =>
  Object.fromEntries(
    authorities().map(([name, authority]) => [name, { url, name: hostOf('exchange', name), authority }]),
  )

/** Starts a custodian's server with a certificate on a free port and answers with its address. */
async function serve(identity: IssuedPair = of(credentials, 'north').tls.exchange): Promise<string> {
  const server = createExchange({
    ...identity,
    partners: partnersAt('https://unused'),
    give,
    answered: () => {},
    log,
  })
  servers.push(server)
  await server.listen({ host: '127.0.0.1', port: 0 })
  return `https://127.0.0.1:${(server.server.address() as AddressInfo).port}`
}

/** What another gateway gets that shows this certificate. */
function askAs(identity: IssuedPair, url: string): ReturnType<typeof createAskCustodian> {
  const ask = createAskCustodian(partnersAt(url), identity)
  askers.push(ask)
  return ask
}

/** A plain HTTPS call, for what our own gateways would never send. */
function call(
  url: string,
  { body = JSON.stringify(release), ...options }: https.RequestOptions & { body?: string },
): Promise<{ status: number; text: string; reused: boolean }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const request = https.request(`${url}/releases`, { method: 'POST', headers, ...options }, (response) => {
      const reused = (response.socket as TLSSocket).isSessionReused()
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text, reused }))
    })
    request.on('error', reject)
    request.end(body)
  })
}

beforeAll(async () => {
  credentials = await issueCredentials(demoTopology(), join(directory, 'own'))
  foreign = await issueCredentials(demoTopology(), join(directory, 'foreign'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))
beforeEach(() => {
  give.mockReset()
  give.mockResolvedValue(answer)
})
afterEach(async () => {
  await Promise.all(askers.splice(0).map((ask) => ask.close()))
  await Promise.all(servers.map((server) => server.close()))
  servers = []
})

const unavailable = expect.objectContaining({ code: 'CUSTODIAN_UNAVAILABLE' }) as Error

describe('the exchange between gateways', () => {
  test('hands a custodian’s answer to the organisation that asks, whose certificate says who it is', async () => {
    const url = await serve()
    for (const name of ['south', 'authority', 'north']) {
      const ask = askAs(of(credentials, name).tls.exchange, url)
      expect(await ask('north', release)).toEqual(answer)
      expect(give).toHaveBeenLastCalledWith(release, name)
    }
  })

  test('takes the organisation from the authority that issued a certificate, never from the names in it', async () => {
    const subject = { commonName: hostOf('exchange', 'north'), organisation: 'north' }
    const disguised = await issueLeaf(
      of(credentials, 'south').tlsCa,
      { subject, hosts: [hostOf('exchange', 'south')] },
      Date.now(),
    )
    await askAs(disguised, await serve())('north', release)
    expect(give).toHaveBeenCalledExactlyOnceWith(release, 'south')
  })

  test("takes a peer's certificate of the same authority neither for a gateway's nor for a custodian's", async () => {
    const { peer } = of(credentials, 'south').tls
    await expect(askAs(peer, await serve())('north', release)).rejects.toEqual(unavailable)
    const impostor = await serve(of(credentials, 'north').tls.peer)
    const ask = askAs(of(credentials, 'south').tls.exchange, impostor)
    await expect(ask('north', release)).rejects.toEqual(unavailable)
    expect(give).not.toHaveBeenCalled()
  })

  test('knows the organisation on a resumed session too', async () => {
    const url = await serve()
    const { certificate, privateKey } = of(credentials, 'south').tls.exchange
    const { tlsCa } = of(credentials, 'north')
    const agent = new https.Agent({ cert: certificate, key: privateKey, ca: tlsCa.certificate })
    const options = { agent, headers: { 'content-type': 'application/json', connection: 'close' } }
    const first = await call(url, options)
    const second = await call(url, options)
    expect([first.status, second.status]).toEqual([200, 200])
    expect(give.mock.calls.map(([, asker]) => asker)).toEqual(['south', 'south'])
    agent.destroy()
  })

  test('takes no caller without a certificate, nor with one of a foreign authority, nor with one of its own making', async () => {
    const url = await serve()
    const ca = of(credentials, 'north').tlsCa.certificate
    await expect(call(url, { ca })).rejects.toThrow()
    const impostor = of(foreign, 'south').tls.exchange
    await expect(askAs(impostor, url)('north', release)).rejects.toEqual(unavailable)
    // An identity on the channel is issued by another authority than the organisation's TLS certificates.
    await expect(askAs(of(credentials, 'south').gateway, url)('north', release)).rejects.toEqual(unavailable)
    expect(give).not.toHaveBeenCalled()
  })

  test('takes no caller below TLS 1.3', async () => {
    const { certificate: cert, privateKey: key } = of(credentials, 'south').tls.exchange
    const ca = of(credentials, 'north').tlsCa.certificate
    await expect(call(await serve(), { ca, cert, key, maxVersion: 'TLSv1.2' })).rejects.toThrow()
  })

  test('asks nobody who cannot show the custodian’s own certificate', async () => {
    const south = of(credentials, 'south').tls.exchange
    for (const identity of [of(credentials, 'authority').tls.exchange, of(foreign, 'north').tls.exchange]) {
      const ask = askAs(south, await serve(identity))
      await expect(ask('north', release)).rejects.toEqual(unavailable)
    }
    const elsewhere = { subject: { commonName: 'x', organisation: 'north' }, hosts: ['elsewhere.example'] }
    const wrongHost = await issueLeaf(of(credentials, 'north').tlsCa, elsewhere, Date.now())
    await expect(askAs(south, await serve(wrongHost))('north', release)).rejects.toEqual(unavailable)
    expect(give).not.toHaveBeenCalled()
  })

  test('passes on the refusals of a custodian, in words of its own', async () => {
    const ask = askAs(of(credentials, 'south').tls.exchange, await serve())
    for (const code of ['NOT_RELEASED', 'ALREADY_RELEASED'] as const) {
      give.mockRejectedValueOnce(new GatewayError(code, 'Lindqvist'))
      const refusal = { code, message: expect.not.stringContaining('Lindqvist') as string }
      await expect(ask('north', release)).rejects.toEqual(expect.objectContaining(refusal))
    }
    for (const error of [new GatewayError('LEDGER_UNAVAILABLE', 'x'), new Error('Lindqvist')]) {
      give.mockRejectedValueOnce(error)
      await expect(ask('north', release)).rejects.toEqual(unavailable)
    }
    expect(lines.join('')).not.toContain('Lindqvist')
  })

  test('takes no answer that is not of the agreed form', async () => {
    const ask = askAs(of(credentials, 'south').tls.exchange, await serve())
    for (const wrong of [
      {},
      { documents: [{ document: 'x' }] },
      'text',
      { documents: [{ ...answer.documents[0], version: 0 }] },
    ]) {
      give.mockResolvedValueOnce(wrong as typeof answer)
      await expect(ask('north', release)).rejects.toEqual(unavailable)
    }
  })

  test('takes no request that is not of the agreed form, quotes nothing of it and logs no fault', async () => {
    const url = await serve()
    const logged = lines.length
    const { certificate: cert, privateKey: key } = of(credentials, 'south').tls.exchange
    const ca = of(credentials, 'north').tlsCa.certificate
    const wrong = [
      '',
      '{',
      '{}',
      '[]',
      `{"entry":"Lindqvist","block":7}`,
      JSON.stringify({ ...release, block: -1 }),
      JSON.stringify({ ...release, more: 'Lindqvist' }),
      JSON.stringify('x'.repeat(5000)),
      `{"entry":"${release.entry}","entry":"${release.entry}","block":1}`,
    ]
    for (const body of wrong) {
      const { status, text } = await call(url, { ca, cert, key, body })
      expect([status, JSON.parse(text)]).toEqual([400, { code: 'INVALID_REQUEST' }])
    }
    const headers = { 'content-type': 'text/plain' }
    const plain = await call(url, { ca, cert, key, headers })
    expect([plain.status, JSON.parse(plain.text)]).toEqual([400, { code: 'INVALID_REQUEST' }])
    const elsewhere = await call(url, { ca, cert, key, path: '/Lindqvist' })
    expect([elsewhere.status, JSON.parse(elsewhere.text)]).toEqual([404, { code: 'ROUTE_NOT_FOUND' }])
    expect(lines.slice(logged)).toEqual([])
    expect(give).not.toHaveBeenCalled()
  })

  test('finds a custodian unavailable whose database does not answer, which is no fault in its log', async () => {
    const url = await serve()
    const logged = lines.length
    give.mockRejectedValue(new DatabaseUnavailable(new Error('Lindqvist')))
    const ask = askAs(of(credentials, 'south').tls.exchange, url)
    await expect(ask('north', release)).rejects.toEqual(unavailable)
    expect(lines.slice(logged).map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({ event: 'refused', code: 'NOT_READY', exchange: true }),
    ])
  })

  test('finds a custodian that is down, or that nobody knows, unavailable at once', async () => {
    const url = await serve()
    await Promise.all(servers.map((server) => server.close()))
    const ask = askAs(of(credentials, 'south').tls.exchange, url)
    const start = performance.now()
    await expect(ask('north', release)).rejects.toEqual(unavailable)
    for (const unknown of ['west', 'constructor', '__proto__']) {
      await expect(ask(unknown, release)).rejects.toEqual(unavailable)
    }
    expect(performance.now() - start).toBeLessThan(1000)
  })
})

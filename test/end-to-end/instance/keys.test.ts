import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeProtectedHeader, SignJWT } from 'jose'
import { randomId } from 'medledger-chaincode/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { demoTopology } from '../../../scripts/network/topology.ts'
import { medledger } from '../../support/command-line.ts'
import { startInstance, type RunningInstance } from '../../support/instance.ts'
import { poll } from '../../support/poll.ts'
import { testPort } from '../../support/ports.ts'

const firstPort = testPort(400)
const { constitution } = demoTopology(firstPort)
const gateways = constitution.organisations.map(
  (_organisation, index) => `http://127.0.0.1:${firstPort + index}`,
)
let data: string
let instance: RunningInstance

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'medledger-keys-'))
  instance = await startInstance(data, ['--port', String(firstPort), '--no-demo'])
})
afterAll(async () => {
  await instance.interrupt()
  await rm(data, { recursive: true, force: true })
})

const json = async <Value>(...args: string[]): Promise<Value> => {
  const { code, stdout, stderr } = await medledger([...args, '--data', data, '--json'])
  if (code !== 0) throw new Error(`medledger ${args.join(' ')} ended with ${code}: ${stderr}`)
  return JSON.parse(stdout) as Value
}

interface Row {
  readonly kid: string
  readonly state: string
  readonly ledger: string
}
const keys = (): Promise<Row[]> => json<Row[]>('keys', 'list', '--org', 'authority')
const tokenAt = async (organisation: string): Promise<string> =>
  (await json<{ token: string }>('token', '--user', 'maria', '--at', organisation)).token

/** A request that a token is needed for and nothing else: whether the gateway takes it. */
async function ask(index: number, token = ''): Promise<number> {
  const { status, body } = await fetch(`${gateways[index]}/fhir/Bundle/nowhere-${'0'.repeat(32)}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  await body?.cancel()
  return status
}

/** How many gateways refuse the token that is theirs. */
async function refusals(tokens: readonly string[]): Promise<number> {
  const statuses = await Promise.all(tokens.map((token, index) => ask(index, token)))
  return statuses.filter((status) => status === 401).length
}

/** Keeps asking all gateways with tokens of its own; tells how each was answered. */
function load(tokens: readonly string[]): { stop(): Promise<Map<number, number>> } {
  const statuses = new Map<number, number>()
  const over = new AbortController()
  const one = async (index: number): Promise<void> => {
    while (!over.signal.aborted) {
      const status = await ask(index, tokens[index])
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  }
  const running = Promise.all([0, 1, 2].map(one))
  return {
    async stop() {
      over.abort()
      await running
      return statuses
    },
  }
}

const tokensNow = (): Promise<string[]> => Promise.all(['north', 'south', 'authority'].map(tokenAt))

test('a rotation lets every request succeed that is made meanwhile, with old tokens and with new ones', async () => {
  const before = await tokensNow()
  const running = load(before)
  const { kid } = await json<{ kid: string }>('keys', 'rotate', '--org', 'authority')
  const fresh = await poll('a token of the new key', async () => {
    const tokens = await tokensNow()
    return tokens.every((token) => decodeProtectedHeader(token).kid === kid) ? tokens : undefined
  })
  expect(await refusals(fresh)).toBe(0)
  const statuses = await running.stop()
  expect([...statuses.keys()].filter((status) => status === 401 || status >= 500)).toEqual([])
  expect((await keys()).map(({ state, ledger }) => [state, ledger])).toEqual([
    ['overlapping', 'good'],
    ['signing', 'good'],
  ])
  // Its last tokens may still be in use.
  expect(await json('keys', 'retire', '--org', 'authority')).toEqual({ retired: [] })
})

describe('keys add', () => {
  const kid = 'added'
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const add = async (content: string, ...more: string[]): ReturnType<typeof medledger> => {
    const file = join(data, 'jwks.json')
    await writeFile(file, content)
    return medledger(['keys', 'add', '--org', 'authority', '--jwks', file, '--data', data, ...more])
  }
  const setOf = (...keys: object[]): string => JSON.stringify({ keys })
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'EdDSA', use: 'sig' }
  const token = (): Promise<string> =>
    new SignJWT({ client_id: 'elsewhere', roles: ['patient'] })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid })
      .setIssuer(constitution.issuers[2]?.issuer ?? '')
      .setSubject('maria')
      .setAudience(constitution.organisations[0]?.audience ?? '')
      .setJti(randomId())
      .setIssuedAt()
      .setExpirationTime('5 minutes')
      .sign(privateKey)

  test.each([
    ['what is no JSON', 'keys', [], 'it is not JSON'],
    ['no key set', '{}', [], 'it is no JWK Set'],
    ['a set without the key that is named', setOf(jwk), ['--kid', 'other'], 'no such signing key'],
    ['a key for encryption only', setOf({ ...jwk, use: 'enc' }), [], 'no such signing key'],
    ['a key without an algorithm', setOf({ ...jwk, alg: undefined }), [], ''],
    ['a key for another algorithm', setOf(jwk), ['--alg', 'PS256'], ''],
  ])('refuses %s', async (_what, content, more, words) => {
    const { code, stderr } = await add(content, ...more)
    expect([code, stderr.trim().split('\n').length]).toEqual([2, 1])
    expect(stderr).toContain(words)
  })

  test('puts a key on the ledger, whose tokens the gateways then take', async () => {
    expect(await ask(0, await token())).toBe(401)
    const added = await add(setOf({ ...jwk, kid: 'left out' }, jwk), '--kid', kid)
    expect(added).toMatchObject({ code: 0, stdout: `${kid} is on the ledger.\n` })
    const taken = await poll('its tokens to be taken', async () => {
      const status = await ask(0, await token())
      return status === 401 ? undefined : status
    })
    expect(taken).toBe(await ask(0, await tokenAt('north')))
  })
})

test('after an emergency revocation no gateway takes a token of the key, remembered or not', async () => {
  const tokens = await tokensNow()
  // Each gateway has just verified its token and remembers it.
  expect(await refusals(tokens)).toBe(0)
  const running = load(tokens)
  const { kid, successor } = await json<{ kid: string; successor?: { kid: string } }>(
    'keys',
    'revoke',
    '--org',
    'authority',
  )
  expect(decodeProtectedHeader(String(tokens[0])).kid).toBe(kid)
  // The command ends when the authority's own peer has the block; the other peers follow within a moment.
  expect(await ask(2, tokens[2])).toBe(401)
  for (const index of [0, 1]) {
    await poll('the block at the other gateways', async () =>
      (await ask(index, tokens[index])) === 401 ? true : undefined,
    )
  }
  await running.stop()
  for (let round = 0; round < 20; round += 1) expect(await refusals(tokens)).toBe(3)
  const rows = await keys()
  expect(rows.find((row) => row.kid === kid)).toMatchObject({ state: 'revoked', ledger: 'revoked' })
  // The key before takes over again, or a new one.
  const next = await poll('tokens of another key', async () => {
    const result = await medledger(['token', '--user', 'maria', '--data', data])
    return result.code === 0 ? result.stdout.trim() : undefined
  })
  expect(decodeProtectedHeader(next).kid).not.toBe(kid)
  expect(successor?.kid).not.toBe(kid)
  await poll('the successor at the gateway', async () => ((await ask(2, next)) === 401 ? undefined : true))
})

test('a provider that is stopped gives no tokens, and gives them again when it is started', async () => {
  expect((await medledger(['stop', 'provider-authority', '--data', data])).code).toBe(0)
  expect((await medledger(['token', '--user', 'maria', '--data', data])).code).toBe(5)
  expect((await medledger(['start', 'provider-authority', '--data', data])).code).toBe(0)
  expect((await medledger(['token', '--user', 'maria', '--data', data])).code).toBe(0)
})

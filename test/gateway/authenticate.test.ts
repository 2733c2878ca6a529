import Fastify, { type FastifyRequest } from 'fastify'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MedledgerError, purposesOfUse } from 'medledger-chaincode/api'
import {
  authenticateRoutes,
  createAuthenticate,
  purposeOf,
  type Authenticate,
} from '../../gateway/src/authenticate.ts'
import { claimsFor, fakeIssuer, signClaims, type FakeIssuer } from '../support/ledger-tokens.ts'
import { demoConstitution, issuerNameOf, startOfTests } from '../support/ledger-world.ts'

const now = startOfTests
const [north, south] = demoConstitution.organisations
const issuers = new Map<string, FakeIssuer>()
let authenticate: Authenticate
let asked: string[]

const issuerOf = (organisation: string): FakeIssuer => issuers.get(organisation) as FakeIssuer
const requestWith = (headers: Record<string, string | undefined>): FastifyRequest =>
  ({ headers }) as unknown as FastifyRequest
const bearerOf = (token: string): FastifyRequest => requestWith({ authorization: `Bearer ${token}` })

/** Claims to change; one that is undefined is left out. */
type Claims = Readonly<Record<string, unknown>>

/** A token of an organisation's provider for North's gateway, whose claims a test may change. */
const tokenOf = (
  organisation: string,
  role: string,
  claims: Claims = {},
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> => {
  const usual = claimsFor('somebody', { role, audience: north?.audience ?? '', now })
  return signClaims(issuerOf(organisation), { ...usual, ...claims }, header)
}

beforeAll(async () => {
  for (const { issuer, organisation } of demoConstitution.issuers) {
    issuers.set(organisation, await fakeIssuer(issuer, `${organisation}-1`))
  }
})
beforeEach(() => {
  if (north === undefined) throw new RangeError('the demonstration has no organisations')
  asked = []
  authenticate = createAuthenticate({
    constitution: demoConstitution,
    organisation: north,
    keyOf: async (issuer, kid) => {
      asked.push(kid)
      const found = [...issuers.values()].find((known) => known.issuer === issuer && known.kid === kid)
      return found?.publicKey
    },
    now: () => now,
  })
})

const seconds = Math.floor(now / 1000)
const codeOf = (code: string): Error => expect.objectContaining({ code }) as Error

describe('a bearer token', () => {
  test.each([
    ['north', 'doctor'],
    ['authority', 'patient'],
    ['authority', 'auditor'],
  ])('of %s that asserts %s is accepted for that role', async (organisation, role) => {
    const token = await tokenOf(organisation, role)
    const bearer = await authenticate(bearerOf(token), ['doctor', role as 'patient'])
    expect(bearer).toMatchObject({ token, claims: { subject: 'somebody', roles: [role] } })
    const lowerCase = requestWith({ authorization: `bearer ${token}` })
    expect(await authenticate(lowerCase, [role as 'patient'])).toEqual(bearer)
  })

  test.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Basic bWFyaWE6eA==',
    'Bearer a b',
    'Bearer a,b',
    'token',
    'XBearer abc',
  ])('is missing in %j', async (authorization) => {
    await expect(authenticate(requestWith({ authorization }), ['doctor'])).rejects.toEqual(
      codeOf('NOT_AUTHENTICATED'),
    )
    expect(asked).toEqual([])
  })

  test.each<[string, Claims, Record<string, unknown>?]>([
    ['expired', { iat: seconds - 400, exp: seconds - 11 }],
    ['issued in the future', { iat: seconds + 11, exp: seconds + 300 }],
    ['not valid yet', { nbf: seconds + 60 }],
    ['of too long a life', { exp: seconds + 601 }],
    ['without an end', { exp: undefined }],
    ['without a beginning', { iat: undefined }],
    ['for another gateway', { aud: south?.audience ?? '' }],
    ['for several gateways', { aud: [north?.audience ?? '', south?.audience ?? ''] }],
    ['of an unknown issuer', { iss: 'https://elsewhere.example' }],
    ['in the name of another issuer', { iss: issuerNameOf('authority') }],
    ['without a subject', { sub: undefined }],
    ['without an id', { jti: undefined }],
    ['without roles', { roles: [] }],
    ['of another type', {}, { typ: 'JWT' }],
    ['of an unknown key', {}, { kid: 'north-2' }],
    ['without a key id', {}, { kid: undefined }],
  ])('that is %s is not accepted', async (_what, claims, header = {}) => {
    const token = await tokenOf('north', 'doctor', claims, header)
    await expect(authenticate(bearerOf(token), ['doctor'])).rejects.toEqual(codeOf('INVALID_TOKEN'))
  })

  test('that is changed, cut, unsigned or too long is not accepted', async () => {
    const token = await tokenOf('north', 'doctor')
    const [header = '', payload = '', signature = ''] = token.split('.')
    const other = Buffer.from(JSON.stringify({ ...claimsFor('x', { role: 'doctor', audience: '', now }) }))
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt', kid: 'north-1' })).toString(
      'base64url',
    )
    const forged = [
      `${header}.${other.toString('base64url')}.${signature}`,
      `${header}.${payload}`,
      `${header}.${payload}.`,
      `${none}.${payload}.`,
      'x',
      'a'.repeat(5000),
    ]
    for (const text of forged) {
      await expect(authenticate(bearerOf(text), ['doctor'])).rejects.toEqual(codeOf('INVALID_TOKEN'))
    }
  })

  test('of another hospital’s provider is not accepted, and its key is not even looked up', async () => {
    const token = await tokenOf('south', 'doctor')
    await expect(authenticate(bearerOf(token), ['doctor'])).rejects.toEqual(codeOf('INVALID_TOKEN'))
    expect(asked).toEqual([])
  })

  test('that asserts none of a route’s roles is forbidden there', async () => {
    const token = await tokenOf('authority', 'patient')
    await expect(authenticate(bearerOf(token), ['doctor', 'auditor'])).rejects.toEqual(codeOf('FORBIDDEN'))
  })

  test('cannot be judged while the ledger is away, which is not the token’s fault', async () => {
    if (north === undefined) return
    const away = createAuthenticate({
      constitution: demoConstitution,
      organisation: north,
      keyOf: async () => {
        throw new MedledgerError('LEDGER_UNAVAILABLE', 'No peer answers.')
      },
      now: () => now,
    })
    const token = await tokenOf('north', 'doctor')
    await expect(away(bearerOf(token), ['doctor'])).rejects.toEqual(codeOf('LEDGER_UNAVAILABLE'))
  })

  test('is refused in the same words whatever is wrong with it', async () => {
    const messages = new Set<string>()
    for (const claims of [
      { exp: seconds - 100, iat: seconds - 200 },
      { aud: 'x' },
      { iss: 'x' },
      { sub: '' },
    ]) {
      await authenticate(bearerOf(await tokenOf('north', 'doctor', claims)), ['doctor']).catch(
        (error: Error) => messages.add(error.message),
      )
    }
    expect(messages.size).toBe(1)
  })
})

test('a route that does not say who may use it is not accepted', () => {
  const app = Fastify()
  authenticateRoutes(app, authenticate)
  const handler = async (): Promise<object> => ({})
  const unsaid = 'The route /x does not say who may use it.'
  expect(() => app.get('/x', handler)).toThrow(unsaid)
  expect(() => app.get('/x', { config: {} }, handler)).toThrow(unsaid)
  expect(() => app.get('/open', { config: { open: true } }, handler)).not.toThrow()
  expect(() => app.get('/staff', { config: { roles: ['doctor'] } }, handler)).not.toThrow()
})

describe('the purpose of use', () => {
  const purposeWith = (header: string | undefined, purposes?: string[]): string =>
    purposeOf(requestWith({ 'x-purpose-of-use': header }), { token: '', claims: { purposes } } as never)

  test('is treatment when nobody says anything', () => {
    expect(purposeWith(undefined)).toBe('TREAT')
  })

  test('is the token’s when it has one only', () => {
    expect(purposeWith(undefined, ['HRESCH'])).toBe('HRESCH')
  })

  test('is the header’s within what the token allows', () => {
    for (const purpose of purposesOfUse) {
      expect(purposeWith(purpose)).toBe(purpose)
      expect(purposeWith(purpose, [purpose, 'OTHER'])).toBe(purpose)
      expect(() => purposeWith(purpose, ['OTHER'])).toThrow(codeOf('FORBIDDEN'))
    }
  })

  test('is treatment, if the token allows it, when the token has several and no header chooses', () => {
    expect(purposeWith(undefined, ['TREAT', 'BTG'])).toBe('TREAT')
    expect(() => purposeWith(undefined, ['HRESCH', 'BTG'])).toThrow(codeOf('FORBIDDEN'))
  })

  test.each(['', 'treat', 'TREAT, BTG', 'PURPOSE', '__proto__'])('is never %j', (header) => {
    expect(() => purposeWith(header)).toThrow(codeOf('INVALID_REQUEST'))
    expect(() => purposeWith(undefined, [header])).toThrow(codeOf('INVALID_REQUEST'))
  })
})

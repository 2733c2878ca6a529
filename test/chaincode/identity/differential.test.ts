import * as fc from 'fast-check'
import { importJWK, jwtVerify } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { addressOf, verifyToken, type TokenClaims } from 'medledger-chaincode/identity'
import { demoWorld } from '../../support/ledger-world.ts'
import { knownAt } from '../../support/token-attacks/campaign.ts'
import {
  algorithms,
  attackClasses,
  attackedConstitution,
  drawFrom,
  goodRecipe,
  setScene,
  withClaims,
  withHeader,
  write,
  type Scene,
} from '../../support/token-attacks/index.ts'
import { acceptsWithout, type Reference } from '../../support/token-attacks/reference.ts'

let scene: Scene
let known: Reference
beforeAll(async () => {
  scene = await setScene(await demoWorld(attackedConstitution))
  known = knownAt(scene, 'north')
})

/** The product's verdict: issuer, key, token, as gateway and chaincode do it. */
function ours(token: string): TokenClaims | undefined {
  try {
    const address = addressOf(token)
    const issuer = known.issuers.find((candidate) => candidate.issuer === address.issuer)
    const found = known.keys.find(({ issuer: name, kid }) => name === address.issuer && kid === address.kid)
    if (issuer === undefined || found === undefined || found.revoked) return undefined
    return verifyToken(token, { issuer, key: found.key, audience: known.audience, at: known.at })
  } catch {
    return undefined
  }
}

/** What jose makes of the token with the same key and options; it rejects where it does not accept. */
async function jose(token: string): Promise<Record<string, unknown>> {
  const { issuer, kid } = addressOf(token)
  const key = known.keys.find((candidate) => candidate.issuer === issuer && candidate.kid === kid)?.key
  if (key === undefined) throw new RangeError('no key')
  const { payload } = await jwtVerify(token, await importJWK(key, key.alg), {
    algorithms: [key.alg],
    typ: known.issuers.find((candidate) => candidate.issuer === issuer)?.token?.type ?? 'at+jwt',
    issuer,
    audience: known.audience,
    currentDate: new Date(known.at),
    clockTolerance: 10,
    requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat', 'jti'],
  })
  return payload
}

const seconds = (): number => known.at / 1000

/** Values near the border of what is accepted, on both sides of it. */
const near = fc.record({
  sub: fc.oneof(
    fc.string({ minLength: 1, maxLength: 210, unit: 'binary' }),
    fc.constant('dr.okafor'),
    fc.anything(),
  ),
  jti: fc.oneof(fc.string(), fc.string({ minLength: 199, maxLength: 201 }), fc.integer()),
  life: fc.oneof(
    fc.integer({ min: -2, max: 3 }),
    fc.integer({ min: 595, max: 605 }),
    fc.integer({ min: 30, max: 600 }),
  ),
  age: fc.oneof(
    fc.integer({ min: -13, max: 13 }),
    fc.integer({ min: 580, max: 620 }),
    fc.double({ min: -12, max: 12, noNaN: true }),
  ),
  nbf: fc.oneof(fc.integer({ min: -20, max: 20 }), fc.constant('soon')),
  purpose_of_use: fc.oneof(fc.constant('TREAT'), fc.array(fc.string(), { maxLength: 22 }), fc.jsonValue()),
  aud: fc.oneof(
    fc.constantFrom('urn:medledger:gateway:north', 'urn:medledger:gateway:south'),
    fc.array(fc.constantFrom('urn:medledger:gateway:north', 'x'), { maxLength: 3 }),
  ),
  extra: fc.jsonValue({ maxDepth: 7 }),
  typ: fc.constantFrom('at+jwt', 'JWT', 'Bearer'),
  cut: fc.integer({ min: 0, max: 200 }),
})

const token = fc
  .record({
    seed: fc.nat(),
    algorithm: fc.constantFrom(...algorithms),
    changed: near,
    header: fc.constantFrom(null, null, null, null, null, 'at+jwt', 'JWT'),
    places: fc.uniqueArray(fc.nat({ max: 8 }), { maxLength: 2 }),
  })
  .map(({ seed, algorithm, changed, header, places }) => {
    const few = Object.entries(changed).filter((_entry, place) => places.includes(place))
    const { life, age, nbf, cut, ...claims } = Object.fromEntries(few) as Partial<typeof changed>
    const recipe = goodRecipe(drawFrom(seed), scene, { algorithm })
    const iat = age === undefined ? Number(recipe.payload['iat']) : seconds() - age
    const times = life === undefined && age === undefined ? {} : { iat, exp: iat + (life ?? 300) }
    const starts = nbf === undefined ? {} : { nbf: typeof nbf === 'number' ? seconds() + nbf : nbf }
    const made = withClaims(recipe, { ...claims, ...times, ...starts })
    const text = write(header === null ? made : withHeader(made, { typ: header }))
    return cut === undefined || cut > 3 ? text : text.slice(0, text.length - cut)
  })

describe('the verifier agrees', { timeout: 120_000 }, () => {
  test('with jose on every token that it accepts, and reads the same in it', async () => {
    let accepted = 0
    await fc.assert(
      fc.asyncProperty(token, async (text) => {
        const claims = ours(text)
        if (claims === undefined) return
        accepted += 1
        const payload = await jose(text)
        expect([
          payload['iss'],
          payload['sub'],
          [payload['aud']].flat(),
          payload['iat'],
          payload['exp'],
        ]).toEqual([claims.issuer, claims.subject, [claims.audience], claims.issuedAt, claims.expiresAt])
        expect(JSON.stringify(payload)).toContain(JSON.stringify(claims.roles))
      }),
      { numRuns: 800 },
    )
    expect(accepted).toBeGreaterThan(100)
  })

  test('with a reference written from the rules, on every token', () => {
    fc.assert(
      fc.property(token, (text) => {
        expect(ours(text) !== undefined).toBe(acceptsWithout(undefined, text, known))
      }),
      { numRuns: 800 },
    )
  })

  test('with the reference on hostile ones', () => {
    const hostile = attackClasses.filter(({ refusedBy }) => refusedBy === 'verifier')
    fc.assert(
      fc.property(fc.constantFrom(...hostile), fc.nat(), ({ make }, seed) => {
        const made = make(drawFrom(seed), scene)
        if (typeof made !== 'string') return
        expect(ours(made)).toBeUndefined()
        expect(acceptsWithout(undefined, made, known)).toBe(false)
      }),
      { numRuns: 800 },
    )
  })
})

test('no token says two things: whatever letter of it is changed, it is refused', () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.constantFrom(...Array.from(alphabet)), (seed, place, letter) => {
      const good = write(goodRecipe(drawFrom(seed), scene))
      const index = place % good.length
      fc.pre(good[index] !== letter)
      expect(ours(good)).toBeDefined()
      expect(ours(good.slice(0, index) + letter + good.slice(index + 1))).toBeUndefined()
    }),
    { numRuns: 300 },
  )
})

import { family, type AttackClass } from './attack.ts'
import type { Draw } from './draw.ts'
import { goodRecipe, withClaims, withHeader, write, type Json, type Recipe } from './recipe.ts'
import type { Scene } from './scene.ts'

const seconds = (scene: Scene): number => Math.floor(scene.now() / 1000)

function claiming(draw: Draw, scene: Scene, claimsOf: (recipe: Recipe) => Json): string {
  const recipe = goodRecipe(draw, scene)
  return write(withClaims(recipe, claimsOf(recipe)))
}

/** What a required text must not be. */
const noText = (draw: Draw, good: unknown): unknown =>
  draw.of<unknown>([
    undefined,
    null,
    '',
    0,
    1,
    true,
    false,
    {},
    [],
    [[good]],
    [good, good],
    { 0: good, length: 1 },
    'x'.repeat(201),
    '\u0000',
    [null],
  ])

const noInstant = (draw: Draw, good: number): unknown =>
  draw.of<unknown>([
    undefined,
    null,
    '',
    String(good),
    'NaN',
    'Infinity',
    good + 0.5,
    -good,
    -1,
    true,
    {},
    [],
    [good],
    2 ** 53,
    good * 1000,
    1e300,
    new Date(good * 1000).toISOString(),
    `${good}.0`,
    '0x7fffffff',
  ])

/** A class for each claim that is required: absent, null, empty, too long, or of another type. */
const required: Parameters<typeof family>[1] = {
  iss: (draw, scene) =>
    claiming(draw, scene, ({ payload }) => ({
      iss: draw.of([noText(draw, payload['iss']), [payload['iss']]]),
    })),
  sub: (draw, scene) =>
    claiming(draw, scene, ({ payload }) => ({
      sub: draw.of([noText(draw, payload['sub']), [payload['sub']]]),
    })),
  aud: (draw, scene) => claiming(draw, scene, () => ({ aud: noText(draw, scene.audienceOf('north')) })),
  jti: (draw, scene) =>
    claiming(draw, scene, ({ payload }) => ({
      jti: draw.of([noText(draw, payload['jti']), [payload['jti']]]),
    })),
  'the client': (draw, scene) =>
    claiming(draw, scene, ({ issuer }) => ({
      [issuer.profile.token?.clientClaim ?? 'client_id']: draw.of([noText(draw, 'portal'), ['portal']]),
    })),
  iat: (draw, scene) =>
    claiming(draw, scene, ({ payload }) => ({ iat: noInstant(draw, payload['iat'] as number) })),
  exp: (draw, scene) =>
    claiming(draw, scene, ({ payload }) => ({ exp: noInstant(draw, payload['exp'] as number) })),
  'the roles': (draw, scene) =>
    claiming(draw, scene, ({ issuer, payload }) => {
      const { role } = issuer
      const roles = draw.of<unknown>([
        undefined,
        null,
        '',
        role,
        [],
        [[role]],
        [role, ''],
        [role, null],
        [role, 1],
        [role, 'x'.repeat(201)],
        Array.from({ length: 51 }, () => role),
        { 0: role },
        { [role]: true },
        1,
        true,
      ])
      return issuer.profile.token === undefined
        ? { roles }
        : {
            realm_access: draw.of<unknown>([{ roles }, undefined, null, [role], { Roles: [role] }]),
            roles: payload['roles'],
          }
    }),
}

const times: Parameters<typeof family>[1] = {
  'an end at the beginning': (draw, scene) => claiming(draw, scene, ({ payload: { iat } }) => ({ exp: iat })),
  'an end before the beginning': (draw, scene) =>
    claiming(draw, scene, () => ({ iat: seconds(scene) + 9, exp: seconds(scene) + 9 - draw.integer(1, 18) })),
  'a life too long': (draw, scene) =>
    claiming(draw, scene, ({ payload }) => ({
      exp: Number(payload['iat']) + draw.of([601, 602, 3600, 86_400, 2 ** 31, 2 ** 52]),
    })),
  'issued in the future': (draw, scene) => {
    const iat = (): number => seconds(scene) + 11 + draw.of([0, 1, 60, 86_400, 2 ** 31])
    return claiming(draw, scene, () => {
      const begins = iat()
      return { iat: begins, exp: begins + 300 }
    })
  },
  'expired beyond the skew': (draw, scene) =>
    claiming(draw, scene, () => {
      const exp = seconds(scene) - 10 - draw.of([0, 1, 10, 60, 86_400])
      return { exp, iat: exp - draw.integer(1, 600) }
    }),
  'from the year 1970': (draw, scene) =>
    claiming(draw, scene, () => ({ iat: draw.integer(0, 100), exp: draw.integer(101, 600) })),
  'not valid yet': (draw, scene) =>
    claiming(draw, scene, () => ({ nbf: seconds(scene) + 11 + draw.of([0, 1, 60, 2 ** 40]) })),
  'a beginning that is no instant': (draw, scene) =>
    claiming(draw, scene, () => {
      const nbf = noInstant(draw, seconds(scene))
      return { nbf: nbf === undefined ? null : nbf }
    }),
  'a beginning behind the end': (draw, scene) =>
    claiming(draw, scene, () => {
      const exp = seconds(scene) - draw.integer(0, 5)
      return { iat: exp - 60, exp, nbf: exp + draw.integer(0, 5) }
    }),
}

const kinds: Parameters<typeof family>[1] = {
  'an ID token': (draw, scene) =>
    claiming(draw, scene, () =>
      draw.of<Json>([
        { at_hash: draw.letters(22) },
        { c_hash: draw.letters(22) },
        { s_hash: 'x' },
        { typ: 'ID' },
      ]),
    ),
  'a refresh, offline or logout token': (draw, scene) =>
    claiming(draw, scene, () =>
      draw.of<Json>([
        { typ: 'Refresh' },
        { typ: 'Offline' },
        { typ: 'Logout' },
        { events: {} },
        { typ: '' },
        { typ: null },
        { typ: ['Bearer'] },
      ]),
    ),
  'a token bound to somebody’s key': (draw, scene) =>
    claiming(draw, scene, () => ({
      cnf: draw.of<unknown>([{ jkt: draw.letters(43) }, { 'x5t#S256': draw.letters(43) }, null, {}]),
    })),
  'another type in the header': (draw, scene) => {
    const recipe = goodRecipe(draw, scene)
    const other = recipe.header['typ'] === 'JWT' ? 'at+jwt' : 'JWT'
    const typ = draw.of<unknown>([
      other,
      undefined,
      null,
      '',
      'AT+JWT',
      'jwt',
      'Jwt',
      'application/at+jwt',
      'application/jwt',
      'at+jwt ',
      'JWT\u0000',
      ['at+jwt'],
      'logout+jwt',
      'dpop+jwt',
      'secevent+jwt',
      1,
      'JOSE',
    ])
    return write(withHeader(recipe, { typ }))
  },
  'purposes that are none': (draw, scene) =>
    claiming(draw, scene, () => ({
      purpose_of_use: draw.of<unknown>([
        null,
        '',
        [],
        [[]],
        ['TREAT', ''],
        {},
        1,
        false,
        Array.from({ length: 21 }, () => 'TREAT'),
        'x'.repeat(201),
        ['TREAT', null],
      ]),
    })),
  'another organisation of the same provider': (draw, scene) => {
    const recipe = goodRecipe(draw, scene, { issuer: scene.keycloak })
    const organization = draw.of<unknown>([
      'south',
      ['south'],
      ['north', 'south'],
      ['south', 'north'],
      [],
      undefined,
      null,
      'North',
      'north ',
      { north: {} },
      [['north']],
      ['north', 'north'],
    ])
    return write(withClaims(recipe, { organization }))
  },
  'the roles in a place that another provider uses': (draw, scene) => {
    const recipe = goodRecipe(draw, scene)
    const { role } = recipe.issuer
    const moved =
      recipe.issuer === scene.keycloak
        ? { realm_access: undefined, roles: [role], 'realm_access.roles': [role] }
        : { roles: undefined, realm_access: { roles: [role] }, role, Roles: [role] }
    return write(withClaims(recipe, moved))
  },
  'the client in a place that another provider uses': (draw, scene) => {
    const recipe = goodRecipe(draw, scene)
    const keycloak = recipe.issuer === scene.keycloak
    return write(
      withClaims(
        recipe,
        keycloak ? { azp: undefined, client_id: 'portal' } : { client_id: undefined, azp: 'portal' },
      ),
    )
  },
}

export const claimEdges: readonly AttackClass[] = [
  ...family('claim edges: a required claim spoilt', required),
  ...family('claim edges: times', times),
  ...family('claim edges: kinds of token', kinds),
]

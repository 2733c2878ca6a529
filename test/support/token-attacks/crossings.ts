import { family, type AttackClass } from './attack.ts'
import { goodRecipe, withClaims, withHeader, write } from './recipe.ts'
import { algorithms } from './scene.ts'

const issuers = family('cross-issuer', {
  'one issuer’s token signed by another’s key': (draw, scene) => {
    const algorithm = draw.of(algorithms)
    const recipe = goodRecipe(draw, scene, { issuer: scene.north, algorithm })
    const { keys } = draw.of([scene.south, scene.authority, scene.keycloak])
    return write({ ...recipe, key: keys[algorithm] })
  },
  'one issuer’s token with the key and key id of another': (draw, scene) => {
    const recipe = goodRecipe(draw, scene, { issuer: scene.authority })
    const key = draw.of([scene.south, scene.north, scene.keycloak]).keys[draw.of(algorithms)]
    return write(withHeader({ ...recipe, key }, { kid: key.kid, alg: key.publicKey.alg }))
  },
  'a key id of another issuer': (draw, scene) => {
    const recipe = goodRecipe(draw, scene, { issuer: scene.north })
    const other = draw.of([scene.south, scene.authority, scene.keycloak])
    return write(withHeader(recipe, { kid: other.keys[draw.of(algorithms)].kid }))
  },
  'the name of another issuer': (draw, scene) => {
    const recipe = goodRecipe(draw, scene, { issuer: scene.north })
    const { issuer } = draw.of([scene.south, scene.authority, scene.keycloak]).profile
    return write(withClaims(recipe, { iss: issuer }))
  },
  'an issuer nobody knows': (draw, scene) =>
    write(
      withClaims(goodRecipe(draw, scene), {
        iss: draw.of([
          'https://attacker.example',
          'urn:x',
          'north',
          'null',
          '*',
          '__proto__',
          'constructor',
          draw.letters(30),
        ]),
      }),
    ),
  'an issuer that is nearly right': (draw, scene) => {
    const recipe = goodRecipe(draw, scene)
    const { issuer } = recipe.issuer.profile
    const near = [
      `${issuer}/`,
      `${issuer} `,
      ` ${issuer}`,
      issuer.toUpperCase(),
      issuer.slice(0, -1),
      `${issuer}#`,
      `${issuer}?`,
      issuer.replace('r', 'г'),
      issuer.replace('o', 'o\u0301'),
      `${issuer}\u200B`,
      issuer.replace(':', '%3A'),
      `${issuer}\u0000`,
      issuer.replace('n', '\uFF4E'),
    ]
    return write(withClaims(recipe, { iss: draw.of(near.filter((other) => other !== issuer)) }))
  },
  'two issuers': (draw, scene) => {
    const recipe = goodRecipe(draw, scene)
    const { issuer } = recipe.issuer.profile
    return write(
      withClaims(recipe, {
        iss: draw.of([
          [issuer, scene.south.profile.issuer],
          `${issuer},${scene.south.profile.issuer}`,
          `${issuer} ${issuer}`,
        ]),
      }),
    )
  },
})

const audiences = family('cross-audience', {
  'for another gateway': (draw, scene) =>
    write(
      withClaims(goodRecipe(draw, scene), {
        aud: draw.of([scene.audienceOf('south'), scene.audienceOf('authority'), [scene.audienceOf('south')]]),
      }),
    ),
  'for two gateways': (draw, scene) => {
    const both = [scene.audienceOf('north'), scene.audienceOf(draw.of(['south', 'authority', 'north']))]
    return write(
      withClaims(goodRecipe(draw, scene), {
        aud: draw.of([both, both.toReversed(), both.join(' '), both.join(',')]),
      }),
    )
  },
  'for a gateway and the provider itself': (draw, scene) =>
    write(
      withClaims(goodRecipe(draw, scene), {
        aud: [scene.audienceOf('north'), draw.of(['account', 'portal', ''])],
      }),
    ),
  'for a gateway that is nearly right': (draw, scene) => {
    const audience = scene.audienceOf('north')
    const near = [
      audience.toUpperCase(),
      `${audience}/`,
      `${audience} `,
      audience.slice(0, -1),
      `${audience}-test`,
      `${audience}\u0000`,
      'north',
      'NorthMSP',
      audience.replace('o', 'о'),
      audience.slice(4),
      `${audience}\u200B`,
      'urn:medledger:gateway:*',
    ]
    return write(
      withClaims(goodRecipe(draw, scene), { aud: draw.of<unknown>([draw.of(near), [draw.of(near)]]) }),
    )
  },
  'for the client': (draw, scene) =>
    write(
      withClaims(goodRecipe(draw, scene), {
        aud: draw.of(['portal', 'account', 'medledger', scene.north.profile.issuer]),
      }),
    ),
})

const roles = family(
  'role escalation',
  {
    'a role that the issuer may not assert': (draw, scene) => {
      const recipe = goodRecipe(draw, scene, { issuer: scene.north })
      return { token: write(withClaims(recipe, { roles: [draw.of(['patient', 'auditor'])] })) }
    },
    'an added role, to act as an operator': (draw, scene) => {
      const recipe = goodRecipe(draw, scene, { issuer: draw.of([scene.north, scene.authority]) })
      const roles = [recipe.issuer.role, 'operator']
      return { token: write(withClaims(recipe, { roles })), act: 'register a patient' }
    },
    'an added role, to act as a records office': (draw, scene) => {
      const recipe = goodRecipe(draw, scene, { issuer: scene.north })
      return {
        token: write(withClaims(recipe, { roles: draw.of([['custodian'], ['doctor', 'custodian']]) })),
        act: 'deposit documents',
      }
    },
    'a doctor who claims to be a patient': (draw, scene) => {
      const recipe = goodRecipe(draw, scene, { issuer: scene.north })
      return {
        token: write(
          withClaims(recipe, { roles: draw.of([['patient'], ['doctor', 'patient'], ['patient', 'doctor']]) }),
        ),
        act: 'read consents',
      }
    },
    'a doctor who says the truth and acts as another': (draw, scene) => ({
      token: write(goodRecipe(draw, scene, { issuer: scene.north })),
      act: draw.of(['read consents', 'register a patient', 'deposit documents']),
    }),
    'a patient who acts as staff': (draw, scene) => {
      const recipe = goodRecipe(draw, scene, { issuer: scene.authority })
      const act = draw.of(['register a patient', 'deposit documents'] as const)
      return {
        token: write(
          withClaims(recipe, {
            roles: draw.of([['patient'], ['patient', 'operator', 'custodian'], ['operator']]),
          }),
        ),
        act,
      }
    },
    'roles that nobody registered': (draw, scene) => {
      const recipe = goodRecipe(draw, scene, { issuer: scene.north })
      const roles = draw.of([
        ['admin'],
        ['Doctor'],
        ['doctor '],
        ['__proto__'],
        ['*'],
        ['gateway-certificate'],
        ['operator-certificate'],
        ['dоctor'],
        ['doctor,operator'],
      ])
      return { token: write(withClaims(recipe, { roles })) }
    },
    'somebody who is not registered': (draw, scene) => {
      const recipe = goodRecipe(draw, scene)
      const { sub } = recipe.payload
      const subject = draw.of([
        draw.letters(12),
        `${String(sub)} `,
        String(sub).toUpperCase(),
        '__proto__',
        'constructor',
        '../dr.okafor',
        `${String(sub)}%00`,
      ])
      return { token: write(withClaims(recipe, { sub: subject })) }
    },
    'somebody of another issuer': (draw, scene) => {
      const recipe = goodRecipe(draw, scene)
      const others = [scene.north, scene.keycloak, scene.authority, scene.south].filter(
        ({ profile }) => profile !== recipe.issuer.profile,
      )
      return { token: write(withClaims(recipe, { sub: draw.of(others).subject })) }
    },
    'staff of another organisation': (draw, scene) => ({
      token: write(goodRecipe(draw, scene, { issuer: scene.south })),
    }),
    'staff at another organisation’s gateway': (draw, scene) => ({
      token: write(goodRecipe(draw, scene, { issuer: draw.of([scene.north, scene.keycloak]), at: 'south' })),
      through: 'south',
    }),
  },
  'registry',
)

const replays = family('replays', {
  'a good token, later': (draw, scene) => {
    const recipe = goodRecipe(draw, scene)
    const past = draw.of([611, 700, 3600, 86_400])
    const { iat, exp } = recipe.payload as { iat: number; exp: number }
    return write(withClaims(recipe, { iat: iat - past, exp: exp - past }))
  },
  'a good token, at another gateway': (draw, scene) => ({
    token: write(goodRecipe(draw, scene)),
    through: draw.of(['south', 'authority']),
  }),
  'a good token of another gateway, here': (draw, scene) =>
    write(goodRecipe(draw, scene, { at: draw.of(['south', 'authority']) })),
  'a token from before its key was revoked': (draw, scene) => {
    const recipe = goodRecipe(draw, scene, { issuer: scene.north })
    const key = scene.revoked[recipe.key.publicKey.alg]
    const iat = Math.floor(scene.now() / 1000) - draw.integer(60, 300)
    return write(withClaims(withHeader({ ...recipe, key }, { kid: key.kid }), { iat, exp: iat + 600 }))
  },
})

export const crossings: readonly AttackClass[] = [...issuers, ...audiences, ...roles, ...replays]

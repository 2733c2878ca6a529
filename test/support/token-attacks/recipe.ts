import type { Draw } from './draw.ts'
import {
  algorithms,
  signatureOf,
  type Algorithm,
  type Scene,
  type SceneIssuer,
  type SceneKey,
} from './scene.ts'

export type Json = Readonly<Record<string, unknown>>

/** A token before it is written and signed. */
export interface Recipe {
  readonly issuer: SceneIssuer
  readonly key: SceneKey
  readonly header: Json
  readonly payload: Json
}

export interface Wanted {
  readonly issuer?: SceneIssuer
  readonly algorithm?: Algorithm
  /** Whose gateway it is for. */
  readonly at?: string
}

/** A token that is good in everything: of any issuer that North's gateway accepts, and of any algorithm. */
export function goodRecipe(draw: Draw, scene: Scene, wanted: Wanted = {}): Recipe {
  const issuer = wanted.issuer ?? draw.of(scene.accepted)
  const key = issuer.keys[wanted.algorithm ?? draw.of(algorithms)]
  const { token } = issuer.profile
  const iat = Math.floor(scene.now() / 1000) - draw.integer(0, 60)
  const audience = scene.audienceOf(wanted.at ?? 'north')
  const common = {
    iss: issuer.profile.issuer,
    sub: issuer.subject,
    iat,
    exp: iat + draw.integer(120, 600),
    jti: draw.letters(22),
  }
  const header = { alg: key.publicKey.alg, typ: token?.type ?? 'at+jwt', kid: key.kid }
  if (token === undefined) {
    const payload = { ...common, aud: audience, client_id: 'portal', roles: [issuer.role] }
    return { issuer, key, header, payload }
  }
  const realm = {
    azp: 'portal',
    realm_access: { roles: ['offline_access', issuer.role] },
    organization: ['north'],
  }
  const payload = { ...common, aud: [audience], typ: 'Bearer', acr: '1', scope: 'openid profile', ...realm }
  return { issuer, key, header, payload }
}

export const base64url = (part: string | Uint8Array): string => Buffer.from(part).toString('base64url')

/** What an attacker writes or signs otherwise than the recipe says. */
export interface Otherwise {
  /** The bytes of the part instead of the JSON of the recipe's. */
  readonly header?: string | Uint8Array
  readonly payload?: string | Uint8Array
  /** The signer instead of the recipe's key. */
  readonly sign?: (signed: Buffer) => Uint8Array
}

/** The token, signed over what it says, whatever that is. */
export function write(recipe: Recipe, { header, payload, sign }: Otherwise = {}): string {
  const parts = [header ?? JSON.stringify(recipe.header), payload ?? JSON.stringify(recipe.payload)]
  const signed = parts.map(base64url).join('.')
  const signature = (sign ?? ((bytes) => signatureOf(recipe.key, bytes)))(Buffer.from(signed))
  return `${signed}.${base64url(signature)}`
}

export const withHeader = (recipe: Recipe, members: Json): Recipe => ({
  ...recipe,
  header: { ...recipe.header, ...members },
})

/** A member that is undefined is left out. */
export const withClaims = (recipe: Recipe, members: Json): Recipe => ({
  ...recipe,
  payload: { ...recipe.payload, ...members },
})

export const partsOf = (token: string): [string, string, string] => {
  const [header = '', payload = '', signature = ''] = token.split('.')
  return [header, payload, signature]
}

/** Another signature under the same words. */
export const withSignature = (token: string, signature: Uint8Array): string =>
  [...partsOf(token).slice(0, 2), base64url(signature)].join('.')

export const signatureIn = (token: string): Buffer => Buffer.from(partsOf(token)[2], 'base64url')

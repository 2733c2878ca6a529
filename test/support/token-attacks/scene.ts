import { constants, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import type { Constitution, Issuer, SigningKey } from 'medledger-chaincode/api'
import { signingKeyOf } from 'medledger-chaincode/identity'
import { toLowS } from '../../../scripts/network/ecdsa.ts'
import { demoConstitution, operatorOf, people, type World } from '../ledger-world.ts'

export type Algorithm = SigningKey['alg']
export const algorithms: readonly Algorithm[] = ['ES256', 'EdDSA', 'PS256', 'RS256']

/** A signing key with both halves. */
export interface SceneKey {
  readonly kid: string
  readonly publicKey: SigningKey
  readonly privateKey: KeyObject
}

/** An issuer with a key of every algorithm on the ledger, and somebody who is registered with it. */
export interface SceneIssuer {
  readonly profile: Issuer
  readonly keys: Readonly<Record<Algorithm, SceneKey>>
  readonly subject: string
  readonly role: string
}

/** What the attackers find: a channel with providers of both kinds, keys that were revoked, and their own keys. */
export interface Scene {
  /** Milliseconds since 1970 (UTC). */
  readonly now: () => number
  /** Issuers that North's gateway accepts. */
  readonly accepted: readonly SceneIssuer[]
  readonly north: SceneIssuer
  /** A provider with tokens of Keycloak's form. */
  readonly keycloak: SceneIssuer
  readonly authority: SceneIssuer
  readonly south: SceneIssuer
  /** Of North's issuer, revoked. */
  readonly revoked: Readonly<Record<Algorithm, SceneKey>>
  /** The attackers'. */
  readonly foreign: Readonly<Record<Algorithm, SceneKey>>
  /** The audience of an organisation's gateway. */
  readonly audienceOf: (organisation: string) => string
}

export const keycloakIssuer: Issuer = {
  issuer: 'https://login.north.example/realms/hospital',
  organisation: 'north',
  roles: ['doctor'],
  token: {
    type: 'JWT',
    clientClaim: 'azp',
    rolesClaim: ['realm_access', 'roles'],
    organisationClaim: { path: ['organization'], value: 'north' },
  },
}

/** The demonstration's, and a second provider of North. */
export const attackedConstitution: Constitution = {
  ...demoConstitution,
  // In front, so that the organisation's first provider stays the one of the tests' people.
  issuers: [keycloakIssuer, ...demoConstitution.issuers],
}

/** An organisation's issuer in the demonstration. */
export function issuerOf(organisation: string): Issuer {
  const found = demoConstitution.issuers.find((issuer) => issuer.organisation === organisation)
  if (found === undefined) throw new RangeError(`no issuer of ${organisation}`)
  return found
}

function makeKey(alg: Algorithm, kid: string): SceneKey {
  const { publicKey, privateKey } = {
    ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    EdDSA: () => generateKeyPairSync('ed25519'),
    PS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  }[alg]()
  return {
    kid,
    publicKey: signingKeyOf(publicKey.export({ format: 'jwk' }), alg),
    privateKey,
  }
}

const makeKeys = (prefix: string): SceneIssuer['keys'] => ({
  ES256: makeKey('ES256', `${prefix}-es256`),
  EdDSA: makeKey('EdDSA', `${prefix}-eddsa`),
  PS256: makeKey('PS256', `${prefix}-ps256`),
  RS256: makeKey('RS256', `${prefix}-rs256`),
})

/** Puts the scene's keys and people on the ledger of a world with {@link attackedConstitution}. */
export async function setScene(world: World): Promise<Scene> {
  const addKeys = async (issuer: Issuer, prefix: string): Promise<SceneIssuer['keys']> => {
    const keys = makeKeys(prefix)
    for (const { kid, publicKey: key } of Object.values(keys)) {
      await world.submit('AddIssuerKey', { issuer: issuer.issuer, kid, key }, operatorOf(issuer.organisation))
    }
    return keys
  }
  const development = async (name: string, subject: keyof typeof people): Promise<SceneIssuer> => {
    const profile = issuerOf(name)
    return { profile, keys: await addKeys(profile, `attacked-${name}`), subject, role: people[subject].role }
  }
  const keycloak = {
    profile: keycloakIssuer,
    keys: await addKeys(keycloakIssuer, 'realm'),
    subject: 'f:1:okafor',
    role: 'doctor',
  }
  const person = {
    person: 'f1'.repeat(16),
    issuer: keycloakIssuer.issuer,
    subject: keycloak.subject,
    name: 'n',
    role: 'doctor',
  } as const
  await world.submit('RegisterPerson', person, operatorOf('north'))
  const north = await development('north', 'dr.okafor')
  const authority = await development('authority', 'maria')
  const revoked = await addKeys(north.profile, 'revoked')
  for (const { kid } of Object.values(revoked)) {
    await world.submit('RevokeIssuerKey', { issuer: north.profile.issuer, kid }, operatorOf('north'))
  }
  return {
    now: () => world.now,
    accepted: [north, keycloak, authority],
    north,
    keycloak,
    authority,
    south: await development('south', 'dr.chen'),
    revoked,
    foreign: makeKeys('foreign'),
    audienceOf: (name) =>
      world.constitution.organisations.find((known) => known.name === name)?.audience ?? '',
  }
}

/** The signature of a key by its own algorithm, in the form that is accepted. */
export function signatureOf({ privateKey: key, publicKey: { alg } }: SceneKey, signed: Buffer): Buffer {
  const rsaPss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
  switch (alg) {
    case 'ES256':
      return toLowS(sign('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }))
    case 'EdDSA':
      return sign(null, signed, key)
    case 'PS256':
      return sign('sha256', signed, { key, ...rsaPss })
    case 'RS256':
    default:
      return sign('sha256', signed, key)
  }
}

/** The order of P-256. */
export const p256Order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
export const toBytes = (value: bigint, length = 32): Buffer =>
  Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex')
export const toInteger = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex')}`)

export const isLowSignature = (signature: Buffer): boolean =>
  toInteger(signature.subarray(32)) <= p256Order / 2n

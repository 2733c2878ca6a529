import { createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto'
import { purposesOfUse, type Organisation } from 'medledger-chaincode/api'
import {
  errors,
  ExternalSigningKey,
  interactionPolicy,
  Provider,
  type Adapter,
  type Configuration,
  type Grant,
  type KoaContextWithOIDC,
  type ResourceServer,
} from 'oidc-provider'
import { subjectOf, type DevelopmentPerson } from '../development/index.ts'
import { toLowS } from '../network/ecdsa.ts'
import { clientsOf, developmentGrant, portalClient } from './clients.ts'
import { tokenLifetimeSeconds, type ProviderKey } from './keys.ts'
import { errorPage, pageHeaders } from './page.ts'
import { isFromProgram, isSecret } from './request.ts'

export interface ProviderOptions {
  /** Its URL; the `iss` of its tokens. */
  readonly issuer: string
  readonly organisation: string
  /** Everybody for whose gateway there are tokens. */
  readonly organisations: readonly Organisation[]
  /** Where the portal sends people back to, at the gateways. */
  readonly portalRedirects: readonly string[]
  /** The key that signs and the others that are published, in this order. */
  readonly keys: readonly [ProviderKey, ...ProviderKey[]]
  /** The organisation's people as they are now. */
  readonly people: () => Promise<readonly DevelopmentPerson[]>
  readonly adapter: (model: string) => Adapter
  /** Signs the cookies. */
  readonly cookieSecret: string
  /** What a program must know to get a token without a sign-in. */
  readonly developmentSecret: string
}

/** The roles whose people may use any organisation's gateway; staff use their own. */
const travelling: ReadonlySet<string> = new Set(['patient', 'auditor'])

const purposeScope = 'purpose:'
const purposeScopes = purposesOfUse.map((purpose) => `${purposeScope}${purpose}`).join(' ')

/** A key whose ES256 signatures have the lower of the two values that s may take, as the verifiers demand. */
class LowSKey extends ExternalSigningKey {
  readonly #kid: string
  readonly #privateKey: KeyObject

  constructor({ kid, key }: ProviderKey) {
    super()
    this.#kid = kid
    this.#privateKey = createPrivateKey({ key, format: 'jwk' })
  }

  override get kid(): string {
    return this.#kid
  }

  override get alg(): 'ES256' {
    return 'ES256'
  }

  override keyObject(): KeyObject {
    return createPublicKey(this.#privateKey)
  }

  override sign(data: Uint8Array): Uint8Array {
    return toLowS(sign('sha256', data, { key: this.#privateKey, dsaEncoding: 'ieee-p1363' }))
  }
}

/**
 * One organisation's OpenID provider for development, with these keys. It signs anybody in as anybody among its invented
 * people and gives JWT access tokens (RFC 9068) for one gateway each (RFC 8707); it must never serve real ones.
 */
export function createProvider(options: ProviderOptions): Provider {
  const provider = new Provider(options.issuer, configurationOf(options))
  provider.registerGrantType<{ user?: string; resource?: string; secret?: string; scope?: string }>(
    developmentGrant,
    (ctx) => answerDevelopmentGrant(ctx, options),
    ['user', 'resource', 'secret', 'scope'],
  )
  return provider
}

function configurationOf(options: ProviderOptions): Configuration {
  const { organisation, keys, adapter, cookieSecret, portalRedirects } = options
  const origins = new Set(portalRedirects.map((redirect) => new URL(redirect).origin))
  // Cookies do not know ports, and the other organisations' providers have the same host.
  const cookie = (name: string): string => `medledger_${organisation}_${name}`
  const cookieOptions = { httpOnly: true, sameSite: 'lax', signed: true } as const
  return {
    adapter,
    clients: clientsOf(portalRedirects),
    clientAuthMethods: ['none'],
    clientBasedCORS: (_ctx, origin, { clientId }) => clientId === portalClient && origins.has(origin),
    cookies: {
      keys: [cookieSecret],
      names: { session: cookie('session'), interaction: cookie('interaction'), resume: cookie('resume') },
      long: cookieOptions,
      short: cookieOptions,
    },
    extraTokenClaims: async (_ctx, token) => {
      const account = 'accountId' in token ? token.accountId : undefined
      const person = await personWith(options, account)
      return claimsOf(person, 'scope' in token ? token.scope : undefined)
    },
    features: featuresOf(options),
    findAccount: async (_ctx, subject) => {
      await personWith(options, subject)
      return { accountId: subject, claims: async () => ({ sub: subject }) }
    },
    interactions: { policy: policy(), url: (_ctx, { uid }) => `/interaction/${uid}` },
    issueRefreshToken: async () => false,
    jwks: { keys: keys.map((key) => new LowSKey(key)) },
    loadExistingGrant: (ctx) => grantEverything(ctx, options),
    pkce: { required: () => true },
    renderError: (ctx, { error, error_description: description }) => {
      ctx.set(pageHeaders)
      ctx.body = errorPage(error, description ?? 'Begin again where you came from.')
    },
    responseTypes: ['code'],
    scopes: ['openid'],
    ttl: {
      AccessToken: tokenLifetimeSeconds,
      AuthorizationCode: 60,
      Grant: 3600,
      IdToken: tokenLifetimeSeconds,
      Interaction: 600,
      Session: 3600,
    },
  }
}

function featuresOf({ organisations, keys }: ProviderOptions): Configuration['features'] {
  const off = { enabled: false } as const
  return {
    devInteractions: off,
    dPoP: off,
    externalSigningSupport: { enabled: true, ack: 'experimental-01' },
    pushedAuthorizationRequests: off,
    resourceIndicators: {
      enabled: true,
      defaultResource: () => {
        throw new errors.InvalidTarget('name the gateway that is to take the token, as the one resource')
      },
      getResourceServerInfo: (_ctx, resource) => resourceServer(organisations, keys[0], resource),
      useGrantedResource: () => true,
    },
    rpInitiatedLogout: off,
    userinfo: off,
  }
}

/** Errors: InvalidTarget for anything but a gateway's audience. */
function resourceServer(
  organisations: readonly Organisation[],
  { kid }: ProviderKey,
  resource: string,
): ResourceServer {
  if (!organisations.some(({ audience }) => audience === resource)) throw new errors.InvalidTarget()
  return {
    scope: purposeScopes,
    audience: resource,
    accessTokenTTL: tokenLifetimeSeconds,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'ES256', kid } },
  }
}

/** Everybody is asked each time who she is: a page elsewhere must not get a token of whoever signed in last. */
function policy(): ReturnType<typeof interactionPolicy.base> {
  const { Check } = interactionPolicy
  const prompts = interactionPolicy.base()
  // The clients are the organisation's own: there is nobody to consent to but herself.
  prompts.remove('consent')
  prompts
    .get('login')
    ?.checks.add(
      new Check('always', 'somebody must choose who she is', (ctx) =>
        ctx.oidc.result?.login === undefined ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
      ),
    )
  return prompts
}

/** Errors: AccessDenied for somebody who is not among the organisation's people. */
async function personWith(
  { people, organisation }: ProviderOptions,
  subject: string | undefined,
): Promise<DevelopmentPerson> {
  const person = (await people()).find(
    (candidate) => candidate.organisation === organisation && subjectOf(candidate) === subject,
  )
  if (person === undefined) throw new errors.AccessDenied('this organisation has nobody of this name')
  return person
}

/** Errors: InvalidTarget for another organisation's gateway, which would not take a token of staff. */
function requireGatewayFor(
  { role, organisation }: DevelopmentPerson,
  resource: string,
  { organisations }: ProviderOptions,
): void {
  const gateway = organisations.find(({ audience }) => audience === resource)
  if (gateway === undefined) throw new errors.InvalidTarget()
  if (!travelling.has(role) && gateway.name !== organisation)
    throw new errors.InvalidTarget('staff use the gateway of their own organisation')
}

function claimsOf({ role }: DevelopmentPerson, scope = ''): { roles: string[]; purpose_of_use?: string[] } {
  const purposes = scope
    .split(' ')
    .filter((one) => one.startsWith(purposeScope))
    .map((one) => one.slice(purposeScope.length))
  return { roles: [role], ...(purposes.length > 0 && { purpose_of_use: purposes }) }
}

async function grantEverything(ctx: KoaContextWithOIDC, options: ProviderOptions): Promise<Grant> {
  const { client, session, provider, resourceServers = {}, requestParamScopes } = ctx.oidc
  if (client === undefined || session?.accountId === undefined) throw new errors.AccessDenied()
  const person = await personWith(options, session.accountId)
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
  grant.addOIDCScope('openid')
  for (const resource of Object.keys(resourceServers)) {
    requireGatewayFor(person, resource, options)
    grant.addResourceScope(resource, [...requestParamScopes].join(' '))
  }
  await grant.save()
  return grant
}

type GrantContext = Parameters<Parameters<Provider['registerGrantType']>[1]>[0]

/**
 * A token without a sign-in, for a program on this machine that can read the instance's secret.
 * Errors: AccessDenied, InvalidTarget.
 */
async function answerDevelopmentGrant(ctx: GrantContext, options: ProviderOptions): Promise<void> {
  const { provider, client, params } = ctx.oidc
  const asked = { remoteAddress: ctx.req.socket.remoteAddress, headers: ctx.req.headers }
  const { secret, user, resource = '', scope = '' } = params as Record<string, string | undefined>
  if (!isFromProgram(asked) || !isSecret(secret, options.developmentSecret))
    throw new errors.AccessDenied('this grant is for programs on this machine that know its secret')
  const person = (await options.people()).find(
    (candidate) => candidate.organisation === options.organisation && candidate.user === user,
  )
  if (person === undefined) throw new errors.AccessDenied('this organisation has nobody of this name')
  requireGatewayFor(person, resource, options)
  const info = resourceServer(options.organisations, options.keys[0], resource)
  const server = new provider.ResourceServer(resource, info)
  const known = scope.split(' ').filter((one) => server.scopes.has(one))
  const token = new provider.AccessToken({
    accountId: subjectOf(person),
    client,
    gty: developmentGrant,
    resourceServer: server,
    ...(known.length > 0 && { scope: known.join(' ') }),
  } as unknown as ConstructorParameters<Provider['AccessToken']>[0])
  const value = await token.save()
  ctx.body = { access_token: value, token_type: 'Bearer', expires_in: tokenLifetimeSeconds }
}

import { check } from 'medledger-chaincode/api'
import { Type, type Static } from 'typebox'
import { Agent, request } from 'undici'
import type { KeysLocation } from '../config/index.ts'

/** A key of a JWK Set (RFC 7517); what else it says is for the verifier to judge. */
export const Jwk = Type.Object({ kid: Type.Optional(Type.String({ maxLength: 200 })) })
export type Jwk = Static<typeof Jwk> & Readonly<Record<string, unknown>>

export const fetchLimits = {
  /** Bytes of an answer. */
  bytes: 64 * 1024,
  keys: 20,
  connectMs: 3000,
  totalMs: 5000,
} as const

const KeySet = Type.Object({ keys: Type.Array(Jwk, { maxItems: fetchLimits.keys }) })

/** OpenID Connect Discovery 1.0, section 3, as far as it is read. */
const Discovery = Type.Object({ issuer: Type.String(), jwks_uri: Type.String({ maxLength: 2000 }) })

export interface KeysFetcher {
  /** Errors: any, when there is no answer that keeps the rules. */
  fetch(): Promise<readonly Jwk[]>
  close(): Promise<void>
}

/**
 * Fetches a provider's keys from one host, which is pinned: the one that was configured, or the issuer's own. Redirects
 * are not followed, an answer has a size, a time and a number of keys that it may not exceed.
 */
export function createKeysFetcher({ issuer, jwks, authority }: KeysLocation): KeysFetcher {
  const agent = new Agent({
    connections: 1,
    connect: { timeout: fetchLimits.connectMs, ...(authority !== undefined && { ca: authority }) },
    headersTimeout: fetchLimits.totalMs,
    bodyTimeout: fetchLimits.totalMs,
    maxResponseSize: fetchLimits.bytes,
  })
  const locate = async (): Promise<URL> => {
    if (jwks !== undefined) return jwks
    const address = new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
    const found = check(Discovery, await readJson(agent, address), 'discovery document')
    const located = new URL(found.jwks_uri)
    if (found.issuer !== issuer || located.origin !== address.origin)
      throw new Error('the discovery document is of another issuer, or leads to another host')
    return located
  }
  return {
    async fetch() {
      const { keys } = check(KeySet, await readJson(agent, await locate()), 'key set')
      return keys
    },
    close: () => agent.close(),
  }
}

async function readJson(agent: Agent, url: URL): Promise<unknown> {
  const { statusCode, body } = await request(url, {
    dispatcher: agent,
    headers: { accept: 'application/json, application/jwk-set+json' },
    signal: AbortSignal.timeout(fetchLimits.totalMs),
  })
  if (statusCode !== 200) {
    await body.dump()
    throw new Error(`the identity provider answered ${statusCode}`)
  }
  return body.json()
}

import { errors, type Adapter, type AdapterPayload } from 'oidc-provider'

interface Kept {
  readonly payload: AdapterPayload
  readonly until: number
}

const limit = 10_000
const longestSeconds = 3600

/**
 * What a development provider remembers between two requests (sign-ins under way, codes, grants): in memory only, so
 * that a restart forgets it and people sign in again. Bounded, the oldest goes first.
 */
export function createMemory(now: () => number): (model: string) => Adapter {
  const kept = new Map<string, Kept>()
  const get = (key: string): AdapterPayload | undefined => {
    const found = kept.get(key)
    if (found !== undefined && found.until > now()) return found.payload
    kept.delete(key)
    return undefined
  }
  return (model) => {
    const keyOf = (id: string): string => `${model} ${id}`
    const findBy = (matches: (payload: AdapterPayload) => boolean): AdapterPayload | undefined => {
      const key = [...kept.keys()].find((key) => {
        const payload = key.startsWith(`${model} `) ? get(key) : undefined
        return payload !== undefined && matches(payload)
      })
      return key === undefined ? undefined : get(key)
    }
    return {
      async upsert(id, payload, expiresIn) {
        const [oldest] = kept.keys()
        if (kept.size >= limit && oldest !== undefined) kept.delete(oldest)
        kept.set(keyOf(id), { payload, until: now() + (expiresIn ?? longestSeconds) * 1000 })
      },
      find: async (id) => get(keyOf(id)),
      findByUid: async (uid) => findBy((payload) => payload.uid === uid),
      findByUserCode: async (userCode) => findBy((payload) => payload.userCode === userCode),
      async consume(id) {
        const payload = get(keyOf(id))
        // Two redemptions at the same moment both find the code unused; only the first gets on.
        if (payload === undefined || payload.consumed !== undefined)
          throw new errors.InvalidGrant('it has been used')
        payload.consumed = Math.floor(now() / 1000)
      },
      async destroy(id) {
        kept.delete(keyOf(id))
      },
      async revokeByGrantId(grantId) {
        for (const [key, { payload }] of kept) if (payload.grantId === grantId) kept.delete(key)
      },
    }
  }
}

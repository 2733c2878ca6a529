import { errors, type Adapter, type AdapterPayload } from 'oidc-provider'

interface Kept {
  readonly payload: AdapterPayload
  readonly until: number
}

/** Of each kind, so that what anybody may begin pushes out nothing that took a sign-in to get. */
export const memoryLimit = 10_000
const longestSeconds = 3600

/**
 * What a development provider remembers between two requests (sign-ins under way, codes, grants): in memory only, so
 * that a restart forgets it and people sign in again. Bounded, the oldest of its kind goes first.
 */
export function createMemory(now: () => number): (model: string) => Adapter {
  const models = new Map<string, Map<string, Kept>>()
  return (model) => {
    const kept = models.get(model) ?? new Map<string, Kept>()
    models.set(model, kept)
    const get = (id: string): AdapterPayload | undefined => {
      const found = kept.get(id)
      if (found !== undefined && found.until > now()) return found.payload
      kept.delete(id)
      return undefined
    }
    const findBy = (matches: (payload: AdapterPayload) => boolean): AdapterPayload | undefined => {
      const id = [...kept.keys()].find((id) => {
        const payload = get(id)
        return payload !== undefined && matches(payload)
      })
      return id === undefined ? undefined : get(id)
    }
    return {
      async upsert(id, payload, expiresIn) {
        const [oldest] = kept.keys()
        if (kept.size >= memoryLimit && !kept.has(id) && oldest !== undefined) kept.delete(oldest)
        kept.set(id, { payload, until: now() + (expiresIn ?? longestSeconds) * 1000 })
      },
      find: async (id) => get(id),
      findByUid: async (uid) => findBy((payload) => payload.uid === uid),
      findByUserCode: async (userCode) => findBy((payload) => payload.userCode === userCode),
      async consume(id) {
        const payload = get(id)
        // Two redemptions at the same moment both find the code unused; only the first gets on.
        if (payload === undefined || payload.consumed !== undefined)
          throw new errors.InvalidGrant('it has been used')
        payload.consumed = Math.floor(now() / 1000)
      },
      async destroy(id) {
        kept.delete(id)
      },
      async revokeByGrantId(grantId) {
        for (const [id, { payload }] of kept) if (payload.grantId === grantId) kept.delete(id)
      },
    }
  }
}

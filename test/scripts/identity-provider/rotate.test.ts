import { beforeEach, describe, expect, test } from 'vitest'
import { MedledgerError, type IssuerKey } from 'medledger-chaincode/api'
import {
  leadMs,
  newKey,
  overlapMs,
  publicKeyOf,
  retireKeys,
  revokeKey,
  rotateKeys,
  signingKey,
  type KeyRing,
  type ProviderKeys,
} from '../../../scripts/identity-provider/index.ts'

const start = Date.parse('2026-05-06T07:08:09Z')
const issuer = 'http://127.0.0.1:7722'
let time: number
let keys: ProviderKeys
let onLedger: Map<string, IssuerKey>
/** What was done, in its order. */
let done: string[]
let isAway: boolean
let ring: KeyRing

const signer = (): string | undefined => signingKey(keys, time)?.kid

beforeEach(() => {
  time = start
  const first = { ...newKey('north'), signsFrom: new Date(start - 1000).toISOString() }
  keys = { issuer, organisation: 'north', keys: [first] }
  onLedger = new Map([[first.kid, { issuer, kid: first.kid, key: publicKeyOf(first), revoked: false }]])
  done = []
  isAway = false
  const requireLedger = (): void => {
    if (isAway) throw new Error('away')
  }
  ring = {
    read: async () => keys,
    async write(changed) {
      keys = changed
      done.push(`signs ${signingKey(changed, Number.MAX_SAFE_INTEGER)?.kid ?? 'none'}`)
    },
    now: () => time,
    ledger: {
      read: async (kid) => onLedger.get(kid),
      async add(kid, key) {
        requireLedger()
        done.push(`add ${kid}`)
        onLedger.set(kid, { issuer, kid, key, revoked: false })
      },
      async revoke(kid) {
        requireLedger()
        const key = onLedger.get(kid)
        if (key === undefined) throw new MedledgerError('NOT_FOUND', 'This issuer has no key with this id.')
        onLedger.set(kid, { ...key, revoked: true })
        done.push(`revoke ${kid}`)
      },
    },
  }
})

describe('a rotation', () => {
  test('lets the new key sign only when the ledger has had it for a while', async () => {
    const old = signer()
    const { kid } = await rotateKeys(ring)
    expect(done).toEqual([`signs ${old}`, `add ${kid}`, `signs ${kid}`])
    expect(signer()).toBe(old)
    time += leadMs
    expect(signer()).toBe(kid)
  })

  test('that was interrupted goes on with the same key', async () => {
    isAway = true
    await expect(rotateKeys(ring)).rejects.toThrow('away')
    expect(keys.keys).toHaveLength(2)
    isAway = false
    const { kid } = await rotateKeys(ring)
    expect(keys.keys.map((key) => key.kid)).toContain(kid)
    expect(keys.keys).toHaveLength(2)
  })

  test('leaves the key before on the ledger until its last tokens have ended', async () => {
    const old = signer() ?? ''
    await rotateKeys(ring)
    time += leadMs + overlapMs - 1
    expect(await retireKeys(ring)).toEqual([])
    time += 1
    expect(await retireKeys(ring)).toEqual([old])
    expect(keys.keys.find(({ kid }) => kid === old)?.key).not.toHaveProperty('d')
    expect(await retireKeys(ring)).toEqual([])
  })
})

describe('an emergency revocation', () => {
  test('first ends the signing, then the key on the ledger, then makes another', async () => {
    const old = signer()
    const { kid, successor } = await revokeKey(ring)
    expect(kid).toBe(old)
    expect(done.slice(0, 2)).toEqual(['signs none', `revoke ${old}`])
    expect(signer()).toBeUndefined()
    time += leadMs
    expect(signer()).toBe(successor?.kid)
  })

  test('ends the signing also when the ledger is away, and can be repeated', async () => {
    const old = signer()
    isAway = true
    await expect(revokeKey(ring)).rejects.toThrow('away')
    expect(signer()).toBeUndefined()
    isAway = false
    expect((await revokeKey(ring)).kid).toBe(old)
    expect(done).toContain(`revoke ${old}`)
    expect(keys.keys.some(({ isBeingRevoked }) => isBeingRevoked)).toBe(false)
  })

  test('that is repeated after an outage revokes the same key, and lets no older one sign meanwhile', async () => {
    const older = signer() ?? ''
    const { kid: stolen } = await rotateKeys(ring)
    time += leadMs
    expect(signer()).toBe(stolen)
    isAway = true
    await expect(revokeKey(ring)).rejects.toThrow('away')
    expect(signer()).toBeUndefined()
    time += 24 * 60 * 60 * 1000
    expect(signer()).toBeUndefined()
    isAway = false
    const { kid, others, successor } = await revokeKey(ring)
    expect([kid, ...others].toSorted()).toEqual([older, stolen].toSorted())
    expect(done).toEqual(expect.arrayContaining([`revoke ${older}`, `revoke ${stolen}`]))
    time += leadMs
    expect(signer()).toBe(successor?.kid)
    expect([older, stolen]).not.toContain(successor?.kid)
  })

  test('of a named key that does not sign leaves the one that does', async () => {
    const older = signer() ?? ''
    const { kid } = await rotateKeys(ring)
    time += leadMs
    expect(await revokeKey(ring, older)).toEqual({ kid: older, others: [] })
    expect(signer()).toBe(kid)
  })

  describe('when the file was stolen', () => {
    /** The private parts in a copy of the file. */
    const partsOf = (stolen: ProviderKeys): unknown[] => stolen.keys.flatMap(({ key }) => key.d ?? [])
    /** The keys of the thief's that the ledger takes. */
    const goodOf = (stolen: ProviderKeys): string[] =>
      stolen.keys.map(({ kid }) => kid).filter((kid) => onLedger.get(kid)?.revoked === false)
    const expectSafe = (stolen: ProviderKeys): void => {
      time += leadMs
      expect(goodOf(stolen)).toEqual([])
      const { kid = '', key } = signingKey(keys, time) ?? {}
      expect(onLedger.get(kid)?.revoked).toBe(false)
      expect(partsOf(stolen)).not.toContain(key?.d)
    }

    test.each([
      ['without a name', () => undefined],
      ['by the name of the one that signs', signer],
    ])('no key of it is left, the next one and one of a failed rotation included, %s', async (_how, pick) => {
      await rotateKeys(ring)
      isAway = true
      await expect(rotateKeys(ring)).rejects.toThrow('away')
      isAway = false
      const stolen = structuredClone(keys)
      expect(partsOf(stolen)).toHaveLength(3)
      const { kid, others } = await revokeKey(ring, pick())
      expect([kid, ...others].toSorted()).toEqual(stolen.keys.map((key) => key.kid).toSorted())
      // The one that never came into use is forgotten.
      expect(keys.keys).toHaveLength(3)
      expectSafe(stolen)
    })

    test('a revocation of an older key that was interrupted does not stand for it', async () => {
      const older = signer() ?? ''
      await rotateKeys(ring)
      time += leadMs
      isAway = true
      await expect(revokeKey(ring, older)).rejects.toThrow('away')
      isAway = false
      const stolen = structuredClone(keys)
      await revokeKey(ring)
      expectSafe(stolen)
    })

    test('a key that the ledger refuses to revoke keeps none of the others from it', async () => {
      const { kid } = await rotateKeys(ring)
      const first = signer() ?? ''
      onLedger.delete(first)
      await expect(revokeKey(ring)).rejects.toMatchObject({ code: 'NOT_FOUND' })
      expect(onLedger.get(kid)?.revoked).toBe(true)
      expect(signer()).toBeUndefined()
    })

    test('a successor that did not reach the ledger is made anew when it is repeated', async () => {
      const stolen = structuredClone(keys)
      const { ledger } = ring
      ring = { ...ring, ledger: { ...ledger, add: () => Promise.reject(new Error('away')) } }
      await expect(revokeKey(ring)).rejects.toThrow('away')
      const between = structuredClone(keys)
      ring = { ...ring, ledger }
      const { kid } = await revokeKey(ring)
      expect(stolen.keys.map((key) => key.kid)).toContain(kid)
      expectSafe(stolen)
      expectSafe(between)
      expect(keys.keys).toHaveLength(2)
      expect(keys.keys.some(({ isBeingRevoked }) => isBeingRevoked)).toBe(false)
    })
  })

  test('of a key that never reached the ledger is done when it is forgotten', async () => {
    const signing = signer()
    isAway = true
    await expect(rotateKeys(ring)).rejects.toThrow('away')
    isAway = false
    const unfinished = keys.keys.find(({ signsFrom }) => signsFrom === undefined)?.kid ?? ''
    expect(await revokeKey(ring, unfinished)).toEqual({ kid: unfinished, others: [] })
    expect(keys.keys.map(({ kid }) => kid)).toEqual([signing])
    expect(signer()).toBe(signing)
  })

  test('of an id that neither file nor ledger knows is an error', async () => {
    await expect(revokeKey(ring, 'north-mistyped')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

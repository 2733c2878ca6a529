import type { IssuerKey, SigningKey } from 'medledger-chaincode/api'
import {
  leadMs,
  newKey,
  publicKeyOf,
  signingKey,
  stateOf,
  type ProviderKey,
  type ProviderKeys,
} from './keys.ts'

/** An issuer's keys on the ledger. */
export interface KeyLedger {
  read(kid: string): Promise<IssuerKey | undefined>
  /** Adding the same key again does no harm. Errors: when the id has been used for another one, or is revoked. */
  add(kid: string, key: SigningKey): Promise<void>
  /** Revoking again does no harm. */
  revoke(kid: string): Promise<void>
}

/** A development provider's keys in their file, and on the ledger. */
export interface KeyRing {
  readonly ledger: KeyLedger
  read(): Promise<ProviderKeys>
  write(keys: ProviderKeys): Promise<void>
  /** Milliseconds since 1970 (UTC). */
  now(): number
}

export interface Rotated {
  readonly kid: string
  /** When it begins to sign, as an instant in UTC. */
  readonly signsFrom: string
  readonly retired: readonly string[]
}

const replace = (keys: ProviderKeys, changed: ProviderKey): ProviderKeys => ({
  ...keys,
  keys: keys.keys.map((key) => (key.kid === changed.kid ? changed : key)),
})

/** A key without its private part never signs again. */
const withoutPrivatePart = (key: ProviderKey): ProviderKey => {
  const { d: _gone, ...publicPart } = key.key
  return { ...key, key: publicPart }
}

/**
 * Has a new key take over, with overlap: it is published, put on the ledger, and signs only then; the key before stays
 * good until its last tokens have ended, and those whose time has passed are revoked. It resumes what was interrupted.
 */
export async function rotateKeys(ring: KeyRing): Promise<Rotated> {
  const before = await ring.read()
  const unfinished = before.keys.find((key) => stateOf(before, key, ring.now()) === 'new')
  const fresh = unfinished ?? newKey(before.organisation)
  const withFresh = unfinished ? before : { ...before, keys: [...before.keys, fresh] }
  await ring.write(withFresh)
  await ring.ledger.add(fresh.kid, publicKeyOf(fresh))
  const signsFrom = new Date(ring.now() + leadMs).toISOString()
  await ring.write(replace(withFresh, { ...fresh, signsFrom }))
  return { kid: fresh.kid, signsFrom, retired: await retireKeys(ring) }
}

/** Revokes the keys none of whose tokens can be in use any more, and gives their ids. */
export async function retireKeys(ring: KeyRing): Promise<readonly string[]> {
  const { keys } = await ring.read()
  const retired: string[] = []
  for (const key of keys) {
    const current = await ring.read()
    if (stateOf(current, key, ring.now()) !== 'retired') continue
    await ring.ledger.revoke(key.kid)
    await ring.write(replace(current, withoutPrivatePart(key)))
    retired.push(key.kid)
  }
  return retired
}

export interface Revoked {
  readonly kid: string
  /** The other keys that were revoked with it: older ones, and those of an earlier try that failed. */
  readonly others: readonly string[]
  /** The key that takes over, when it was the one that signed. */
  readonly successor?: Rotated
}

/**
 * What is to be revoked: what an earlier try has begun, and the named key; where that signs, or none is named, all that
 * came before it too: who has the one from its file has the others, and none of them may sign again.
 */
function toRevoke(ring: ProviderKeys, at: number, named: string | undefined): readonly string[] {
  const begun = ring.keys.filter(({ isBeingRevoked }) => isBeingRevoked === true).map(({ kid }) => kid)
  if (named === undefined && begun.length > 0) return begun
  const signing = signingKey(ring, at)?.kid
  if (named !== undefined && named !== signing) return [...new Set([named, ...begun])]
  if (signing === undefined) return begun
  const older = ring.keys
    .filter((key) => ['signing', 'overlapping', 'retired'].includes(stateOf(ring, key, at)))
    .map(({ kid }) => kid)
  return [...new Set([signing, ...older, ...begun])]
}

/**
 * Revokes a key at once, the one that signs unless another is named: first the provider stops signing with it, then the
 * ledger stops taking it, then a new one takes over. When it fails, it is to be repeated, and goes on where it was.
 * Errors: RangeError when no key signs and none is named.
 */
export async function revokeKey(ring: KeyRing, named?: string): Promise<Revoked> {
  const before = await ring.read()
  const kids = toRevoke(before, ring.now(), named)
  const [kid, ...others] = kids
  if (kid === undefined) throw new RangeError('No key signs: name the one to revoke with --kid.')
  await ring.write({
    ...before,
    keys: before.keys.map((key) =>
      kids.includes(key.kid) ? { ...withoutPrivatePart(key), isBeingRevoked: true } : key,
    ),
  })
  for (const one of kids) {
    await ring.ledger.revoke(one)
    const current = await ring.read()
    const known = current.keys.find((key) => key.kid === one)
    if (known === undefined) continue
    const { isBeingRevoked: _done, ...revoked } = known
    await ring.write(replace(current, revoked))
  }
  const after = await ring.read()
  const canSign = after.keys.some(({ key, signsFrom }) => key.d !== undefined && signsFrom !== undefined)
  return canSign ? { kid, others } : { kid, others, successor: await rotateKeys(ring) }
}

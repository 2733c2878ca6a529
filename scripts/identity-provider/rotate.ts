import { MedledgerError, type IssuerKey, type SigningKey } from 'medledger-chaincode/api'
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
  /** Revoking again does no harm. Errors: NOT_FOUND for a key that the ledger never had. */
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
  return takeOver(ring, unfinished ? before : { ...before, keys: [...before.keys, fresh] }, fresh)
}

async function takeOver(ring: KeyRing, withFresh: ProviderKeys, fresh: ProviderKey): Promise<Rotated> {
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
 * What is to be revoked: what an earlier try has begun, and the named key; where that signs, or none is named, every key
 * whose private part lies in the file: who has one of them has them all, and none may sign again, now or later.
 */
function toRevoke(ring: ProviderKeys, at: number, named: string | undefined): readonly string[] {
  const begun = ring.keys.filter(({ isBeingRevoked }) => isBeingRevoked === true)
  const signing = signingKey(ring, at)?.kid
  if (named !== undefined && named !== signing) return [...new Set([named, ...begun.map(({ kid }) => kid)])]
  const withPrivatePart = ring.keys.filter(({ key }) => key.d !== undefined)
  const kids = [...begun, ...withPrivatePart].map(({ kid }) => kid)
  return [...new Set(signing === undefined ? kids : [signing, ...kids])]
}

/**
 * Revokes a key at once, all of the file's where it is the one that signs or none is named: first the provider stops signing
 * with it, then the ledger stops taking it, then one takes over that is made only then. What is begun stays noted until
 * all of that is done, so that it can be repeated after a failure.
 * Errors: RangeError when there is nothing to revoke.
 */
export async function revokeKey(ring: KeyRing, named?: string): Promise<Revoked> {
  const before = await ring.read()
  const kids = toRevoke(before, ring.now(), named)
  const [kid, ...others] = kids
  if (kid === undefined)
    throw new RangeError('There is no key to revoke: name one of the ledger’s with --kid.')
  await ring.write({
    ...before,
    keys: before.keys.map((key) =>
      kids.includes(key.kid) ? { ...withoutPrivatePart(key), isBeingRevoked: true } : key,
    ),
  })
  await revokeOnLedger(ring, kids)
  const revoked = await ring.read()
  const canSign = revoked.keys.some(({ key, signsFrom }) => key.d !== undefined && signsFrom !== undefined)
  if (canSign) {
    await ring.write(withoutBegun(revoked))
    return { kid, others }
  }
  const fresh = newKey(revoked.organisation)
  const successor = await takeOver(ring, { ...revoked, keys: [...revoked.keys, fresh] }, fresh)
  await ring.write(withoutBegun(await ring.read()))
  return { kid, others, successor }
}

/** Every one is tried, whatever becomes of the others. Errors: the first. */
async function revokeOnLedger(ring: KeyRing, kids: readonly string[]): Promise<void> {
  const { keys } = await ring.read()
  const failures: unknown[] = []
  for (const kid of kids) {
    const known = keys.find((key) => key.kid === kid)
    const neverSigned = known !== undefined && known.signsFrom === undefined
    try {
      await ring.ledger.revoke(kid)
    } catch (error) {
      // A rotation that failed has left a key here which the ledger never had.
      const isAbsent = error instanceof MedledgerError && error.code === 'NOT_FOUND'
      if (!(neverSigned && isAbsent)) failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}

/** What was begun is done: keys that have signed stay listed as revoked, the others are dropped. */
const withoutBegun = (ring: ProviderKeys): ProviderKeys => ({
  ...ring,
  keys: ring.keys.flatMap(({ isBeingRevoked, ...key }) =>
    isBeingRevoked === true && key.signsFrom === undefined ? [] : [key],
  ),
})

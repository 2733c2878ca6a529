import type { Role } from 'medledger-chaincode/api'
import type { Organisation } from '../../support/gateway-network.ts'
import { authors, documentType, type Asker, type Custodian, type Said, type Target } from './cast.ts'

/**
 * What the README promises, said a second time and on its own: who may do what, and what is committed. Nothing here is
 * taken from the product, so that the two can differ.
 */
export interface Verdict {
  readonly status: number
  /** The error's code; absent when the request is answered. */
  readonly code?: string
  /** Cells with the same reason must be answered alike, in all but ids and times. */
  readonly why: string
  /** Transactions that are committed, as `name custodian`, sorted. */
  readonly commits: readonly string[]
}

export const answered = (status: number, commits: readonly string[] = [], why = 'answered'): Verdict => ({
  status,
  why,
  commits: [...commits].sort(),
})
export const refused = (
  status: number,
  code: string,
  why: string,
  commits: readonly string[] = [],
): Verdict => ({ status, code, why, commits: [...commits].sort() })

/** Roles whose people may use every organisation's gateway. */
const travelling: ReadonlySet<Role> = new Set(['patient', 'auditor'])

/** Why this gateway does not let the asker near a route for these roles; undefined when it does. */
export function turnedAway(asker: Asker, gateway: Organisation, who: readonly Role[]): Verdict | undefined {
  if (asker.presents === 'no token') return refused(401, 'NOT_AUTHENTICATED', 'no token')
  const isFromHere = asker.issuer === gateway || asker.issuer === 'authority'
  if (asker.presents !== 'a token' || !isFromHere) return refused(401, 'INVALID_TOKEN', 'bad token')
  if (!asker.claimed.some((role) => who.includes(role))) {
    return refused(403, 'FORBIDDEN', `claims none of ${who.join()}`)
  }
  return undefined
}

/** Why the ledger does not take the asker for somebody of these roles at this gateway; undefined when it does. */
export function notTaken(
  { registered, claimed }: Asker,
  gateway: Organisation,
  who: readonly Role[],
): Verdict | undefined {
  if (registered === undefined) return refused(403, 'FORBIDDEN', 'not registered')
  const { role, organisation } = registered
  if (!claimed.includes(role)) return refused(403, 'FORBIDDEN', 'does not claim her role')
  if (!who.includes(role)) return refused(403, 'FORBIDDEN', `is ${role}`)
  if (!travelling.has(role) && organisation !== gateway) {
    return refused(403, 'FORBIDDEN', 'staff of another organisation')
  }
  return undefined
}

export const isHerself = ({ registered }: Asker, { handle }: Target): boolean => registered?.handle === handle

/** 2026-01-15 in these tests; a date alone lasts its whole day. */
const today = '2026-01-15'

const isInForce = ({ start = today, end = today, isRevoked }: Said): boolean =>
  isRevoked !== true && start <= today && today <= end

function applies(said: Said, { registered }: Asker, purpose: string): boolean {
  const { actors, purposes, types } = said
  if (!isInForce(said)) return false
  if (purposes?.includes(purpose) === false || types?.includes(documentType) === false) return false
  return actors === undefined || actors.some((actor) => isMeant(actor, registered))
}

function isMeant(actor: string, registered: Asker['registered']): boolean {
  if (registered === undefined) return false
  const { role, organisation, handle } = registered
  const isStaff = role !== 'patient'
  return (
    actor === `role/${role}` ||
    (isStaff && (actor === `Practitioner/${handle}` || actor === `Organization/${organisation}`))
  )
}

/** Whether the asker may see the target's document at a custodian, if there is one. */
export function maySee(asker: Asker, target: Target, custodian: Custodian, purpose = 'TREAT'): boolean {
  if (isHerself(asker, target)) return true
  const applying = target.said.filter((said) => applies(said, asker, purpose))
  if (applying.some(({ effect }) => effect === 'deny')) return false
  if (applying.length > 0) return true
  const isAuthor = target.isAuthored && asker.registered?.handle === authors[custodian]
  return isAuthor && target.defaultPolicy === 'basic-normal' && purpose === 'TREAT'
}

/** How the asker stands to the target's documents, for the summary. */
export function relationOf(asker: Asker, target: Target): string {
  if (isHerself(asker, target)) return 'own'
  if (!target.isRegistered) return 'unknown'
  if (!target.hasDocuments) return 'absent'
  const [said] = target.said
  if (said === undefined) return target.isAuthored ? 'author' : 'none'
  if (said.end !== undefined) return 'expired'
  if (said.isRevoked === true) return 'revoked'
  const isSaid = target.said.some((one) => applies(one, asker, 'TREAT') && one.effect === 'permit')
  const isDenied = target.said.some((one) => applies(one, asker, 'TREAT') && one.effect === 'deny')
  if (isDenied) return 'denied'
  return isSaid ? 'consented' : 'consented to others'
}

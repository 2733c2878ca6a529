import type { EnvelopeHeader } from '../ledger/transaction.ts'
import { expiryOf, type Member, type Membership } from '../msp/membership.ts'
import { holds, type MetaPolicy, type Policy } from '../../fabric/policy.ts'

/** The holder of an identity when an MSP of the channel vouches for it, whatever the time. */
export function memberOf(identity: Uint8Array, membership: Membership): Member | undefined {
  try {
    return membership.identify(identity)
  } catch {
    return undefined
  }
}

/** Why the sender's certificate does not hold now; undefined when it does, or is nobody's. */
export function senderExpiry(creator: Uint8Array, membership: Membership, now: number): string | undefined {
  const member = memberOf(creator, membership)
  return member === undefined ? undefined : expiryOf(member, now)
}

/** Who is let in, by the configuration that is in force. */
export interface Admission {
  readonly membership: Membership
  readonly policy: Policy | MetaPolicy
}

/** The sender of an envelope when its signature holds and the policy lets it in. */
export function admittedBy(
  { membership, policy }: Admission,
  { creator, payload, signature }: Pick<EnvelopeHeader, 'creator' | 'payload' | 'signature'>,
): Member | undefined {
  const member = memberOf(creator, membership)
  if (member === undefined || !holds(policy, [member])) return undefined
  return membership.verify(member, payload, signature) ? member : undefined
}

/** Fabric's text when no organisation's policy of this name is satisfied. */
export const noneSatisfied = (name: 'Readers' | 'Writers'): string =>
  `implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy requires 1 of the '${name}' sub-policies to be satisfied`

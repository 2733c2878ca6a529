import type { EnvelopeHeader } from '../ledger/transaction.ts'
import { expiryOf, type Member, type Membership } from '../msp/membership.ts'

/** The sender of an envelope when an MSP of the channel vouches for it and its signature holds now. */
export function senderOf(
  header: Pick<EnvelopeHeader, 'creator' | 'payload' | 'signature'>,
  membership: Membership,
  now: number,
): Member | undefined {
  try {
    const member = membership.identify(header.creator)
    if (expiryOf(member, now) !== undefined) return undefined
    return membership.verify(member, header.payload, header.signature) ? member : undefined
  } catch {
    return undefined
  }
}

import type { Member, Membership } from './membership.ts'

/** What somebody is said to have signed. */
export interface Signed {
  /** `msp.SerializedIdentity`. */
  readonly identity: Uint8Array
  readonly content: Uint8Array
  readonly signature: Uint8Array
}

/**
 * Those whose signatures hold, each once: a certificate can be written in many ways, and is one signer still (protoutil,
 * SignatureSetToValidIdentities). What cannot be read, and who no MSP vouches for, counts for nothing.
 */
export function signersOf<Item>(
  items: Iterable<Item>,
  read: (item: Item) => Signed,
  membership: Membership,
): Member[] {
  const signers = new Map<string, Member>()
  for (const item of items) {
    try {
      const { identity, content, signature } = read(item)
      const member = membership.identify(identity)
      const key = `${member.mspId} ${member.certificate.fingerprint256}`
      // The check is the costly part.
      if (!signers.has(key) && membership.verify(member, content, signature)) signers.set(key, member)
    } catch {
      // As said above: it counts for nothing.
    }
  }
  return [...signers.values()]
}

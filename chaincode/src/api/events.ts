import type { TransactionName } from './transactions.ts'

/**
 * The chaincode event of every transaction that adds or revokes an issuer's key (Fabric shows an event's name in filtered
 * blocks): whoever remembers keys, or what was verified with them, forgets it all when a block holds one.
 */
export const issuerKeysChanged = 'issuer-keys-changed'

const events: Readonly<Partial<Record<TransactionName, string>>> = {
  AddIssuerKey: issuerKeysChanged,
  RevokeIssuerKey: issuerKeysChanged,
}

/** The event that a transaction announces itself with; undefined for most. It says no more than the function's name. */
export const eventOf = (name: TransactionName): string | undefined => events[name]

export { followKeyChanges, type KeyChanges } from './key-changes.ts'
export { createLedgerKeys, type KeyOf } from './ledger-keys.ts'
export { createTokenCache, type TokenCache } from './token-cache.ts'
export { openTrustedKeys, type TrustedKeys } from './trusted-keys.ts'

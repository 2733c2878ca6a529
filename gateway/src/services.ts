import type { Constitution, Organisation } from 'medledger-chaincode/api'
import type { Authenticate } from './authenticate.ts'
import type { LedgerClient, LedgerTransport } from './ledger/index.ts'
import type { Log } from './log.ts'
import type { AskCustodian } from './release/index.ts'
import type { Settlement } from './settlement/index.ts'
import type { IdempotencyKeys, Positions } from './store/index.ts'
import type { Vault } from './vault/index.ts'

/** What the routes work with. */
export interface Services {
  readonly constitution: Constitution
  readonly organisation: Organisation
  readonly authenticate: Authenticate
  readonly client: LedgerClient
  readonly transport: Pick<LedgerTransport, 'height' | 'waitForBlock'>
  readonly positions: Pick<Positions, 'find'>
  readonly vault: Vault
  readonly settlement: Pick<Settlement, 'fateOf' | 'pending'>
  readonly idempotencyKeys: Pick<IdempotencyKeys, 'claim'>
  /** A digest that only this organisation can compute. */
  readonly digest: (purpose: string, value: string) => string
  /** Milliseconds since 1970 (UTC). */
  readonly now: () => number
  readonly ask: AskCustodian
  readonly log: Log
}

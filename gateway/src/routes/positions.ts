import { MedledgerError } from 'medledger-chaincode/api'
import type { Services } from '../services.ts'
import type { Position } from '../store/index.ts'

const waitMs = 3000
const pollMs = 20

/**
 * The places of transactions that a query has shown, which the own peer may be a moment from delivering.
 * Errors: LEDGER_UNAVAILABLE, since a list without its order would not be the list.
 */
export async function positionsOf(
  { positions }: Pick<Services, 'positions' | 'transport'>,
  records: readonly { readonly transactionId: string }[],
): Promise<ReadonlyMap<string, Position>> {
  const ids = [...new Set(records.map(({ transactionId }) => transactionId))]
  const deadline = Date.now() + waitMs
  for (;;) {
    const found = await positions.find(ids)
    if (found.size === ids.length) return found
    if (Date.now() > deadline) {
      throw new MedledgerError('LEDGER_UNAVAILABLE', 'The own peer is behind the others: try again later.')
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
}

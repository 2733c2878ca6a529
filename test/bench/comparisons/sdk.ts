import { inTurn } from '../patients.ts'
import type { Comparison } from '../rounds.ts'
import { requestAccess, requestAccessByStock, type Bench } from '../work.ts'

/** The product's ledger client against fabric-network's own signer and handlers, one request alone and under load. */
export function compareSdk(bench: Bench): Comparison[] {
  const { instance, patients } = bench
  const { processes } = instance
  const next = inTurn(patients)
  return [1, 50, 200].map((inFlight) => ({
    name: inFlight === 1 ? 'lone access, ours : stock SDK' : `${inFlight} in flight, ours : stock SDK`,
    operation: 'RequestAccess by the ledger port',
    inFlight,
    arms: [
      { name: 'ours', processes, run: () => requestAccess(instance, next().documents) },
      { name: 'stock SDK', processes, run: () => requestAccessByStock(bench, next().documents) },
    ],
  }))
}

import { inTurn } from '../patients.ts'
import type { Arm, Comparison } from '../rounds.ts'
import { requestAccess, type Bench } from '../work.ts'

const inFlight = 50

/** What an access costs beyond a transaction that only writes. */
export function compareBare({ instance, bare, patients }: Bench): Comparison[] {
  const next = inTurn(patients)
  const access: Arm = {
    name: 'RequestAccess',
    processes: instance.processes,
    run: () => requestAccess(instance, next().documents),
  }
  const { processes } = bare
  return [
    {
      name: 'RequestAccess : bare private write',
      operation: 'a transaction by the ledger port',
      inFlight,
      arms: [access, { name: 'bare private write', processes, run: () => bare.writePrivate() }],
    },
    {
      name: 'RequestAccess : bare public write',
      operation: 'a transaction by the ledger port',
      inFlight,
      arms: [access, { name: 'bare public write', processes, run: () => bare.writePublic() }],
    },
  ]
}

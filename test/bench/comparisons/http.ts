import { newRegistration } from '../instance.ts'
import { inTurn } from '../patients.ts'
import type { Comparison } from '../rounds.ts'
import { expectStatus, readDocuments, requestAccess, type Bench } from '../work.ts'

/** What HTTP and the token check add to a transaction, and what a whole reading adds to its access. */
export function compareHttp({ instance, readable, patients }: Bench): Comparison[] {
  const { processes, quiet: settled } = instance
  const operator = (): string => instance.token('operator.authority')
  const nextReadable = inTurn(readable)
  const nextKnown = inTurn(patients)
  return [
    {
      name: 'HTTP + token : ledger port',
      operation: 'register a patient (one transaction)',
      inFlight: 20,
      arms: [
        {
          name: 'HTTP + token',
          processes,
          run: () =>
            expectStatus(
              201,
              `${instance.gateways['authority']}/v1/patients`,
              operator(),
              newRegistration(instance),
            ),
        },
        {
          name: 'ledger port',
          processes,
          run: () => {
            const { client } = instance.ledger('authority')
            return client.submit('RegisterPatient', newRegistration(instance), { token: operator() })
          },
        },
      ],
    },
    {
      name: 'whole reading : its access alone',
      operation: 'GET a document (access, release, its entry) : RequestAccess',
      inFlight: 20,
      arms: [
        {
          name: 'whole reading',
          processes,
          settled,
          run: () => readDocuments(instance, nextReadable().documents),
        },
        {
          name: 'access alone',
          processes,
          settled,
          run: () => requestAccess(instance, nextKnown().documents),
        },
      ],
    },
  ]
}

import type { Comparison } from '../rounds.ts'
import { readDocuments, requestAccess, type Bench } from '../work.ts'

/** Fifty documents of one patient in one request against a request for each. */
export function compareDocuments({ instance, thick }: Bench): Comparison[] {
  const { processes, quiet: settled } = instance
  const { documents } = thick
  const each = (read: (documents: readonly string[]) => Promise<unknown>): Promise<unknown> =>
    Promise.all(documents.map((document) => read([document])))
  const access = (ids: readonly string[]): Promise<void> => requestAccess(instance, ids)
  const reading = (ids: readonly string[]): Promise<void> => readDocuments(instance, ids)
  return [
    {
      name: '50 documents, 1 access : 50 accesses',
      operation: 'RequestAccess for 50 documents by the ledger port',
      inFlight: 1,
      arms: [
        { name: '1 access', processes, run: () => access(documents) },
        { name: '50 accesses', processes, run: () => each(access) },
      ],
    },
    {
      name: '50 documents, 1 reading : 50 readings',
      operation: 'GET 50 documents, released and recorded',
      inFlight: 1,
      arms: [
        { name: '1 reading', processes, settled, run: () => reading(documents) },
        { name: '50 readings', processes, settled, run: () => each(reading) },
      ],
    },
  ]
}

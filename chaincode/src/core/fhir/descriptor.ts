import type { RecordFacts } from '../facts.ts'
import { yes } from '../truth.ts'
import { readDirectory } from './directory.ts'
import { readRecord } from './record.ts'

/** What the ledger knows of a document; see `Descriptor` of the API. */
export interface Described {
  readonly document: string
  readonly type: { readonly system: string; readonly code: string }
  readonly date: string
  readonly author?: string
  readonly labels?: readonly { readonly system: string; readonly code: string }[]
  /** `Type/id` of the encounter and of whatever else it belongs to. */
  readonly related?: readonly string[]
}

const nobodyElse = readDirectory([])

/** The facts of a document of the patient, from its descriptor: what its DocumentReference would say. */
export function describedRecord(described: Described, zone: string): RecordFacts {
  const { document, type, date, author, labels = [], related = [] } = described
  const resource = {
    resourceType: 'DocumentReference',
    id: document,
    meta: { security: labels },
    type: { coding: [type] },
    context: { related: related.map((reference) => ({ reference })) },
    date,
    ...(author !== undefined && { author: [{ reference: `Practitioner/${author}` }] }),
  }
  return readRecord(resource, 0, { isPatient: () => yes, directory: nobodyElse, zone })
}

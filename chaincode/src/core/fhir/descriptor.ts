import type { RecordFacts } from '../facts.ts'
import { yes } from '../truth.ts'
import { codeKey, toCoding, type Coding } from './coding.ts'
import { readDirectory } from './directory.ts'
import { objectsIn, type Json } from './json.ts'
import { namesIn } from './parts.ts'
import { headOf, labelsIn, readRecord } from './record.ts'
import { toLiteral } from './reference.ts'

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

/**
 * What a document Bundle says of itself that decides who may see it as a whole: the security labels of everything in it, and
 * what its Composition says that it belongs to, each once and sorted. A label without a system is given as it is.
 */
export function describedBy(bundle: Json): { readonly labels: Coding[]; readonly related: string[] } {
  const labels = labelsIn(bundle).flatMap((label) => toCoding(label) ?? [])
  const names = namesIn(bundle)
  const { encounter, event, relatesTo } = headOf(bundle) ?? {}
  const references = [...objectsIn([encounter, event, relatesTo])].flatMap(({ object: { reference } }) =>
    typeof reference === 'string' ? (names.get(reference) ?? toLiteral(reference) ?? []) : [],
  )
  const byKey = new Map(labels.map((label) => [codeKey(label), label]))
  return {
    labels: [...byKey.keys()].sort().flatMap((key) => byKey.get(key) ?? []),
    // A URN is a name inside this document alone, and what is no FHIR id no directive can name.
    related: [...new Set(references)]
      .filter((name) => !name.startsWith('urn:') && toLiteral(name) === name)
      .sort(),
  }
}

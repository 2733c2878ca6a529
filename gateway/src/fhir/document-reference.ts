import type { DocumentReference } from 'fhir/r4.js'
import type { Descriptor } from 'medledger-chaincode/api'

/** A descriptor as FHIR R4 DocumentReference; the content is fetched as the Bundle of the same id. */
export function toDocumentReference(custodian: string, descriptor: Descriptor): DocumentReference {
  const { document, version, patient, type, title, date, author, labels, related = [] } = descriptor
  const isEncounter = (name: string): boolean => name.startsWith('Encounter/')
  return {
    resourceType: 'DocumentReference',
    id: document,
    meta: { versionId: String(version), ...(labels && { security: labels }) },
    status: 'current',
    type: { coding: [type] },
    subject: { reference: `Patient/${patient}` },
    // FHIR wants an instant here and documents often know a day only, so the clinical date goes into the context.
    context: {
      period: { start: date },
      ...referring('encounter', related.filter(isEncounter)),
      ...referring(
        'related',
        related.filter((name) => !isEncounter(name)),
      ),
    },
    ...(title !== undefined && { description: title }),
    ...(author !== undefined && { author: [{ reference: `Practitioner/${author}` }] }),
    custodian: { reference: `Organization/${custodian}` },
    content: [{ attachment: { contentType: 'application/fhir+json', url: `Bundle/${document}` } }],
    ...instantOf(date),
  }
}

const referring = (
  member: 'encounter' | 'related',
  names: readonly string[],
): NonNullable<DocumentReference['context']> =>
  names.length === 0 ? {} : { [member]: names.map((reference) => ({ reference })) }

const instantOf = (date: string): Pick<DocumentReference, 'date'> => (date.includes('T') ? { date } : {})

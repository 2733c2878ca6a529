import type { DocumentReference } from 'fhir/r4.js'
import type { Descriptor } from 'medledger-chaincode/api'

/** A descriptor as FHIR R4 DocumentReference; the content is fetched as the Bundle of the same id. */
export function toDocumentReference(custodian: string, descriptor: Descriptor): DocumentReference {
  const { document, version, patient, type, title, date, author } = descriptor
  return {
    resourceType: 'DocumentReference',
    id: document,
    meta: { versionId: String(version) },
    status: 'current',
    type: { coding: [type] },
    subject: { reference: `Patient/${patient}` },
    // FHIR wants an instant here and documents often know a day only, so the clinical date goes into the context.
    context: { period: { start: date } },
    ...(title !== undefined && { description: title }),
    ...(author !== undefined && { author: [{ reference: `Practitioner/${author}` }] }),
    custodian: { reference: `Organization/${custodian}` },
    content: [{ attachment: { contentType: 'application/fhir+json', url: `Bundle/${document}` } }],
    ...instantOf(date),
  }
}

const instantOf = (date: string): Pick<DocumentReference, 'date'> => (date.includes('T') ? { date } : {})

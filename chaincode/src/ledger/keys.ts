import { createHmac } from 'node:crypto'

/**
 * The ledger's keys. Handles and identifiers enter a placement's keys only as HMACs under the placement's own secret,
 * so that an outsider who knows a handle cannot follow its key hashes through other organisations' blocks.
 */
export const secretKey = 'secret'

export const requestKey = (request: string): string => `request/${request}`

export const issuerKeyKey = (issuer: string, kid: string): string =>
  `issuer-key/${encodeURIComponent(issuer)}/${kid}`

export const personKey = (person: string): string => `person/${person}`
export const patientKey = (patient: string): string => `patient/${patient}`
export const subjectKey = (secret: string, issuer: string, subject: string): string =>
  `subject/${blind(secret, 'subject', issuer, subject)}`

export const consentSetKey = (secret: string, patient: string): string =>
  `consent-set/${blind(secret, 'patient', patient)}`
export const consentVersionPrefix = (secret: string, patient: string): string =>
  `consent-version/${blind(secret, 'patient', patient)}/`
export const consentVersionKey = (secret: string, patient: string, version: number): string =>
  `${consentVersionPrefix(secret, patient)}${String(version).padStart(8, '0')}`

export const documentKey = (secret: string, document: string): string =>
  `document/${blind(secret, 'document', document)}`
export const patientDocumentPrefix = (secret: string, patient: string): string =>
  `patient-document/${blind(secret, 'patient', patient)}/`
export const patientDocumentKey = (secret: string, patient: string, document: string): string =>
  `${patientDocumentPrefix(secret, patient)}${document}`

/** Stands for the patient in the entry of a request that named no existing document. */
export const nobody = 'nobody'
export const entryPrefix = (secret: string, patient: string): string =>
  `entry/${blind(secret, 'patient', patient)}/`
export const entryKey = (secret: string, patient: string, entry: string): string =>
  `${entryPrefix(secret, patient)}${entry}`

function blind(secret: string, ...parts: readonly string[]): string {
  return createHmac('sha256', Buffer.from(secret, 'hex')).update(JSON.stringify(parts)).digest('hex')
}

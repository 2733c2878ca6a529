import { createHmac, createSecretKey } from 'node:crypto'

/**
 * The ledger's keys. Handles and identifiers enter a placement's keys only as HMACs under the placement's own secret,
 * so that an outsider who knows a handle cannot follow its key hashes through other organisations' blocks.
 */
export const secretKey = 'secret'

/**
 * The mark of a request. It lies in a space of the submitting organisation's own: an endorser sees a request's id before it
 * is committed, and must not be able to use it up with a request of its own, and so to hold back a revocation.
 */
export const requestKey = (through: string, request: string): string => `request/${through}/${request}`

export const issuerKeyKey = (issuer: string, kid: string): string =>
  `issuer-key/${encodeURIComponent(issuer)}/${kid}`

export const personKey = (person: string): string => `person/${person}`
export const patientKey = (patient: string): string => `patient/${patient}`
/** What was registered of a person or a patient, version by version. */
export const personVersionKey = (person: string, version: number): string =>
  `person-version/${person}/${versionName(version)}`
export const patientVersionKey = (patient: string, version: number): string =>
  `patient-version/${patient}/${versionName(version)}`
export const subjectKey = (secret: string, issuer: string, subject: string): string =>
  `subject/${blind(secret, 'subject', issuer, subject)}`

export const consentSetKey = (secret: string, patient: string): string =>
  `consent-set/${blind(secret, 'patient', patient)}`
const versionName = (version: number): string => String(version).padStart(8, '0')
export const consentVersionKey = (secret: string, patient: string, version: number): string =>
  `consent-version/${blind(secret, 'patient', patient)}/${versionName(version)}`

/** Grants as given, by the version of the set that each made: a list needs nothing else. */
export const consentGrantPrefix = (secret: string, patient: string): string =>
  `consent-grant/${blind(secret, 'patient', patient)}/`
export const consentGrantKey = (secret: string, patient: string, version: number): string =>
  `${consentGrantPrefix(secret, patient)}${versionName(version)}`

/** Left by the first grant or revocation of a consent: no later grant of the same is taken. */
export const consentMarkKey = (secret: string, patient: string, consent: string): string =>
  `consent-mark/${blind(secret, 'consent', patient, consent)}`

export const documentKey = (secret: string, document: string): string =>
  `document/${blind(secret, 'document', document)}`
export const documentVersionKey = (secret: string, document: string, version: number): string =>
  `document-version/${blind(secret, 'document', document)}/${versionName(version)}`
export const patientDocumentPrefix = (secret: string, patient: string): string =>
  `patient-document/${blind(secret, 'patient', patient)}/`
export const patientDocumentKey = (secret: string, patient: string, document: string): string =>
  `${patientDocumentPrefix(secret, patient)}${document}`

/** Stands for the patient in the entry of a request that named no existing document. */
export const nobody = 'nobody'
/** Of all entries in a collection, whoever they are about. */
export const entriesPrefix = 'entry/'
export const entryPrefix = (secret: string, patient: string): string =>
  `${entriesPrefix}${blind(secret, 'patient', patient)}/`

/** What names an entry within a patient's account, and its place there: entries are kept by transaction time. */
export interface Place {
  /** Instant with milliseconds, which all have the same length. */
  readonly at: string
  readonly through: string
  readonly entry: string
}

export const entryKey = (secret: string, patient: string, { at, through, entry }: Place): string =>
  `${entryPrefix(secret, patient)}${at}/${through}/${entry}`

/** Says of an access whether anything was released of it. */
export const releasedKey = (through: string, access: string): string => `released/${through}/${access}`

function blind(secret: string, ...parts: readonly string[]): string {
  // Node takes a key as bytes many times more slowly than as an object.
  return createHmac('sha256', createSecretKey(secret, 'hex')).update(JSON.stringify(parts)).digest('hex')
}

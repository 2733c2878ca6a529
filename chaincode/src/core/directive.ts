/**
 * The ledger's own form of a patient's directive. Every attribute that is present must match (AND), one of its values
 * suffices (OR), an absent attribute is no constraint (HL7 FHIR R4 Consent, section 6.2.4.1).
 */
export interface Directive {
  readonly consent: string
  readonly effect: 'permit' | 'deny'
  readonly actors?: readonly Actor[]
  readonly purposes?: readonly string[]
  /** Document types by code; a code with a system matches only within that system. */
  readonly types?: readonly DocumentType[]
  /** First and last instant of validity, inclusive, in milliseconds since 1970 (UTC). */
  readonly start?: number
  readonly end?: number
}

export type Actor =
  | { readonly person: string }
  | { readonly organisation: string }
  | { readonly role: string }

export interface DocumentType {
  readonly system?: string
  readonly code: string
}

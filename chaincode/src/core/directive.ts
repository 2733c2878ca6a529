/** Stands in a rule for a value that was not understood: it permits nothing and keeps no deny from applying. */
export const notUnderstood = '?'

/** The ledger's own form of a Consent: plain JSON, without anything that a decision does not need. */
export interface Directive {
  readonly consent: string
  readonly root: Rule
  /** When it was given, in milliseconds since 1970 (UTC): for `newest-wins`. */
  readonly given?: number
  /** Ids of the consents that this one replaces. */
  readonly supersedes?: readonly string[]
  /** Where something was not understood, e.g. `provision.modifierExtension`. */
  readonly unclear?: readonly string[]
}

/**
 * A provision. Every attribute that is present must match (AND), one of its values suffices (OR), an absent attribute is no
 * constraint (HL7 FHIR R4 Consent, 6.2.4.1). Rules below it are its exceptions or additions.
 */
export interface Rule {
  readonly effect: Effect
  /** Something could change its meaning that was not understood: it and the rules below it permit nothing. */
  readonly unclear?: true
  /** First and last instant of validity, inclusive, in milliseconds since 1970 (UTC). */
  readonly start?: number
  readonly end?: number
  readonly actors?: readonly Actor[]
  /** Codes of v3-ActReason; `system|code` of another system. */
  readonly purposes?: readonly string[]
  /** Codes of consentaction. */
  readonly actions?: readonly string[]
  /** Types of resource or document; `documents` as well where a dialect has an attribute of its own for the latter. */
  readonly classes?: readonly Class[]
  readonly documents?: readonly Class[]
  readonly codes?: readonly Code[]
  readonly data?: readonly DataReference[]
  /** First and last instant of the record's clinical date. */
  readonly dated?: { readonly start?: number; readonly end?: number }
  readonly labels?: Labels
  readonly rules?: readonly Rule[]
}

export type Effect = 'permit' | 'deny'

/**
 * Who acts: by reference (`Type/id`), by identifier, by role, or anybody. A role beside a reference or identifier must match
 * as well.
 */
export interface Actor {
  readonly reference?: string
  /** `system|value`. */
  readonly identifier?: string
  readonly role?: string
  readonly anybody?: true
}

/** A type of resource, or a type of document by system and code; a code that was not understood. */
export type Class = { readonly resource: string } | Code | typeof notUnderstood

/** A coded value; without a system it matches in any. */
export type Code = { readonly system?: string; readonly code: string } | typeof notUnderstood

/** Named data: the resource itself, what refers to it, or what an author wrote. */
export interface DataReference {
  readonly meaning: 'instance' | 'related' | 'dependents' | 'authoredby' | typeof notUnderstood
  /** `Type/id`; of an author also `system|value`. */
  readonly reference: string
}

/** Security labels. */
export interface Labels {
  /** Place in `confidentialities`: a ceiling in a permit, a floor in a deny. */
  readonly confidentiality?: number
  /** Codes of v3-ActCode; `system|code` of another system. */
  readonly sensitivities?: readonly string[]
}

/** Whether a reference is to somebody's role or to several people, who must be known for it to name anybody. */
export const mustBeResolved = (reference: string): boolean =>
  /^(?:Group|CareTeam|PractitionerRole)\//.test(reference)

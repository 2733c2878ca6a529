/**
 * The input of `medledger decide`, as the tests write it. FHIR is read loosely: R4 and R5 meet in one type, and any member may
 * turn up anywhere, because the tests put wrong ones in on purpose.
 */

export interface Coding {
  readonly system?: string
  readonly code?: string
}

export interface Concept {
  readonly coding?: readonly Coding[]
  readonly text?: string
}

export interface Identifier {
  readonly system?: string
  readonly value?: string
}

export interface Reference {
  readonly reference?: string
  readonly type?: string
  readonly identifier?: Identifier
  readonly display?: string
}

export interface Period {
  readonly start?: string
  readonly end?: string
}

export interface Actor {
  readonly role?: Concept
  readonly reference?: Reference
}

export interface Data {
  readonly meaning?: string
  readonly reference?: Reference
}

export interface Provision {
  readonly type?: string
  readonly period?: Period
  readonly actor?: readonly Actor[]
  readonly action?: readonly Concept[]
  readonly purpose?: readonly Coding[]
  readonly securityLabel?: readonly Coding[]
  readonly class?: readonly Coding[]
  readonly resourceType?: readonly Coding[]
  readonly documentType?: readonly Coding[]
  readonly code?: readonly Concept[]
  readonly data?: readonly Data[]
  readonly dataPeriod?: Period
  readonly provision?: readonly Provision[]
  readonly [member: string]: unknown
}

export interface Extension {
  readonly url: string
  readonly valueReference?: Reference
  readonly valueUri?: string
  readonly valueCanonical?: string
}

export interface Consent {
  readonly resourceType: 'Consent'
  readonly id?: string
  readonly status?: string
  readonly extension?: readonly Extension[]
  readonly scope?: Concept
  readonly category?: readonly Concept[]
  readonly patient?: Reference
  readonly subject?: Reference
  readonly dateTime?: string
  readonly date?: string
  readonly policyRule?: Concept
  readonly decision?: string
  readonly period?: Period
  readonly provision?: Provision | readonly Provision[]
  readonly [member: string]: unknown
}

export interface Resource {
  readonly resourceType: string
  readonly id: string
  readonly [member: string]: unknown
}

export type Purpose = string | { readonly system: string; readonly code: string }
export type Party = { readonly reference: string } | { readonly system: string; readonly value: string }
export type DefaultPolicy = 'deny' | 'basic-normal' | 'all-normal' | 'break-glass-only'

export interface Request {
  readonly patient: string | { readonly system: string; readonly value: string }
  readonly actors: readonly Party[]
  readonly role?: string
  readonly action?: string
  readonly class?: string
  readonly purpose: readonly Purpose[]
  readonly at: string
}

export interface DecisionCase {
  readonly id?: string
  readonly consents: readonly Consent[]
  readonly request: Request
  readonly records: readonly Resource[]
  readonly directory?: readonly Resource[]
  readonly defaultPolicy: DefaultPolicy
  readonly combining?: 'deny-overrides' | 'newest-wins'
}

export type Outcome = 'permit' | 'deny'

/** What a decision rests on. */
export interface Ground {
  readonly basis: string
  readonly basedOn: readonly string[]
}

export interface CaseDecision extends Ground {
  readonly outcome: Outcome
  readonly records: readonly { readonly id: string; readonly outcome: Outcome }[]
}

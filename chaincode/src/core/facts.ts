import type { Directive } from './directive.ts'
import type { Truth } from './truth.ts'

/** All that a decision may depend on; it has no clock and reads nothing. */
export interface Facts {
  /** The instant of the decision, in milliseconds since 1970 (UTC). */
  readonly at: number
  /** Codes of v3-ActReason; `system|code` of another system. Each must be permitted. */
  readonly purposes: readonly string[]
  /** Code of consentaction. */
  readonly action: string
  /** The type of resource or document that is asked for, if the request says one. */
  readonly class?: string
  readonly asker: Asker
  /** Those of this patient that may count: active, of privacy scope. */
  readonly directives: readonly Directive[]
  readonly defaultPolicy: DefaultPolicy
  readonly combining: Combining
  readonly records: readonly RecordFacts[]
  /** The patient herself asks. */
  readonly self?: boolean
  /** The asker belongs to the custodian's staff and asks for treatment: see {@link RecordFacts.isOwn}. */
  readonly isStaff?: boolean
}

/** What applies when no directive does (IHE PCF, 1:53.2.1, Implicit Consent Option). */
export const defaultPolicies = ['deny', 'basic-normal', 'all-normal', 'break-glass-only'] as const
export type DefaultPolicy = (typeof defaultPolicies)[number]

export const combinings = ['deny-overrides', 'newest-wins'] as const
export type Combining = (typeof combinings)[number]

/** Who asks, with everything by which a directive can name her. */
export interface Asker {
  /** `Type/id` of herself and of the organisations and groups that she acts for. */
  readonly references: ReadonlySet<string>
  /** `system|value` likewise. */
  readonly identifiers: ReadonlySet<string>
  /** Groups and roles whose people are known: who is not among the references is not in them. */
  readonly groups: ReadonlySet<string>
  readonly role?: string
}

/** Among the names of a record's authors: they have no identifiers but those named. */
export const everyIdentifier = '|'

/** The system of an identifier (`system|value`), with its mark: `system|`; of a reference, nothing. */
export const systemOf = (name: string): string => name.slice(0, name.lastIndexOf('|') + 1)

export interface RecordFacts {
  readonly id: string
  /** Whether it is this patient's. */
  readonly ours: Truth
  /** Type of resource. */
  readonly type: string
  /** Types of document and clinical codes, as `system|code`. */
  readonly classes: readonly string[]
  readonly codes: readonly string[]
  /** Every code in it, for denies. */
  readonly allCodes: readonly string[]
  /** Place in `confidentialities`. */
  readonly confidentiality: number
  readonly sensitivities: readonly string[]
  /** First and last instant of its clinical date; absent when it has none. */
  readonly dated?: { readonly first: number; readonly last: number }
  /** Everything that an author can be named by: `Type/id`, `system|value`; {@link everyIdentifier} when that is all. */
  readonly authors: readonly string[]
  /** Systems (`system|`) in which each of its authors has an identifier: by another system's they cannot be told apart. */
  readonly identifiedIn?: readonly string[]
  /** It has no author, or one that cannot be identified. */
  readonly isAuthorUnclear: boolean
  /** `Type/id` of everything that it refers to. */
  readonly references: readonly string[]
  /** Written by the asker, where `isStaff` holds. */
  readonly isOwn?: boolean
}

/** What is known of a resource inside a document: plain JSON, in which what is empty is left out. */
export interface PartFacts {
  /** `Type/id`, or a URN. */
  readonly id?: string
  readonly type: string
  readonly classes?: readonly string[]
  readonly codes?: readonly string[]
  readonly allCodes?: readonly string[]
  readonly confidentiality: number
  readonly sensitivities?: readonly string[]
  /** First and last instant of its clinical date; an end that is open is left out. */
  readonly first?: number
  readonly last?: number
  /** It says a date that cannot be read. One that says none has its document's. */
  readonly isDateUnclear?: true
  readonly authors?: readonly string[]
  readonly identifiedIn?: readonly string[]
  /** It says an author who cannot be identified. One that says none has its document's. */
  readonly isAuthorUnclear?: true
  readonly references?: readonly string[]
}

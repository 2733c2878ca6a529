import type { Constitution, Descriptor, Entry, Patient, Person } from '../api/index.ts'
import { codeTablesVersion, coreVersion, type DefaultPolicy, type Directive } from '../core/index.ts'
import type { Book } from './book.ts'
import { toInstant } from './clock.ts'
import type { Context, PlacementBooks } from './context.ts'
import {
  consentSetKey,
  consentVersionKey,
  documentKey,
  documentVersionKey,
  patientKey,
  patientVersionKey,
  personKey,
  personVersionKey,
} from './keys.ts'

/** A patient's directives in one placement: a single key, so that any change of it invalidates a racing access. */
export interface ConsentSet {
  /** Counts the changes; 0 before the first. */
  readonly version: number
  readonly directives: readonly Directive[]
  readonly defaultPolicy: DefaultPolicy
  /** The consent that chose the default policy; absent while it is the constitution's. */
  readonly policyConsent?: string
  /** How many grants have widened what is permitted on the last day that one did; days since 1970 (UTC). */
  readonly widened?: { readonly day: number; readonly count: number }
}

/** One version of a consent set, kept so that a decision on it can be replayed: what changed, and the set after it. */
export interface ConsentVersion {
  readonly change: 'grant' | 'revoke'
  readonly consent: string
  readonly transactionId: string
  readonly set: ConsentSet
}

/** One version of a descriptor, and when it was registered: what a decision on it can be replayed from. */
export interface DocumentVersion {
  readonly descriptor: Descriptor
  /** Transaction time. */
  readonly at: string
}

export const isInForce = ({ directives, policyConsent }: ConsentSet, consent: string): boolean =>
  policyConsent === consent || directives.some((known) => known.consent === consent)

export async function readConsentSet(
  constitution: Constitution,
  { consent, secret }: PlacementBooks,
  patient: string,
): Promise<ConsentSet> {
  const stored = await consent.get<ConsentSet>(consentSetKey(secret, patient))
  return stored ?? unsaid(constitution)
}

/** The set of a patient who has said nothing. */
const unsaid = ({ defaultPolicy }: Constitution): ConsentSet => ({
  version: 0,
  directives: [],
  defaultPolicy,
})

/** A consent set as it was in one of its versions; undefined for one that is not kept. */
export async function readConsentVersion(
  constitution: Constitution,
  { consent, secret }: PlacementBooks,
  { patient, version }: { readonly patient: string; readonly version: number },
): Promise<ConsentSet | undefined> {
  if (version === 0) return unsaid(constitution)
  return (await consent.get<ConsentVersion>(consentVersionKey(secret, patient, version)))?.set
}

export async function writeConsentVersion(
  { consent, secret }: PlacementBooks,
  patient: string,
  version: ConsentVersion,
): Promise<void> {
  await consent.put(consentSetKey(secret, patient), version.set)
  await consent.put(consentVersionKey(secret, patient, version.set.version), version)
}

export const readDescriptor = (
  { consent, secret }: PlacementBooks,
  document: string,
): Promise<Descriptor | undefined> => consent.get<Descriptor>(documentKey(secret, document))

/** Undefined for a version that is not kept. */
export const readDocumentVersion = (
  { consent, secret }: PlacementBooks,
  document: string,
  version: number,
): Promise<DocumentVersion | undefined> =>
  consent.get<DocumentVersion>(documentVersionKey(secret, document, version))

export async function writeDescriptor(
  { consent, secret }: PlacementBooks,
  descriptor: Descriptor,
  at: number,
): Promise<void> {
  const { document, version } = descriptor
  await consent.put(documentKey(secret, document), descriptor)
  const kept: DocumentVersion = { descriptor, at: toInstant(at) }
  await consent.put(documentVersionKey(secret, document, version), kept)
}

export async function writePerson(registry: Book, record: Person): Promise<void> {
  await registry.put(personKey(record.person), record)
  await registry.put(personVersionKey(record.person, record.version), record)
}

export async function writePatient(registry: Book, record: Patient): Promise<void> {
  await registry.put(patientKey(record.patient), record)
  await registry.put(patientVersionKey(record.patient, record.version), record)
}

/** The versions that an entry names, so that its decision can be replayed. */
export function inputsOf(context: Context, set: ConsentSet): NonNullable<Entry['inputs']> {
  return {
    consentSet: set.version,
    agent: context.caller.version,
    defaultPolicy: set.defaultPolicy,
    core: coreVersion,
    codeTables: codeTablesVersion,
    constitution: context.constitutionDigest,
  }
}

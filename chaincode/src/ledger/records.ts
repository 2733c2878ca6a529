import type { Constitution, Descriptor, Entry } from '../api/index.ts'
import { codeTablesVersion, coreVersion, type DefaultPolicy, type Directive } from '../core/index.ts'
import type { Context, PlacementBooks } from './context.ts'
import { consentSetKey, documentKey } from './keys.ts'

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

export const isInForce = ({ directives, policyConsent }: ConsentSet, consent: string): boolean =>
  policyConsent === consent || directives.some((known) => known.consent === consent)

export async function readConsentSet(
  constitution: Constitution,
  { consent, secret }: PlacementBooks,
  patient: string,
): Promise<ConsentSet> {
  const stored = await consent.get<ConsentSet>(consentSetKey(secret, patient))
  return stored ?? { version: 0, directives: [], defaultPolicy: constitution.defaultPolicy }
}

export const readDescriptor = (
  { consent, secret }: PlacementBooks,
  document: string,
): Promise<Descriptor | undefined> => consent.get<Descriptor>(documentKey(secret, document))

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

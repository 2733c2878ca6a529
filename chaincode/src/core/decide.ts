import { conceivable } from './conceive.ts'
import type { Directive } from './directive.ts'
import type { Combining, Facts, RecordFacts } from './facts.ts'
import type { Obstacle } from './evaluate.ts'
import { hear, judge, type Hearing, type Judgement, type Outcome } from './judge.ts'
import { residualOf, type ResidualRule } from './residual.ts'
import { supersededIn, without } from './supersede.ts'

/** Version of what {@link decide} means; an entry names it, so that an old decision can be replayed by its own rules. */
export const coreVersion = 2

export interface Decision extends Judgement {
  /** How directives that differ are combined. */
  readonly rule: Combining
  /** Rules that depend on the record, in order: of those that match a record the last counts. */
  readonly residual: readonly ResidualRule[]
  /** What was decided on each record that was sent, in their order. */
  readonly records: readonly RecordDecision[]
  readonly trace: readonly Note[]
}

export interface RecordDecision extends Judgement {
  readonly id: string
}

/** One step of the reasoning: codes and ids only, which {@link explain} puts into words. */
export type Note =
  | {
      readonly note: 'does-not-apply'
      readonly consent: string
      readonly because: Obstacle | 'superseded'
      readonly purpose?: string
    }
  | { readonly note: 'applies'; readonly consent: string; readonly purpose: string }
  | { readonly note: 'not-understood'; readonly consent: string; readonly where: string }
  | { readonly note: 'emergency-declared' }
  | { readonly note: 'default-policy'; readonly policy: string; readonly purpose: string }
  | {
      readonly note: 'record'
      readonly record: string
      readonly outcome: Outcome
      readonly because: Judgement['basis']
      readonly basedOn: readonly string[]
    }

/**
 * Whether a patient's records may be shown, and why. Total and deterministic: it has no clock and reads nothing, and neither
 * the order of directives, records and codes nor the records sent change the outcome. Sources: HL7 FHIR Consent (R4 6.2,
 * R5), IHE PCF 1:53; the readings that they leave open are listed in the README.
 */
export function decide(facts: Facts): Decision {
  const superseded = supersededIn(facts)
  const heard = without(facts, superseded)
  const hearings = hear(heard)
  const overall = conceivable(heard, hearings)
  const records = facts.records.map((record) => decideRecord(heard, hearings, record, overall))
  return {
    ...overall,
    rule: facts.combining,
    residual: overall.outcome === 'permit' ? residualOf(heard, hearings) : [],
    records,
    trace: traceOf(facts, hearings, superseded, records),
  }
}

/** Where nothing can be permitted, no record is. */
function decideRecord(
  facts: Facts,
  hearings: readonly Hearing[],
  record: RecordFacts,
  overall: Judgement,
): RecordDecision {
  const { outcome, basis, basedOn } = judge(facts, hearings, record)
  const isExcluded = outcome === 'permit' && overall.outcome === 'deny'
  return isExcluded ? { id: record.id, ...overall } : { id: record.id, outcome, basis, basedOn }
}

function traceOf(
  facts: Facts,
  hearings: readonly Hearing[],
  superseded: readonly Directive[],
  records: readonly RecordDecision[],
): Note[] {
  const trace: Note[] = []
  if (facts.purposes.includes('BTG')) trace.push({ note: 'emergency-declared' })
  for (const { consent } of superseded) trace.push({ note: 'does-not-apply', consent, because: 'superseded' })
  for (const hearing of hearings) noteHearing(hearing, facts, trace)
  for (const { id, outcome, basis, basedOn } of records) {
    trace.push({ note: 'record', record: id, outcome, because: basis, basedOn })
  }
  return trace
}

function noteHearing({ purpose, rounds, silent }: Hearing, { defaultPolicy }: Facts, trace: Note[]): void {
  const before = trace.length
  for (const voices of rounds) {
    for (const { directive } of voices) {
      const { consent } = directive
      trace.push({ note: 'applies', consent, purpose })
      for (const where of directive.unclear ?? []) trace.push({ note: 'not-understood', consent, where })
    }
  }
  if (trace.length === before) trace.push({ note: 'default-policy', policy: defaultPolicy, purpose })
  for (const { directive, obstacle } of silent) {
    trace.push({ note: 'does-not-apply', consent: directive.consent, because: obstacle, purpose })
  }
}

import { notUnderstood, type Directive } from './directive.ts'
import {
  isDeny,
  isPermit,
  results,
  say,
  voiceOf,
  type Obstacle,
  type Result,
  type Voice,
} from './evaluate.ts'
import type { DefaultPolicy, Facts, RecordFacts } from './facts.ts'
import type { Facet } from './match.ts'
import { normal } from './tables/labels.ts'
import { coversPurpose, isPurpose } from './tables/purposes.ts'
import { yes } from './truth.ts'

export type Outcome = 'permit' | 'deny'

/** Why: a directive, the default policy; for the patient herself and a record's author, their own standing. */
export type Basis = 'consent' | 'default-policy' | 'self' | 'author'

export interface Judgement {
  readonly outcome: Outcome
  readonly basis: Basis
  /** Consents that decided, sorted. */
  readonly basedOn: readonly string[]
}

/** The directives that speak to a request for one purpose, and those that do not. */
export interface Hearing {
  readonly purpose: string
  /** In the order in which they are heard: with `newest-wins` the newest first, and one after the other. */
  readonly rounds: readonly (readonly Voice[])[]
  readonly silent: readonly { readonly directive: Directive; readonly obstacle: Obstacle }[]
}

/** Hears the directives once for each purpose; TREAT with BTG is one purpose, a declared emergency. */
export function hear(facts: Facts): Hearing[] {
  const { directives } = facts
  // Who says no purpose asks for one that nobody knows.
  const purposes = facts.purposes.length === 0 ? [notUnderstood] : facts.purposes
  const isEmergency = purposes.includes('BTG')
  return [...new Set(purposes)]
    .filter((purpose) => !(isEmergency && purpose === 'TREAT'))
    .map((purpose) => {
      const voices: Voice[] = []
      const silent: { directive: Directive; obstacle: Obstacle }[] = []
      for (const directive of directives) {
        const voice = voiceOf(directive, facts, purpose)
        if (typeof voice === 'string') silent.push({ directive, obstacle: voice })
        else voices.push(voice)
      }
      return { purpose, rounds: roundsOf(voices, facts), silent }
    })
}

function roundsOf(voices: readonly Voice[], { combining }: Facts): (readonly Voice[])[] {
  if (combining === 'deny-overrides' || voices.length === 0) return [voices]
  const byDate = new Map<number, Voice[]>()
  for (const voice of voices) {
    const given = voice.directive.given ?? Number.NEGATIVE_INFINITY
    byDate.set(given, [...(byDate.get(given) ?? []), voice])
  }
  return [...byDate].sort(([left], [right]) => right - left).map(([, sameDate]) => sameDate)
}

/** Judges a record: once for each of its sensitivities and each purpose, all of which must be permitted. */
export function judge(facts: Facts, hearings: readonly Hearing[], record: RecordFacts): Judgement {
  if (record.ours !== yes) return { outcome: 'deny', basis: 'default-policy', basedOn: [] }
  if (facts.self === true) return { outcome: 'permit', basis: 'self', basedOn: [] }
  const { sensitivities } = record
  if (hearings.length === 1 && sensitivities.length < 2) {
    const hearing = hearings[0] as Hearing
    return standing(judgeFacet(facts, hearing, { record, sensitivity: sensitivities[0] }), record)
  }
  const facets: (string | undefined)[] = sensitivities.length === 0 ? [undefined] : [...sensitivities]
  const judgements = hearings.flatMap((hearing) =>
    facets.map((sensitivity) => judgeFacet(facts, hearing, { record, sensitivity })),
  )
  return standing(all(judgements), record)
}

/** Permits if all do; what decided is what all that say so are based on. */
function all(judgements: readonly Judgement[]): Judgement {
  const denials = judgements.filter(({ outcome }) => outcome === 'deny')
  const deciding = denials.length > 0 ? denials : judgements
  const basedOn = [...new Set(deciding.flatMap((judgement) => judgement.basedOn))].sort()
  return {
    outcome: denials.length > 0 ? 'deny' : 'permit',
    basis: basedOn.length > 0 ? 'consent' : 'default-policy',
    basedOn,
  }
}

/** Where no directive speaks, an author among the custodian's staff may see what she wrote. */
const standing = (judgement: Judgement, { isOwn }: RecordFacts): Judgement =>
  isOwn === true && judgement.outcome === 'deny' && judgement.basis === 'default-policy'
    ? { outcome: 'permit', basis: 'author', basedOn: [] }
    : judgement

function judgeFacet(facts: Facts, { rounds, purpose }: Hearing, facet: Facet): Judgement {
  for (const voices of rounds) {
    const judgement = judgeRound(voices, facet)
    if (judgement !== undefined) return judgement
  }
  const outcome = permitsByDefault(facts.defaultPolicy, purpose, facet.record) ? 'permit' : 'deny'
  return { outcome, basis: 'default-policy', basedOn: [] }
}

/** Undefined when nothing is said about the record: no permit and no deny, and nobody who permits only what she names. */
export function judgeRound(voices: readonly Voice[], facet: Facet): Judgement | undefined {
  let best: Result = results.none
  let basedOn: string[] = []
  for (const voice of voices) {
    const result = say(voice, facet)
    if (result === results.none || result < best) continue
    if (result > best) basedOn = []
    best = result
    basedOn.push(voice.directive.consent)
  }
  if (isDeny(best) || isPermit(best)) {
    return { outcome: isDeny(best) ? 'deny' : 'permit', basis: 'consent', basedOn: sorted(basedOn) }
  }
  basedOn = voices.filter(({ isAllowList }) => isAllowList).map(({ directive }) => directive.consent)
  return basedOn.length === 0 ? undefined : { outcome: 'deny', basis: 'consent', basedOn: sorted(basedOn) }
}

/** By code point, each once. */
const sorted = (ids: readonly string[]): readonly string[] =>
  ids.length < 2 ? ids : ids.toSorted().filter((id, index, all) => id !== all[index - 1])

/** IHE PCF, 1:53.2.1: `basic-normal` is for treatment, `all-normal` for any use, both for what is not sensitive. */
export function permitsByDefault(
  policy: DefaultPolicy,
  purpose: string,
  record: Pick<RecordFacts, 'confidentiality'>,
): boolean {
  if (policy === 'deny') return false
  const isEmergency = purpose === 'BTG'
  if (policy === 'break-glass-only') return isEmergency
  if (record.confidentiality > normal) return false
  if (policy === 'basic-normal') return !isEmergency && coversPurpose('TREAT', purpose)
  return purpose.includes('|') || isPurpose(purpose)
}

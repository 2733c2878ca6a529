import { notUnderstood, type Rule } from './directive.ts'
import { isHeard, permitPaths, type Voice } from './evaluate.ts'
import type { Facts } from './facts.ts'
import { permitsByDefault, type Hearing, type Outcome } from './judge.ts'
import { matchesAction } from './match.ts'
import { normal } from './tables/labels.ts'
import { no } from './truth.ts'

/** A rule that depends on the record: `type` for what matches all its conditions; without conditions, for everything. */
export interface ResidualRule extends Pick<
  Rule,
  'classes' | 'documents' | 'codes' | 'data' | 'dated' | 'labels'
> {
  readonly type: Outcome
  /** The purpose that it is about, where there are several. */
  readonly purpose?: string
  readonly consent?: string
  /** What is permitted of a deny all the same, and what is not of that: of those that match the last counts. */
  readonly except?: readonly ResidualRule[]
}

/**
 * What remains to be decided for each record, in the order of IHE PCF's residual: what is not permitted is denied, then the
 * permits, then the denies, which override them. Of the rules that match a record the last counts; a permit matches where
 * that is certain, a deny unless it is not.
 */
export function residualOf(facts: Facts, hearings: readonly Hearing[]): ResidualRule[] {
  return hearings.flatMap((hearing) => {
    const rules = rulesOf(facts, hearing)
    return hearings.length === 1 ? rules : rules.map((rule) => ({ ...rule, purpose: hearing.purpose }))
  })
}

/** From the default policy on, and with `newest-wins` from the oldest directives to the newest. */
function rulesOf(facts: Facts, { rounds, purpose }: Hearing): ResidualRule[] {
  const rules = [denyAll, ...byDefault(facts, purpose), ...rounds.toReversed().flatMap(rulesOfRound)]
  // What is said of everything makes all that stands before it void.
  const last = rules.findLastIndex((rule) => !hasConditions(rule))
  return rules.slice(rules[last]?.type === 'permit' ? last + 1 : last)
}

const denyAll: ResidualRule = { type: 'deny' }
const permitAll: ResidualRule = { type: 'permit' }

function rulesOfRound(voices: readonly Voice[]): ResidualRule[] {
  const denies: ResidualRule[] = []
  const permits: ResidualRule[] = []
  let isAllowList = false
  for (const voice of voices) {
    const paths = permitPaths(voice)
    for (const [rule, ...excepted] of paths)
      if (rule !== undefined && excepted.length === 0) permits.push(conditionsOf(rule, voice))
    collectDenies(voice.directive.root, { voice, paths }, denies)
    isAllowList ||= voice.isAllowList
  }
  const isOpen = permits.some((rule) => !hasConditions(rule))
  return [...(isAllowList ? [denyAll] : []), ...(isOpen ? [permitAll] : permits.filter(canMatch)), ...denies]
}

const leastConfidential = { confidentiality: 0 } as const

/** What the default policy leaves to the record. */
function byDefault({ defaultPolicy }: Facts, purpose: string): ResidualRule[] {
  if (!permitsByDefault(defaultPolicy, purpose, leastConfidential)) return []
  return [
    defaultPolicy === 'break-glass-only'
      ? { type: 'permit' }
      : { type: 'permit', labels: { confidentiality: normal } },
  ]
}

interface Said {
  readonly voice: Voice
  /** Each rule that can permit something, with the denies that it is an exception of. */
  readonly paths: readonly (readonly Rule[])[]
}

/** Adds the denies, each with its exceptions; what is denied within an exception goes with it. */
function collectDenies(rule: Rule, said: Said, found: ResidualRule[]): void {
  const { voice } = said
  if (!isHeard(rule, voice)) return
  const { effect, rules = [] } = rule
  if (effect === 'deny' && matchesAction(rule.actions, voice.facts.action) !== no) {
    const except = exceptionsOf(rule, said)
    const conditions = conditionsOf(rule, voice)
    found.push(except.length > 0 ? { ...conditions, except } : conditions)
  }
  for (const child of rules)
    if (effect === 'permit' || child.effect === 'deny') collectDenies(child, said, found)
}

function exceptionsOf(deny: Rule, said: Said): ResidualRule[] {
  const found = said.paths.flatMap(([rule, excepted]) =>
    rule !== undefined && excepted === deny ? [conditionsOf(rule, said.voice)].filter(canMatch) : [],
  )
  if (found.length === 0) return found
  for (const child of deny.rules ?? []) if (child.effect === 'permit') collectDenies(child, said, found)
  return found
}

function conditionsOf(
  { effect, classes, documents, codes, data, dated, labels }: Rule,
  { directive }: Voice,
): ResidualRule {
  return {
    type: effect,
    consent: directive.consent,
    ...(classes && { classes }),
    ...(documents && { documents }),
    ...(codes && { codes }),
    ...(data && { data }),
    ...(dated && { dated }),
    ...(labels && { labels }),
  }
}

const hasConditions = ({ classes, documents, codes, data, dated, labels, except }: ResidualRule): boolean =>
  (classes ?? documents ?? codes ?? data ?? dated ?? labels ?? except) !== undefined

/** Whether a permit has something that was understood in each of its conditions. */
const canMatch = ({ classes, documents, codes, data, labels }: ResidualRule): boolean =>
  [classes, documents, codes].every((values) => values?.every((value) => value === notUnderstood) !== true) &&
  data?.every(({ meaning }) => meaning === notUnderstood) !== true &&
  (labels === undefined ||
    labels.confidentiality !== undefined ||
    labels.sensitivities?.some((label) => label !== notUnderstood) === true)

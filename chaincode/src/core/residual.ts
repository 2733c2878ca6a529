import type { Rule } from './directive.ts'
import { isHeard, type Voice } from './evaluate.ts'
import type { Facts } from './facts.ts'
import { matchesAction } from './match.ts'
import type { Hearing, Outcome } from './judge.ts'
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
  /** What is permitted of a deny all the same. */
  readonly except?: readonly ResidualRule[]
}

/**
 * What remains to be decided for each record, in the order of IHE PCF's residual: what is not permitted is denied, then the
 * permits, then the denies, which override them.
 */
export function residualOf(facts: Facts, hearings: readonly Hearing[]): ResidualRule[] {
  return hearings.flatMap((hearing) => {
    const rules = rulesOf(facts, hearing)
    return hearings.length === 1 ? rules : rules.map((rule) => ({ ...rule, purpose: hearing.purpose }))
  })
}

function rulesOf(facts: Facts, { rounds, purpose }: Hearing): ResidualRule[] {
  const denies: ResidualRule[] = []
  let permits: ResidualRule[] | undefined
  for (const voice of rounds.flat()) {
    collect(voice.directive.root, 'deny', voice, denies)
    if (voice.isAllowList) permits ??= []
  }
  if (permits === undefined) permits = byDefault(facts, purpose)
  else for (const voice of rounds.flat()) collect(voice.directive.root, 'permit', voice, permits)
  const isOpen = permits.some((rule) => !hasConditions(rule))
  return [...(isOpen ? [] : [{ type: 'deny' } as const, ...permits]), ...denies]
}

/** What the default policy leaves to the record. */
function byDefault({ defaultPolicy }: Facts, purpose: string): ResidualRule[] {
  if (defaultPolicy === 'deny') return []
  if (defaultPolicy === 'break-glass-only') return purpose === 'BTG' ? [{ type: 'permit' }] : []
  return [{ type: 'permit', labels: { confidentiality: normal } }]
}

/** Adds the rules of one effect that are not exceptions of the other. `inherited` is the action of a permit above. */
function collect(
  rule: Rule,
  effect: Outcome,
  voice: Voice,
  found: ResidualRule[],
  inherited?: readonly string[],
): void {
  if (!isHeard(rule, voice)) return
  const isOwn = rule.effect === effect
  // A permit within a deny is its exception.
  if (!isOwn && effect === 'permit') return
  const actions = isOwn ? (rule.actions ?? inherited) : undefined
  if (isOwn && matchesAction(actions, voice.facts.action) !== no) found.push(toResidual(rule, voice))
  collectBelow(rule, effect, voice, found, effect === 'permit' ? actions : undefined)
}

/** What is of the other effect below a rule of this one is its exception, or has been said. */
function collectBelow(
  { effect: above, rules = [] }: Rule,
  effect: Outcome,
  voice: Voice,
  found: ResidualRule[],
  inherited?: readonly string[],
): void {
  for (const child of rules)
    if (above !== effect || child.effect === effect) collect(child, effect, voice, found, inherited)
}

/** A deny keeps its exceptions with it. */
function toResidual(rule: Rule, voice: Voice): ResidualRule {
  const conditions = conditionsOf(rule, voice)
  const except: ResidualRule[] = []
  if (rule.effect === 'deny') for (const child of rule.rules ?? []) collect(child, 'permit', voice, except)
  return except.length > 0 ? { ...conditions, except } : conditions
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

const hasConditions = ({ classes, documents, codes, data, dated, labels }: ResidualRule): boolean =>
  (classes ?? documents ?? codes ?? data ?? dated ?? labels) !== undefined

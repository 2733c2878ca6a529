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
  const voices = rounds.flat()
  const denies = voices.flatMap((voice) => collect(voice.directive.root, 'deny', voice))
  const permits = voices.some(({ isAllowList }) => isAllowList)
    ? voices.flatMap((voice) => collect(voice.directive.root, 'permit', voice))
    : byDefault(facts, purpose)
  const isOpen = permits.some((rule) => !hasConditions(rule))
  return [...(isOpen ? [] : [{ type: 'deny' } as const, ...permits]), ...denies]
}

/** What the default policy leaves to the record. */
function byDefault({ defaultPolicy }: Facts, purpose: string): ResidualRule[] {
  if (defaultPolicy === 'deny') return []
  if (defaultPolicy === 'break-glass-only') return purpose === 'BTG' ? [{ type: 'permit' }] : []
  return [{ type: 'permit', labels: { confidentiality: normal } }]
}

/** The rules of one effect that are not exceptions of the other. `inherited` is the action of a permit above. */
function collect(rule: Rule, effect: Outcome, voice: Voice, inherited?: readonly string[]): ResidualRule[] {
  if (!isHeard(rule, voice)) return []
  const below = rule.rules ?? []
  if (rule.effect !== effect) {
    return effect === 'permit' ? [] : below.flatMap((child) => collect(child, effect, voice))
  }
  const actions = effect === 'permit' ? (rule.actions ?? inherited) : rule.actions
  const same = below
    .filter((child) => child.effect === effect)
    .flatMap((child) => collect(child, effect, voice, effect === 'permit' ? actions : undefined))
  if (matchesAction(actions, voice.facts.action) === no) return same
  const except = effect === 'deny' ? exceptionsOf(below, voice) : []
  return [{ ...conditionsOf(rule, voice), ...(except.length > 0 && { except }) }, ...same]
}

const exceptionsOf = (below: readonly Rule[], voice: Voice): ResidualRule[] =>
  below.filter(({ effect }) => effect === 'permit').flatMap((child) => collect(child, 'permit', voice))

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
  [classes, documents, codes, data, dated, labels].some((part) => part !== undefined)

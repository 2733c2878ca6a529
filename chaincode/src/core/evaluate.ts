import { notUnderstood, type Directive, type Rule } from './directive.ts'
import type { Facts } from './facts.ts'
import {
  matchesAction,
  matchesAsker,
  matchesData,
  matchesDocument,
  matchesPurpose,
  type Facet,
} from './match.ts'
import { coversPurpose } from './tables/purposes.ts'
import { no, yes } from './truth.ts'

/**
 * What a directive says of a record, by strength: of several, the greatest counts. "By treatment" is what speaks of a
 * declared emergency (BTG) only because it speaks of treatment; BTG by name prevails over that, and nothing else over a deny.
 */
export const results = {
  none: 0,
  permitByTreatment: 1,
  denyByTreatment: 2,
  permit: 3,
  deny: 4,
} as const
export type Result = (typeof results)[keyof typeof results]

export const isDeny = (result: Result): boolean =>
  result === results.deny || result === results.denyByTreatment
export const isPermit = (result: Result): boolean =>
  result === results.permit || result === results.permitByTreatment

/** A directive that applies to a request for one purpose. */
export interface Voice {
  readonly directive: Directive
  readonly facts: Facts
  readonly purpose: string
  /** BTG is declared and this directive permits the asker to declare it: its treatment permits count as well. */
  readonly isEntitling: boolean
  /** It permits this asker something for this purpose: what it does not name is denied, not left to the default policy. */
  readonly isAllowList: boolean
}

/**
 * How a rule's purposes, or those of the nearest rule above that names some, speak of the purpose asked for; `doubtful` of an
 * emergency: by treatment for certain, and perhaps by name, since one of them is not understood.
 */
const kinds = { closed: 0, absent: 1, named: 2, treatment: 3, unclear: 4, doubtful: 5 } as const
type Kind = (typeof kinds)[keyof typeof kinds]

const breakTheGlass = 'BTG'

/** Why a directive does not apply to a request. */
export type Obstacle = 'not-yet-valid' | 'no-longer-valid' | 'for-somebody-else' | 'for-another-purpose'

/** What a directive has to say to a request for one purpose, or why it has nothing to say: its root rule decides. */
export function voiceOf(directive: Directive, facts: Facts, purpose: string): Voice | Obstacle {
  const { root } = directive
  const obstacle = obstacleOf(root, facts)
  if (obstacle !== undefined) return obstacle
  const kind = root.purposes === undefined ? kinds.absent : kindOf(root.purposes, purpose)
  if (kind === kinds.closed) return 'for-another-purpose'
  const isEmergency = purpose === breakTheGlass
  const isEntitling = isEmergency && entitles(root, facts, kinds.absent)
  const isRootPermit = root.effect === 'permit'
  const isAllowList = isEmergency
    ? (isRootPermit && isEntitling) || namesEmergency(root, facts, kinds.absent)
    : isRootPermit
  return { directive, facts, purpose, isEntitling, isAllowList }
}

/** Whether a permit, not as an exception from a deny, speaks to this asker of a declared emergency. */
function namesEmergency(rule: Rule, facts: Facts, above: Kind): boolean {
  if (rule.effect !== 'permit' || matchesAsker(rule, facts) === no) return false
  const kind = rule.purposes === undefined ? above : kindOf(rule.purposes, breakTheGlass)
  if (kind === kinds.named || kind === kinds.unclear || kind === kinds.doubtful) return true
  return kind !== kinds.closed && rule.rules?.some((below) => namesEmergency(below, facts, kind)) === true
}

function obstacleOf(root: Rule, facts: Facts): Obstacle | undefined {
  if (root.start !== undefined && facts.at < root.start) return 'not-yet-valid'
  if (root.end !== undefined && facts.at > root.end) return 'no-longer-valid'
  return matchesAsker(root, facts) === no ? 'for-somebody-else' : undefined
}

export const say = (voice: Voice, facet: Facet): Result => evaluate(voice.directive.root, voice, facet, start)

/** Whether a rule is for the asker, time and purpose. */
export const isHeard = (rule: Rule, { facts, purpose }: Voice): boolean =>
  matchesAsker(rule, facts) !== no &&
  (rule.purposes === undefined || kindOf(rule.purposes, purpose) !== kinds.closed)

/** What the rules above leave to a rule. */
interface Path {
  /** All of them match for certain: only then may a permit permit. */
  readonly isClear: boolean
  readonly kind: Kind
  /** The actions of a permit directly above. */
  readonly actions: readonly string[] | undefined
  /**
   * For a part of a document: the denies above are about the document as well, so that what excepts the document from
   * them excepts its parts.
   */
  readonly isOfDocument: boolean
}

const start: Path = { isClear: true, kind: kinds.absent, actions: undefined, isOfDocument: true }

function evaluate(rule: Rule, voice: Voice, facet: Facet, above: Path): Result {
  const path = descend(rule, voice, above)
  if (path === undefined) return results.none
  return rule.effect === 'deny' ? denies(rule, voice, facet, path) : permits(rule, voice, facet, path)
}

/** Undefined for a rule that is not for this asker, time or purpose; nor is then what is below it. */
function descend(rule: Rule, voice: Voice, above: Path): Path | undefined {
  const asker = matchesAsker(rule, voice.facts)
  const kind = rule.purposes === undefined ? above.kind : kindOf(rule.purposes, voice.purpose)
  if (asker === no || kind === kinds.closed) return undefined
  const isClear = above.isClear && asker === yes && kind !== kinds.unclear && rule.unclear === undefined
  const actions = rule.effect === 'permit' ? (rule.actions ?? above.actions) : undefined
  return { isClear, kind, actions, isOfDocument: above.isOfDocument }
}

/**
 * Each rule that can permit a voice's asker something, with the denies that it is an exception of: a record must match them
 * all for it to count. A deny that a record does not match leaves those within it to count by themselves.
 */
export const permitPaths = (voice: Voice): (readonly Rule[])[] =>
  pathsBelow(voice.directive.root, voice, start, [[]])

/** `excepted`: the denies above, all together and without those from the outside that a record need not match. */
function pathsBelow(
  rule: Rule,
  voice: Voice,
  above: Path,
  excepted: readonly (readonly Rule[])[],
): (readonly Rule[])[] {
  const path = descend(rule, voice, above)
  if (path?.isClear !== true) return []
  const { action } = voice.facts
  const { rules = [] } = rule
  const extended = excepted.map((denies) => [rule, ...denies])
  if (rule.effect === 'permit') {
    const permits = matchesAction(path.actions, action) === yes && permitOf(voice, path) !== results.none
    return [
      ...(permits ? extended : []),
      ...rules.flatMap((child) => pathsBelow(child, voice, path, excepted)),
    ]
  }
  const matched = matchesAction(rule.actions, action) === yes ? extended : []
  return rules.flatMap((child) =>
    pathsBelow(child, voice, path, child.effect === 'deny' ? [...matched, []] : matched),
  )
}

/**
 * The rules that keep a record denied, whatever else is permitted, until an exception within each of them applies as well: of a
 * declared emergency not those by treatment, over which a permit by name prevails.
 */
export const prevailingDenies = (voice: Voice, facet: Facet): readonly Rule[] =>
  deniesBelow(voice.directive.root, voice, facet, start)

function deniesBelow(rule: Rule, voice: Voice, facet: Facet, above: Path): readonly Rule[] {
  const path = descend(rule, voice, above)
  if (path === undefined) return []
  const below = (within: Path, only?: Rule['effect']): readonly Rule[] =>
    (rule.rules ?? [])
      .filter(({ effect }) => only === undefined || effect === only)
      .flatMap((child) => deniesBelow(child, voice, facet, within))
  if (rule.effect === 'permit') return below(path)
  if (denies(rule, voice, facet, path) !== results.deny) return []
  const match = matchesData(rule, voice.facts, facet)
  if (match === no) return below(path, 'deny')
  const prevails = path.kind !== kinds.treatment
  return [...(prevails ? [rule] : []), ...below({ ...path, isClear: path.isClear && match === yes })]
}

/** A deny with what is below it: permits are exceptions, and lie within what it denies. */
function denies(rule: Rule, voice: Voice, facet: Facet, path: Path): Result {
  const match = matchesData(rule, voice.facts, facet)
  if (match === no) return strongestDeny(rule.rules ?? [], voice, facet, path)
  const whole = facet.document === undefined ? no : matchesDocument(rule, voice.facts, facet)
  const isCertain = match === yes || whole === yes
  const within = { ...path, isClear: path.isClear && isCertain, isOfDocument: whole !== no }
  const below = strongest(rule.rules, voice, facet, within)
  if (isPermit(below)) return below
  const own = path.kind === kinds.treatment ? results.denyByTreatment : results.deny
  return below > own ? below : own
}

/** A permit with what is below it: what is permitted there comes on top, what is denied there is denied. */
function permits(rule: Rule, voice: Voice, facet: Facet, path: Path): Result {
  const below = strongest(rule.rules, voice, facet, path)
  const own = permitOf(voice, path)
  return below < own && isPermitted(rule, voice, facet, path) ? own : below
}

function isPermitted(rule: Rule, { facts }: Voice, facet: Facet, { actions, isOfDocument }: Path): boolean {
  if (matchesData(rule, facts, facet, actions) === yes) return true
  return isOfDocument && facet.document !== undefined && matchesDocument(rule, facts, facet, actions) === yes
}

function permitOf({ purpose, isEntitling }: Voice, { isClear, kind }: Path): Result {
  if (!isClear) return results.none
  if (purpose !== breakTheGlass || kind === kinds.named) return results.permit
  return isEntitling ? results.permitByTreatment : results.none
}

function strongest(rules: readonly Rule[] | undefined, voice: Voice, facet: Facet, path: Path): Result {
  let best: Result = results.none
  if (rules === undefined) return best
  for (const rule of rules) {
    const result = evaluate(rule, voice, facet, path)
    if (result > best) best = result
  }
  return best
}

/** Within a deny that a record does not match: what one of the denies there leaves permitted says nothing of the others. */
function strongestDeny(rules: readonly Rule[], voice: Voice, facet: Facet, path: Path): Result {
  let best: Result = results.none
  for (const rule of rules) {
    if (rule.effect !== 'deny') continue
    const result = evaluate(rule, voice, facet, path)
    if (isDeny(result) && result > best) best = result
  }
  return best
}

function kindOf(purposes: readonly string[], asked: string): Kind {
  if (asked !== breakTheGlass) {
    const match = matchesPurpose(purposes, asked)
    if (match === no) return kinds.closed
    return match === yes ? kinds.named : kinds.unclear
  }
  if (purposes.includes(breakTheGlass)) return kinds.named
  const isUnclear = purposes.includes(notUnderstood)
  if (purposes.some((purpose) => coversPurpose(purpose, 'TREAT'))) {
    return isUnclear ? kinds.doubtful : kinds.treatment
  }
  return isUnclear ? kinds.unclear : kinds.closed
}

/** Whether a rule permits the asker to declare BTG, whatever the record. */
function entitles(rule: Rule, facts: Facts, above: Kind, inherited?: readonly string[]): boolean {
  if (rule.unclear !== undefined || matchesAsker(rule, facts) !== yes) return false
  const kind = rule.purposes === undefined ? above : kindOf(rule.purposes, breakTheGlass)
  if (kind === kinds.closed || kind === kinds.unclear) return false
  const actions = rule.effect === 'permit' ? (rule.actions ?? inherited) : undefined
  return permitsToDeclare(rule, kind, actions, facts) || entitlesBelow(rule, facts, kind, actions)
}

const permitsToDeclare = (
  { effect }: Rule,
  kind: Kind,
  actions: readonly string[] | undefined,
  { action }: Facts,
): boolean => effect === 'permit' && kind === kinds.named && matchesAction(actions, action) === yes

const entitlesBelow = (
  { rules = [] }: Rule,
  facts: Facts,
  kind: Kind,
  actions: readonly string[] | undefined,
): boolean => rules.some((below) => entitles(below, facts, kind, actions))

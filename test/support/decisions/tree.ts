import { type Answer, allOf } from './answer.ts'
import type { Coding, Concept, DecisionCase, Resource } from './case.ts'
import { actReason, covers } from './codes.ts'
import { actionsAnswer, actorsAnswer, periodAnswer, purposesAnswer, recordAnswer } from './conditions.ts'
import type { Directive, Rule } from './directive.ts'
import type { Facet } from './labels.ts'

/**
 * What a directive says of a record, from the weakest to the strongest. Only in an emergency is there more to it than that a
 * deny trumps a permit.
 */
export const verdicts = [
  'none',
  'permit by treatment',
  'deny by treatment',
  'permit by name',
  'deny',
] as const
export type Verdict = (typeof verdicts)[number]

export const strongest = (all: readonly Verdict[]): Verdict =>
  verdicts.findLast((verdict) => all.includes(verdict)) ?? 'none'

export const permits = (verdict: Verdict): boolean => verdict.startsWith('permit')
export const denies = (verdict: Verdict): boolean => verdict.startsWith('deny')

export interface Question {
  readonly input: DecisionCase
  readonly purpose: Coding
}

export interface Subject {
  readonly record: Resource
  readonly facet: Facet
}

/** What the rules above a rule hand down to it. */
interface Above {
  /** Whether the conditions on the request hold so far. */
  readonly gate: Answer
  readonly purposes: readonly Coding[] | undefined
  /** The actions of a permit right above. */
  readonly action: readonly Concept[] | undefined
  /** Whether a deny stands above: a permit is then an exception to it. */
  readonly inDeny: boolean
}

export const isEmergency = ({ system, code }: Coding): boolean =>
  (system ?? actReason) === actReason && code === 'BTG'

const treatment: Coding = { system: actReason, code: 'TREAT' }

/** Whether a rule speaks of a purpose at all: of an emergency when it names it or speaks of treatment. */
function speaksOf(purposes: readonly Coding[] | undefined, asked: Coding): Answer {
  if (!isEmergency(asked)) return purposesAnswer(purposes, asked)
  return purposes?.some(isEmergency) === true ? 'yes' : purposesAnswer(purposes, treatment)
}

function gateOf({ attributes, unsure }: Rule, { input, purpose }: Question): Answer {
  return allOf([
    unsure ? 'unknown' : 'yes',
    actorsAnswer(attributes, input),
    periodAnswer(attributes, input),
    speaksOf(attributes.purpose, purpose),
  ])
}

function handDown(rule: Rule, above: Above, question: Question): Above {
  const isPermit = rule.effect === 'permit'
  return {
    gate: allOf([above.gate, gateOf(rule, question)]),
    purposes: rule.attributes.purpose ?? above.purposes,
    action: rule.attributes.action ?? (isPermit ? above.action : undefined),
    inDeny: above.inDeny || !isPermit,
  }
}

const top = ({ applies }: Directive): Above => ({
  gate: applies,
  purposes: undefined,
  action: undefined,
  inDeny: false,
})

/** What is handed on below a rule: a deny hands no action down. */
const below = (rule: Rule, here: Above): Above =>
  rule.effect === 'permit' ? here : { ...here, action: undefined }

/** Whether a directive permits an emergency by name to who asks; its permits of treatment then apply too. */
function isEntitling(directive: Directive, question: Question): boolean {
  const look = (rule: Rule, above: Above): boolean => {
    const here = handDown(rule, above, question)
    if (here.gate !== 'yes') return false
    const names = rule.effect === 'permit' && here.purposes?.some(isEmergency) === true
    if (names && actionsAnswer(here.action, question.input) === 'yes') return true
    return rule.within.some((inner) => look(inner, below(rule, here)))
  }
  return look(directive.root, top(directive))
}

/** Whether a list of purposes names one that nobody understands, which may be any. */
const mayNameAny = (purposes: readonly Coding[] | undefined): boolean =>
  purposes?.some((named) => covers(named, treatment) === 'unknown') === true

/** How a permit permits, when it does. */
function kindOfPermit(here: Above, { purpose }: Question, entitled: boolean): Verdict {
  if (!isEmergency(purpose) || here.purposes?.some(isEmergency) === true) return 'permit by name'
  return entitled ? 'permit by treatment' : 'none'
}

/** A deny is one by treatment only when it is known to speak of treatment and not of the emergency. */
function kindOfDeny({ purposes }: Above, { purpose }: Question): Verdict {
  if (!isEmergency(purpose) || purposes === undefined || purposes.some(isEmergency)) return 'deny'
  return mayNameAny(purposes) ? 'deny' : 'deny by treatment'
}

/** A rule with everything settled that does not depend on a record. */
export interface Heard {
  readonly rule: Rule
  /** What it says of a record that it matches. */
  readonly kind: Verdict
  /** Whether it matches as far as the request goes; a permit only when all above it does. */
  readonly matches: Answer
  /** A permit that is no exception to a deny: what it does not permit is denied. */
  readonly isAllowList: boolean
  readonly within: readonly Heard[]
}

/** What of a directive speaks to a question; a rule whose conditions on the request do not hold does not, nor what is in it. */
export function hear(directive: Directive, question: Question): Heard | undefined {
  const entitled = isEntitling(directive, question)
  const listen = (rule: Rule, above: Above): Heard | undefined => {
    if (gateOf(rule, question) === 'no') return undefined
    const here = handDown(rule, above, question)
    const action = actionsAnswer(here.action, question.input)
    const isPermit = rule.effect === 'permit'
    const kind = isPermit ? kindOfPermit(here, question, entitled) : kindOfDeny(here, question)
    return {
      rule,
      kind,
      matches: isPermit ? allOf([action, here.gate]) : action,
      isAllowList: isPermit && !here.inDeny && (kind !== 'none' || mayNameAny(here.purposes)),
      within: rule.within.flatMap((inner) => listen(inner, below(rule, here)) ?? []),
    }
  }
  return listen(directive.root, top(directive))
}

/** A permit adds what it matches to what the rules within it say. */
function ofPermit(inner: readonly Verdict[], matches: Answer, kind: Verdict): Verdict {
  return strongest(matches === 'yes' ? [...inner, kind] : inner)
}

/** A deny excepts what a rule within it permits, where it is sure to match; where it does not match it has no exceptions. */
function ofDeny(
  inner: readonly { readonly by: Rule; readonly verdict: Verdict }[],
  matches: Answer,
  kind: Verdict,
): Verdict {
  const all = inner.map(({ verdict }) => verdict)
  if (matches === 'no') {
    const byDenies = inner.filter(({ by }) => by.effect === 'deny')
    return strongest(byDenies.map(({ verdict }) => verdict).filter(denies))
  }
  const found = strongest(all)
  return matches === 'yes' && permits(found) ? found : strongest([...all.filter(denies), kind])
}

/** What a rule says of a record for one of its sensitivities. */
export function verdictOf(
  { rule, kind, matches, within }: Heard,
  subject: Subject,
  input: DecisionCase,
): Verdict {
  const inner = within.map((each) => ({ by: each.rule, verdict: verdictOf(each, subject, input) }))
  const whole =
    matches === 'no' ? 'no' : allOf([matches, recordAnswer(rule.attributes, rule.effect, subject, input)])
  if (rule.effect === 'deny') return ofDeny(inner, whole, kind)
  return ofPermit(
    inner.map(({ verdict }) => verdict),
    whole,
    kind,
  )
}

/** Whether a rule or one within it speaks of permitting who asks: what is not permitted is then denied. */
export const isAllowList = (heard: Heard): boolean => heard.isAllowList || heard.within.some(isAllowList)

/** The rules whose conditions on records can make a difference. */
export function rulesOnRecords(heard: Heard): Rule[] {
  const counts = heard.rule.effect === 'deny' ? heard.matches !== 'no' : heard.matches === 'yes'
  const own = counts && heard.kind !== 'none' ? [heard.rule] : []
  return [...own, ...heard.within.flatMap(rulesOnRecords)]
}

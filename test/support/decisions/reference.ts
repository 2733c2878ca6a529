import type { CaseDecision, Consent, DecisionCase, Ground, Provision, Resource } from './case.ts'
import { candidatesOf, countOfCandidates } from './candidates.ts'
import {
  groundOf,
  isPermitted,
  type Judgement,
  judgementsOf,
  outcomeOf,
  prepare,
  type Prepared,
  relevantRules,
} from './judge.ts'

/** Whether few enough records are conceivable for a case to try them all. */
export function isSmall(input: DecisionCase): boolean {
  const prepared = prepare(input)
  return countOfCandidates(prepared.input, relevantRules(prepared)) <= 2000
}

/** A case in which somebody is known who is nobody that its rules name, but has an identifier of each of their systems. */
function withStranger(input: DecisionCase): DecisionCase {
  const systems = input.consents
    .flatMap(provisionsIn)
    .flatMap(({ data = [] }) => data.flatMap(({ reference }) => reference?.identifier?.system ?? []))
  const identifier = [...new Set(systems)].map((system) => ({ system, value: 'fresh' }))
  const stranger: Resource = { resourceType: 'Practitioner', id: 'fresh', identifier }
  return { ...input, directory: [...(input.directory ?? []), stranger] }
}

const provisionsIn = ({ provision = [] }: Pick<Provision, 'provision'> | Consent): Provision[] =>
  [provision].flat(2).flatMap((each: Provision) => [each, ...provisionsIn(each)])

/** How every conceivable record is judged, one after the other. */
function* judgedCandidates({ input }: Prepared): Generator<Judgement[]> {
  const prepared = prepare(withStranger(input))
  for (const record of candidatesOf(prepared.input, relevantRules(prepared))) {
    yield judgementsOf(prepared, record)
  }
}

/** On what the conceivable records that are permitted rest, one after the other. */
export function* permittedGrounds(input: DecisionCase): Generator<Ground> {
  for (const judgements of judgedCandidates(prepare(input))) {
    if (isPermitted(judgements)) yield groundOf(judgements)
  }
}

/**
 * On what the denials of the conceivable records rest, one after the other: on what weighs most, or on all that denies for one
 * purpose or another.
 */
export function* deniedGrounds(input: DecisionCase): Generator<Ground> {
  for (const judgements of judgedCandidates(prepare(input))) {
    if (isPermitted(judgements)) continue
    yield groundOfDeny(judgements)
    yield groundOf(judgements.filter(({ outcome }) => outcome === 'deny'))
  }
}

/** What a deny of everything rests on: the directives that deny, else those that permit other things, else the default policy. */
function groundOfDeny(all: readonly Judgement[]): Ground {
  const denied = all.filter(({ outcome }) => outcome === 'deny')
  const by = (['directive', 'allow-list', 'default'] as const).find((by) =>
    denied.some((judgement) => judgement.by === by),
  )
  return groundOf(denied.filter((judgement) => judgement.by === by))
}

/** The one of several grounds whose consents come first, so that it does not matter in which order they are found. */
const firstOf = (grounds: readonly Ground[]): Ground | undefined =>
  grounds.toSorted((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1))[0]

/** Whether some conceivable record would be permitted, found out by trying them all. */
function wholeOf(prepared: Prepared): Omit<CaseDecision, 'records'> {
  const all = [...judgedCandidates(prepared)]
  const permitted = firstOf(all.filter(isPermitted).map(groundOf))
  return permitted === undefined
    ? { outcome: 'deny', ...groundOfDeny(all.flat()) }
    : { outcome: 'permit', ...permitted }
}

/** Decides a case by the text of the rules, with no thought of speed: the tests compare the product with it. */
export function referenceDecide(input: DecisionCase): CaseDecision {
  const prepared = prepare(input)
  const whole = wholeOf(prepared)
  return {
    ...whole,
    records: input.records.map((record) => ({
      id: `${record.resourceType}/${record.id}`,
      outcome: whole.outcome === 'deny' ? 'deny' : outcomeOf(prepared, record),
    })),
  }
}

import { notUnderstood, type Code, type Rule } from './directive.ts'
import { results, say } from './evaluate.ts'
import type { Facts, RecordFacts } from './facts.ts'
import { judge, type Hearing, type Judgement } from './judge.ts'
import { coversSensitivity } from './tables/labels.ts'
import { isResourceType } from './tables/resource-types.ts'
import { yes } from './truth.ts'

/** More records than this are not imagined; then it is taken that one could be permitted, and each is judged by itself. */
const maximumTries = 1000

/**
 * Whether some conceivable record would be permitted, and why. Records are imagined from what the rules name, the plainest
 * first; those that are sent are not looked at.
 */
export function conceivable(facts: Facts, hearings: readonly Hearing[]): Judgement {
  const plain = recordOf({}, facts)
  const first = judge(facts, hearings, plain)
  if (first.outcome === 'permit') return first
  const denial = isHopeless(hearings, plain) ? first : search(facts, hearings, first)
  if (denial.outcome === 'permit' || facts.isStaff !== true) return denial
  const own = judge(facts, hearings, { ...plain, isOwn: true })
  return own.outcome === 'permit' ? own : denial
}

/** A deny without conditions and exceptions. */
const isHopeless = (hearings: readonly Hearing[], record: RecordFacts): boolean =>
  hearings.some(({ rounds: [voices = []] }) =>
    voices.some(
      (voice) =>
        isUnconditional(voice.directive.root) &&
        say(voice, { record, sensitivity: undefined }) === results.deny,
    ),
  )

const isUnconditional = ({ rules, actions, classes, documents, codes, data, dated, labels }: Rule): boolean =>
  [rules, actions, classes, documents, codes, data, dated, labels].every((part) => part === undefined)

function search(facts: Facts, hearings: readonly Hearing[], first: Judgement): Judgement {
  const roots = hearings.flatMap(({ rounds }) => rounds.flat().map(({ directive }) => directive.root))
  const paths = [...new Set(roots)].flatMap((root) => [...permitPaths(root, [])])
  const instants = boundariesOf(roots)
  let denial = first
  let tries = 0
  for (const sketch of sketches(paths)) {
    for (const record of dated(sketch, instants, facts)) {
      const judgement = judge(facts, hearings, record)
      if (judgement.outcome === 'permit') return judgement
      if (judgement.basis === 'consent') denial = judgement
      if (++tries === maximumTries) return { ...denial, outcome: 'permit' }
    }
  }
  return denial
}

/** What is settled of a record that is being imagined. */
interface Sketch {
  readonly type?: string
  readonly id?: string
  readonly classes?: readonly string[]
  readonly codes?: readonly string[]
  readonly references?: readonly string[]
  readonly authors?: readonly string[]
  readonly confidentiality?: number
  readonly sensitivity?: string
  readonly start?: number
  readonly end?: number
}

/** Each permit, with the denies that it is an exception of: a record must match them all for it to count. */
function* permitPaths(rule: Rule, denies: readonly Rule[]): Generator<readonly Rule[]> {
  if (rule.effect === 'permit') yield [rule, ...denies]
  const above = rule.effect === 'deny' ? [rule, ...denies] : denies
  for (const below of rule.rules ?? []) yield* permitPaths(below, above)
}

/** Records that match several of the paths at once, few of them first. */
function* sketches(paths: readonly (readonly Rule[])[]): Generator<Sketch> {
  for (let size = 0; size <= paths.length; size++) yield* matching(paths, size, {})
}

function* matching(paths: readonly (readonly Rule[])[], size: number, sketch: Sketch): Generator<Sketch> {
  if (size === 0) {
    yield sketch
    return
  }
  for (const [index, path] of paths.entries()) {
    for (const extended of along(path, sketch)) yield* matching(paths.slice(index + 1), size - 1, extended)
  }
}

function* along([rule, ...rest]: readonly Rule[], sketch: Sketch): Generator<Sketch> {
  if (rule === undefined) {
    yield sketch
    return
  }
  for (const extended of within(alternativesOf(rule), sketch)) yield* along(rest, extended)
}

function* within([parts, ...rest]: readonly (readonly Sketch[])[], sketch: Sketch): Generator<Sketch> {
  if (parts === undefined) {
    yield sketch
    return
  }
  for (const part of parts) {
    const merged = merge(sketch, part)
    if (merged !== undefined) yield* within(rest, merged)
  }
}

/** For each attribute of a rule, the ways in which a record can match it. */
function alternativesOf({ classes, documents, codes, data, dated, labels, effect }: Rule): Sketch[][] {
  const alternatives: Sketch[][] = []
  if (classes) alternatives.push(classes.filter(isUnderstood).map(ofClass))
  if (documents) alternatives.push(documents.filter(isUnderstood).map(ofClass))
  if (codes) alternatives.push(codes.filter(isUnderstood).map((code) => ({ codes: [keyOf(code)] })))
  if (data) {
    alternatives.push(
      data.flatMap(({ meaning, reference }): Sketch[] => {
        if (meaning === notUnderstood) return []
        if (meaning === 'authoredby') return [{ authors: [reference] }]
        return meaning === 'instance'
          ? [ofInstance(reference)]
          : [{ references: [reference] }, ofInstance(reference)]
      }),
    )
  }
  if (dated) alternatives.push([dated])
  if (labels) {
    const { confidentiality, sensitivities = [] } = labels
    const byLevel = confidentiality === undefined ? [] : [effect === 'permit' ? {} : { confidentiality }]
    const byName = sensitivities.filter((label) => label !== notUnderstood)
    alternatives.push([...byLevel, ...byName.map((sensitivity) => ({ sensitivity }))])
  }
  return alternatives
}

const isUnderstood = <Value>(value: Value | typeof notUnderstood): value is Value => value !== notUnderstood

const ofClass = (item: { readonly resource: string } | Exclude<Code, typeof notUnderstood>): Sketch =>
  'resource' in item ? { type: item.resource } : { classes: [keyOf(item)] }

const ofInstance = (reference: string): Sketch => ({
  id: reference,
  type: reference.slice(0, reference.indexOf('/')),
})

const keyOf = ({ system = '', code }: Exclude<Code, typeof notUnderstood>): string => `${system}|${code}`

const lists = ['classes', 'codes', 'references', 'authors'] as const

/** Undefined when a record cannot be both. */
function merge(left: Sketch, right: Sketch): Sketch | undefined {
  const sensitivity = narrower(left.sensitivity, right.sensitivity)
  const bounds = boundsOf(left, right)
  if (differ(left.type, right.type) || differ(left.id, right.id)) return undefined
  if (sensitivity === null || bounds.start > bounds.end) return undefined
  const joined = lists.map((name) => [name, [...(left[name] ?? []), ...(right[name] ?? [])]])
  return {
    ...left,
    ...right,
    ...Object.fromEntries(joined),
    ...bounds,
    ...(sensitivity !== undefined && { sensitivity }),
  }
}

function boundsOf(...sketches: readonly Sketch[]): { start: number; end: number; confidentiality: number } {
  return {
    start: Math.max(...sketches.map(({ start = -Infinity }) => start)),
    end: Math.min(...sketches.map(({ end = Infinity }) => end)),
    confidentiality: Math.max(...sketches.map(({ confidentiality = 0 }) => confidentiality)),
  }
}

const differ = (left: string | undefined, right: string | undefined): boolean =>
  left !== undefined && right !== undefined && left !== right

/** The sensitivity that matches both; null when none does. */
function narrower(left: string | undefined, right: string | undefined): string | null | undefined {
  if (left === undefined || right === undefined) return left ?? right
  if (coversSensitivity(left, right)) return right
  return coversSensitivity(right, left) ? left : null
}

/** The sketch at every date that rules can tell apart. */
function* dated(sketch: Sketch, instants: readonly number[], facts: Facts): Generator<RecordFacts> {
  const { start = -Infinity, end = Infinity } = sketch
  for (const instant of instants) {
    if (instant >= start && instant <= end)
      yield { ...recordOf(sketch, facts), dated: { first: instant, last: instant } }
  }
}

function boundariesOf(roots: readonly Rule[]): number[] {
  const instants = new Set([0])
  const visit = ({ dated, rules = [] }: Rule): void => {
    if (dated?.start !== undefined) instants.add(dated.start).add(dated.start - 1)
    if (dated?.end !== undefined) instants.add(dated.end).add(dated.end + 1)
    rules.forEach(visit)
  }
  roots.forEach(visit)
  return [...instants].sort((left, right) => left - right)
}

const blank = { id: '', classes: [], codes: [], authors: [], references: [], confidentiality: 0 } as const

/** A record of which no rule names anything but what the sketch says. The least confidential is the easiest to permit. */
function recordOf(
  { sensitivity, start: _start, end: _end, ...sketch }: Sketch,
  { class: asked = '' }: Facts,
): RecordFacts {
  const settled = { type: isResourceType(asked) ? asked : '', ...blank, ...sketch }
  return {
    ...settled,
    ours: yes,
    allCodes: settled.codes,
    sensitivities: sensitivity === undefined ? [] : [sensitivity],
    dated: { first: 0, last: 0 },
    isAuthorUnclear: false,
  }
}

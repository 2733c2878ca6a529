import { mustBeResolved, notUnderstood, type Code, type Rule } from './directive.ts'
import { permitPaths, prevailingDenies, type Voice } from './evaluate.ts'
import { everyIdentifier, type Asker, type Facts, type RecordFacts } from './facts.ts'
import { judge, judgeRound, type Hearing, type Judgement } from './judge.ts'
import { coversSensitivity } from './tables/labels.ts'
import { documentResources, isResourceType } from './tables/resource-types.ts'
import { yes } from './truth.ts'

/**
 * How much is imagined, counted in rules that are looked at: whoever writes directives must not be able to keep an endorser
 * busy. Beyond it, it is taken that some record could be permitted; each is judged by itself all the same.
 */
const maximumEffort = 200_000
/** What it takes to put two sketches together. */
const mergeEffort = 5

interface Effort {
  left: number
}

/**
 * Whether some conceivable record would be permitted, and why. Records are imagined from what the rules name, the plainest
 * first; those that are sent are not looked at. Of a deny it is said why the plainest is denied.
 */
export function conceivable(facts: Facts, hearings: readonly Hearing[]): Judgement {
  const plain = recordOf({}, facts, 0)
  const first = judge(facts, hearings, plain)
  if (first.outcome === 'permit') return first
  const found = search(facts, hearings)
  if (found !== undefined) return found
  const own = facts.isStaff === true ? judge(facts, hearings, { ...plain, isOwn: true }) : first
  return own.outcome === 'permit' ? own : first
}

type Path = readonly Rule[]

interface Search {
  readonly facts: Facts
  readonly hearings: readonly Hearing[]
  readonly paths: ReadonlyMap<Voice, readonly Path[]>
  /** Of each voice by the rules that are in them. */
  readonly through: ReadonlyMap<Voice, ReadonlyMap<Rule, readonly Path[]>>
  /** The clinical date of the records that are being imagined. */
  readonly instant: number
  /** What has been imagined already. */
  readonly seen: Set<string>
  readonly effort: Effort
  /** What it takes to judge a record: the number of rules. */
  readonly judging: number
}

/** Imagines records at every date that the rules can tell apart. */
function search(facts: Facts, hearings: readonly Hearing[]): Judgement | undefined {
  const voices = hearings.flatMap(({ rounds }) => rounds.flat())
  const paths = new Map(voices.map((voice) => [voice, permitPaths(voice)]))
  const through = new Map([...paths].map(([voice, own]) => [voice, pathsByRule(own)]))
  const seen = new Set<string>()
  // Of a request for a type of resource no others are imagined.
  const asked = facts.class !== undefined && isResourceType(facts.class) ? { type: facts.class } : {}
  const effort = { left: maximumEffort }
  const judging = voices.reduce((total, { directive }) => total + countRules(directive.root), 1)
  const common = { facts, hearings, paths, through, seen, effort, judging }
  for (const instant of boundariesOf(voices)) {
    const found = explore(asked, new Set(), { ...common, instant })
    if (found !== undefined) return found
  }
  return undefined
}

function pathsByRule(paths: readonly Path[]): Map<Rule, Path[]> {
  const byRule = new Map<Rule, Path[]>()
  for (const path of paths)
    for (const rule of path) {
      const known = byRule.get(rule)
      if (known === undefined) byRule.set(rule, [path])
      else known.push(path)
    }
  return byRule
}

const countRules = ({ rules = [] }: Rule): number =>
  rules.reduce((total, rule) => total + countRules(rule), 1)

/**
 * Judges what has been imagined so far and, while it is denied, has it match one more permit that could change that. What
 * a deny applies to stays so whatever is added, unless the deny has an exception.
 */
function explore(sketch: Sketch, used: ReadonlySet<Path>, state: Search): Judgement | undefined {
  const key = `${state.instant} ${JSON.stringify(sketch)}`
  if (state.seen.has(key)) return undefined
  state.seen.add(key)
  const record = recordOf(sketch, state.facts, state.instant)
  const judgement = judge(state.facts, state.hearings, record)
  if (judgement.outcome === 'permit') return judgement
  state.effort.left -= state.judging
  for (const path of helpful(record, state)) {
    if (used.has(path)) continue
    const extending = new Set([...used, path])
    for (const extended of along(path, sketch, state.effort)) {
      const found = includes(extended, state.instant) ? explore(extended, extending, state) : undefined
      if (found !== undefined) return found
    }
  }
  return state.effort.left > 0 ? undefined : { ...judgement, outcome: 'permit' }
}

const includes = ({ start = -Infinity, end = Infinity }: Sketch, instant: number): boolean =>
  instant >= start && instant <= end

/**
 * The permits that could help a record for the first purpose that it is denied for. Where denies prevail over everything, only
 * an exception within each one does: those of one will do to try.
 */
function helpful(record: RecordFacts, { facts, hearings, paths, through }: Search): readonly Path[] {
  const hearing = hearings.find((each) => judge(facts, [each], record).outcome === 'deny')
  const facet = { record, sensitivity: record.sensitivities[0] }
  const helping: Path[] = []
  for (const voices of hearing?.rounds ?? []) {
    const exceptions = voices.flatMap((voice) =>
      prevailingDenies(voice, facet).map((deny) => through.get(voice)?.get(deny) ?? []),
    )
    const [fewest] = exceptions.toSorted((left, right) => left.length - right.length)
    if (fewest !== undefined) return [...helping, ...fewest]
    helping.push(...voices.flatMap((voice) => paths.get(voice) ?? []))
    if (judgeRound(voices, facet) !== undefined) return helping
  }
  return helping
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

/** The ways in which a record can match all rules of a path. */
function* along([rule, ...rest]: Path, sketch: Sketch, effort: Effort): Generator<Sketch> {
  if (rule === undefined) {
    yield sketch
    return
  }
  for (const extended of within(alternativesOf(rule), sketch, effort)) yield* along(rest, extended, effort)
}

function* within(
  [parts, ...rest]: readonly (readonly Sketch[])[],
  sketch: Sketch,
  effort: Effort,
): Generator<Sketch> {
  if (parts === undefined) {
    yield sketch
    return
  }
  for (const part of parts) {
    effort.left -= mergeEffort
    if (effort.left <= 0) return
    const merged = merge(sketch, part)
    if (merged !== undefined) yield* within(rest, merged, effort)
  }
}

/** For each attribute of a rule, the ways in which a record can match it. */
function alternativesOf({ classes, documents, codes, data, dated, labels, effect }: Rule): Sketch[][] {
  const alternatives: Sketch[][] = []
  if (classes) alternatives.push(classes.filter(isUnderstood).flatMap(ofClass))
  if (documents) alternatives.push(documents.filter(isUnderstood).flatMap(ofClass))
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

/** What has a type of document is a document. */
const ofClass = (item: { readonly resource: string } | Exclude<Code, typeof notUnderstood>): Sketch[] =>
  'resource' in item
    ? [{ type: item.resource }]
    : [...documentResources, 'Bundle'].map((type) => ({ type, classes: [keyOf(item)] }))

const ofInstance = (reference: string): Sketch =>
  reference.startsWith('urn:')
    ? { id: reference }
    : { id: reference, type: reference.slice(0, reference.indexOf('/')) }

const keyOf = ({ system = '', code }: Exclude<Code, typeof notUnderstood>): string => `${system}|${code}`

const lists = ['classes', 'codes', 'references', 'authors'] as const

/** Undefined when a record cannot be both. */
function merge(left: Sketch, right: Sketch): Sketch | undefined {
  const sensitivity = narrower(left.sensitivity, right.sensitivity)
  const bounds = boundsOf(left, right)
  if (differ(left.type, right.type) || differ(left.id, right.id)) return undefined
  if (sensitivity === null || bounds.start > bounds.end) return undefined
  const joined = lists.map((name) => [
    name,
    [...new Set([...(left[name] ?? []), ...(right[name] ?? [])])].sort(),
  ])
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

/** The dates at which rules begin and end to apply, and those just beside. */
function boundariesOf(voices: readonly Voice[]): number[] {
  const instants = new Set([0])
  const visit = ({ dated, rules = [] }: Rule): void => {
    if (dated?.start !== undefined) instants.add(dated.start).add(dated.start - 1)
    if (dated?.end !== undefined) instants.add(dated.end).add(dated.end + 1)
    rules.forEach(visit)
  }
  for (const { directive } of voices) visit(directive.root)
  return [...instants].sort((left, right) => left - right)
}

const blank = {
  id: '',
  classes: [],
  codes: [],
  authors: [],
  references: [],
  confidentiality: 0,
} as const

/** A group is several, and whose role one is that nobody knows cannot be told. */
const isOnePerson = (author: string, { groups }: Asker): boolean =>
  !mustBeResolved(author) || (author.startsWith('PractitionerRole/') && groups.has(author))

/** A record of which no rule names anything but what the sketch says. The least confidential is the easiest to permit. */
function recordOf(
  { sensitivity, start: _start, end: _end, ...sketch }: Sketch,
  { class: asked = '', asker }: Facts,
  instant: number,
): RecordFacts {
  const settled = { type: isResourceType(asked) ? asked : '', ...blank, ...sketch }
  // What a document is said to be is a code of it as well.
  const codes = [...settled.codes, ...settled.classes]
  return {
    ...settled,
    ours: yes,
    codes,
    allCodes: codes,
    authors: [...settled.authors, everyIdentifier],
    sensitivities: sensitivity === undefined ? [] : [sensitivity],
    dated: { first: instant, last: instant },
    isAuthorUnclear: settled.authors.some((author) => !isOnePerson(author, asker)),
  }
}

import {
  mustBeResolved,
  notUnderstood,
  type Actor,
  type Class,
  type Code,
  type DataReference,
  type Labels,
  type Rule,
} from './directive.ts'
import { everyIdentifier, systemOf, type Asker, type Facts, type RecordFacts } from './facts.ts'
import { isPurpose, coversPurpose } from './tables/purposes.ts'
import { coversSensitivity } from './tables/labels.ts'
import { documentResources } from './tables/resource-types.ts'
import { both, no, some, unknown, when, yes, type Truth } from './truth.ts'

/** The record as one of its sensitivities shows it; judged once for each. */
export interface Facet {
  readonly record: RecordFacts
  readonly sensitivity: string | undefined
  /** The document that the record is a part of, where that was permitted as a whole; see `denialOfParts`. */
  readonly document?: RecordFacts
}

/** Whether a rule is for this asker, at this time. */
export function matchesAsker({ start, end, actors }: Rule, { at, asker }: Facts): Truth {
  if (start !== undefined && at < start) return no
  if (end !== undefined && at > end) return no
  return actors === undefined ? yes : some(actors, (actor) => matchesActor(actor, asker))
}

function matchesActor(actor: Actor, asker: Asker): Truth {
  if (actor.anybody) return yes
  const { reference, identifier, role } = actor
  if (reference === undefined && identifier === undefined) return matchesRole(role, asker)
  if (isNamed(actor, asker)) return role === undefined || role === asker.role ? yes : unknown
  return isUnresolved(reference, asker) ? unknown : no
}

const matchesRole = (role: string | undefined, asker: Asker): Truth =>
  role === undefined || role === notUnderstood ? unknown : when(role === asker.role)

const isNamed = ({ reference, identifier }: Actor, { references, identifiers }: Asker): boolean =>
  (reference !== undefined && references.has(reference)) ||
  (identifier !== undefined && identifiers.has(identifier))

/** A group whose members nobody has said may include the asker, and a role that nobody knows be hers. */
const isUnresolved = (reference: string | undefined, { groups }: Asker): boolean =>
  reference !== undefined && mustBeResolved(reference) && !groups.has(reference)

/** Whether a list of purposes covers the one asked for. BTG is covered by its own name only; see `evaluate`. */
export function matchesPurpose(purposes: readonly string[], asked: string): Truth {
  return some(purposes, (purpose) => {
    if (purpose === notUnderstood) return unknown
    if (coversPurpose(purpose, asked)) return yes
    return asked.includes('|') || isPurpose(asked) ? no : unknown
  })
}

/** Whether a rule is about this record and what is done with it. `inherited` is the action of a permit above it. */
export function matchesData(rule: Rule, facts: Facts, facet: Facet, inherited?: readonly string[]): Truth {
  const isPermit = rule.effect === 'permit'
  const actions = rule.actions ?? (isPermit ? inherited : undefined)
  let truth = matchesAction(actions, facts.action)
  if (truth === no || (isPermit && isForOtherClass(rule, facts))) return no
  truth = both(
    truth,
    both(matchesClasses(rule.classes, facet.record), matchesClasses(rule.documents, facet.record)),
  )
  if (rule.codes !== undefined) truth = both(truth, matchesCodes(rule.codes, facet.record, isPermit))
  if (rule.data !== undefined) truth = both(truth, matchesReferences(rule.data, facet.record, facts.asker))
  if (rule.dated !== undefined) truth = both(truth, matchesDate(rule.dated, facet.record))
  if (rule.labels !== undefined) truth = both(truth, matchesLabels(rule.labels, facet, isPermit))
  return truth
}

/** Likewise about the document that a record is a part of, as any of its sensitivities shows it; for a record by itself, no. */
export function matchesDocument(
  rule: Rule,
  facts: Facts,
  { document }: Facet,
  inherited?: readonly string[],
): Truth {
  if (document === undefined) return no
  const { sensitivities } = document
  const shown: readonly (string | undefined)[] = sensitivities.length === 0 ? [undefined] : sensitivities
  return some(shown, (sensitivity) => matchesData(rule, facts, { record: document, sensitivity }, inherited))
}

export function matchesAction(actions: readonly string[] | undefined, asked: string): Truth {
  if (actions === undefined) return yes
  return some(actions, (action) => (action === notUnderstood ? unknown : when(action === asked)))
}

/** A permit for other classes than the one asked for is not meant for this request. */
function isForOtherClass({ classes, documents }: Rule, { class: asked }: Facts): boolean {
  if (asked === undefined || (classes === undefined && documents === undefined)) return false
  return ![...(classes ?? []), ...(documents ?? [])].some((item) => isOfClass(item, asked))
}

/** What has a type of document is one of the resources that documents are. */
function isOfClass(item: Class, asked: string): boolean {
  if (item === notUnderstood) return false
  if ('resource' in item) return item.resource === asked
  return item.code === asked || asked === 'Bundle' || (documentResources as readonly string[]).includes(asked)
}

function matchesClasses(classes: readonly Class[] | undefined, record: RecordFacts): Truth {
  if (classes === undefined) return yes
  return some(classes, (item) => {
    if (item === notUnderstood) return unknown
    return 'resource' in item ? when(item.resource === record.type) : matchesCode(item, record.classes)
  })
}

/** A deny asks for a code anywhere in the record, a permit for one that says what the record is. */
const matchesCodes = (codes: readonly Code[], record: RecordFacts, isPermit: boolean): Truth =>
  some(codes, (code) =>
    code === notUnderstood ? unknown : matchesCode(code, isPermit ? record.codes : record.allCodes),
  )

function matchesCode({ system, code }: Exclude<Code, typeof notUnderstood>, found: readonly string[]): Truth {
  if (system !== undefined) return when(found.includes(`${system}|${code}`))
  const ending = `|${code}`
  return when(found.some((key) => key.endsWith(ending)))
}

const matchesReferences = (data: readonly DataReference[], record: RecordFacts, asker: Asker): Truth =>
  some(data, ({ meaning, reference }) => {
    if (meaning === notUnderstood) return unknown
    if (meaning === 'authoredby') return matchesAuthor(reference, record, asker)
    if (reference === record.id) return yes
    return when(meaning !== 'instance' && record.references.includes(reference))
  })

/** An author of whom no identifier of that system is known may have the one that a rule names. */
function matchesAuthor(
  name: string,
  { authors, identifiedIn = [], isAuthorUnclear }: RecordFacts,
  asker: Asker,
): Truth {
  if (authors.includes(name)) return yes
  const system = systemOf(name)
  const isComparable = system === '' || authors.includes(everyIdentifier) || identifiedIn.includes(system)
  return isAuthorUnclear || !isComparable || isUnresolved(name, asker) ? unknown : no
}

function matchesDate({ start, end }: NonNullable<Rule['dated']>, { dated }: RecordFacts): Truth {
  if (dated === undefined) return unknown
  const { first, last } = dated
  if ((start !== undefined && last < start) || (end !== undefined && first > end)) return no
  const isWithin = (start === undefined || first >= start) && (end === undefined || last <= end)
  return isWithin ? yes : unknown
}

function matchesLabels(
  { confidentiality, sensitivities = [] }: Labels,
  { record, sensitivity }: Facet,
  isPermit: boolean,
): Truth {
  const { confidentiality: has } = record
  if (confidentiality !== undefined && (isPermit ? has <= confidentiality : has >= confidentiality))
    return yes
  return some(sensitivities, (label) => {
    if (sensitivity !== undefined && coversSensitivity(label, sensitivity)) return yes
    // Nobody has said what another system's labels include.
    return label === notUnderstood || label.includes('|') ? unknown : no
  })
}

import type { Directive, Rule } from './directive.ts'
import { isDeny, results, say, type Result, type Voice } from './evaluate.ts'
import type { Facts, PartFacts, RecordFacts } from './facts.ts'
import { hear, type Hearing } from './judge.ts'
import type { Facet } from './match.ts'
import { supersededIn, without } from './supersede.ts'
import { yes } from './truth.ts'

/**
 * The consents that deny something inside a document which is permitted as a whole, sorted; undefined when none does. Only
 * denies count: what a permit names is asked of the document alone, since parts have no type of document and often neither
 * date nor author. What excepts the document from a deny excepts its parts; a deny that is not about the document counts
 * for each part, and an exception from it must be about that part.
 */
export function denialOfParts(
  facts: Facts,
  document: RecordFacts,
  parts: readonly PartFacts[],
): readonly string[] | undefined {
  if (facts.self === true || !facts.directives.some(deniesSomething)) return undefined
  const hearings = hear(without(facts, supersededIn(facts)))
  const denying = new Set<string>()
  let isDenied = false
  for (const part of parts) {
    const record = recordOf(part, document)
    for (const hearing of hearings) {
      for (const consents of denialsOf(hearing, record, document)) {
        isDenied = true
        for (const consent of consents) denying.add(consent)
      }
    }
  }
  return isDenied ? [...denying].sort() : undefined
}

/** Whether a directive can deny something of what another permits. */
export const deniesSomething = ({ root }: Pick<Directive, 'root'>): boolean => denies(root)

const denies = ({ effect, rules = [] }: Rule): boolean => effect === 'deny' || rules.some(denies)

/** Those of the consents that deny a part, for each of its sensitivities that is denied. */
function* denialsOf(
  { rounds }: Hearing,
  record: RecordFacts,
  document: RecordFacts,
): Generator<readonly string[]> {
  const { sensitivities } = record
  const shown: readonly (string | undefined)[] = sensitivities.length === 0 ? [undefined] : sensitivities
  for (const sensitivity of shown) {
    const facet = { record, sensitivity, document }
    const said = rounds.map((voices) => strongestOf(voices, facet)).find(({ best }) => best !== results.none)
    if (said !== undefined && isDeny(said.best)) yield said.consents
  }
}

function strongestOf(
  voices: readonly Voice[],
  facet: Facet,
): { readonly best: Result; readonly consents: readonly string[] } {
  const said = voices.map((voice) => ({ consent: voice.directive.consent, result: say(voice, facet) }))
  const best = said.reduce<Result>((most, { result }) => (result > most ? result : most), results.none)
  return { best, consents: said.filter(({ result }) => result === best).map(({ consent }) => consent) }
}

/** A part as a record; what it does not say itself is as in its document. */
function recordOf(part: PartFacts, document: RecordFacts): RecordFacts {
  const { id = '', type, confidentiality, ...lists } = part
  const { classes = [], codes = [], allCodes = [], sensitivities = [], references = [] } = lists
  const dated = datesOf(part, document)
  return {
    id,
    type,
    ours: yes,
    classes,
    codes,
    allCodes,
    confidentiality,
    sensitivities,
    references,
    ...authorsOf(part, document),
    ...(dated && { dated }),
  }
}

function datesOf({ first, last, isDateUnclear }: PartFacts, document: RecordFacts): RecordFacts['dated'] {
  if (isDateUnclear) return undefined
  if (first === undefined && last === undefined) return document.dated
  return { first: first ?? Number.NEGATIVE_INFINITY, last: last ?? Number.POSITIVE_INFINITY }
}

function authorsOf(
  { authors = [], identifiedIn = [], isAuthorUnclear }: PartFacts,
  document: RecordFacts,
): Pick<RecordFacts, 'authors' | 'identifiedIn' | 'isAuthorUnclear'> {
  return authors.length > 0 || isAuthorUnclear
    ? { authors, identifiedIn, isAuthorUnclear: isAuthorUnclear === true }
    : {
        authors: document.authors,
        identifiedIn: document.identifiedIn ?? [],
        isAuthorUnclear: document.isAuthorUnclear,
      }
}

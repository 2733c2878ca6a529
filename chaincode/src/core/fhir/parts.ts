import type { PartFacts, RecordFacts } from '../facts.ts'
import { yes } from '../truth.ts'
import { readDirectory } from './directory.ts'
import { isObject, listOf, objectsIn, type Json } from './json.ts'
import { headOf, readRecord, saysAuthor, saysDate } from './record.ts'
import { ownReference, toLiteral } from './reference.ts'

/**
 * What denies can ask of each resource inside a document Bundle, contained ones included; those that are alike once.
 * References into the Bundle (`fullUrl`) stand for the resource's own name (`Type/id`). The document itself, its
 * Composition's date and author, is as its descriptor says.
 */
export function partsOf(bundle: Json, zone: string): PartFacts[] {
  const names = namesIn(bundle)
  const named = withNames(bundle, names)
  const resources = resourcesIn(named)
  const directory = readDirectory(resources.filter(({ resourceType }) => acting.has(String(resourceType))))
  const given = { isPatient: () => yes, directory, zone }
  const head = headOf(named)
  const parts = resources.map((resource) => {
    const part = toPart(resource, readRecord(resource, 0, given))
    return resource === head ? ofDocument(part) : part
  })
  return [...new Map(parts.map((part) => [JSON.stringify(part), part])).values()]
}

/** Who can be an author, or is a group of those who can. */
const acting: ReadonlySet<string> = new Set(['Practitioner', 'PractitionerRole', 'Organization', 'Group'])

/** The own name of each entry that has one, by its `fullUrl`. */
export function namesIn({ entry }: Json): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const item of listOf(entry)) {
    if (!isObject(item) || !isObject(item['resource']) || typeof item['fullUrl'] !== 'string') continue
    const name = ownReference(item['resource'])
    if (name !== undefined) names.set(item['fullUrl'], name)
  }
  return names
}

type Copy = Record<string, unknown>

/** A copy in which references into the Bundle are by own name, and a resource without an id has that of its `fullUrl`. */
function withNames(bundle: Json, names: ReadonlyMap<string, string>): Json {
  const copy = JSON.parse(JSON.stringify(bundle)) as Json
  for (const { object } of objectsIn(copy)) {
    const { reference, fullUrl, resource } = object
    const name = typeof reference === 'string' ? names.get(reference) : undefined
    if (name !== undefined) (object as Copy)['reference'] = name
    if (isObject(resource) && resource['id'] === undefined) nameAfter(resource, fullUrl)
  }
  return copy
}

function nameAfter(resource: Copy, fullUrl: unknown): void {
  const literal = toLiteral(fullUrl)
  if (literal?.startsWith(`${String(resource['resourceType'])}/`) === true)
    resource['id'] = literal.slice(literal.indexOf('/') + 1)
}

const resourcesIn = (bundle: Json): Json[] =>
  [...objectsIn(bundle)].flatMap(({ object }) =>
    object !== bundle && typeof object['resourceType'] === 'string' ? [object] : [],
  )

function toPart(resource: Json, record: RecordFacts): PartFacts {
  const { id, type, confidentiality, dated, authors, identifiedIn = [], isAuthorUnclear } = record
  const lists = { ...pick(record), authors, identifiedIn }
  return {
    ...(resource['id'] !== undefined && { id }),
    type,
    confidentiality,
    ...Object.fromEntries(Object.entries(lists).filter(([, values]) => values.length > 0)),
    ...(dated && boundsOf(dated)),
    ...(dated === undefined && saysDate(resource) && { isDateUnclear: true as const }),
    ...(isAuthorUnclear && saysAuthor(resource) && { isAuthorUnclear: true as const }),
  }
}

const pick = ({ classes, codes, allCodes, sensitivities, references }: RecordFacts): Lists => ({
  classes,
  codes,
  allCodes,
  sensitivities,
  references,
})
type Lists = Pick<RecordFacts, 'classes' | 'codes' | 'allCodes' | 'sensitivities' | 'references'>

/** JSON has no infinity. A span that is open at both ends is none (see `readRecord`). */
const boundsOf = ({ first, last }: NonNullable<RecordFacts['dated']>): Pick<PartFacts, 'first' | 'last'> => ({
  ...(Number.isFinite(first) && { first }),
  ...(Number.isFinite(last) && { last }),
})

/** Who wrote the document, and when, the Composition may say in the custodian's words alone; the descriptor says it too. */
function ofDocument({ isDateUnclear: _date, ...part }: PartFacts): PartFacts {
  const { authors: _authors, identifiedIn: _systems, isAuthorUnclear, ...rest } = part
  return isAuthorUnclear ? rest : part
}

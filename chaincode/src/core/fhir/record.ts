import { systemOf, type RecordFacts } from '../facts.ts'
import { spanOf, type Span } from '../period.ts'
import {
  actCode,
  confidentialities,
  confidentialitySystem,
  isHandling,
  isSensitivity,
  normal,
  restricted,
  veryRestricted,
} from '../tables/labels.ts'
import { actReason } from '../tables/purposes.ts'
import { documentResources } from '../tables/resource-types.ts'
import { both, yes, type Truth } from '../truth.ts'
import { codeKey, codingsOf, toCoding, type Coding } from './coding.ts'
import type { Directory } from './directory.ts'
import { isObject, listOf, objectsIn, type Json } from './json.ts'
import type { IsPatient } from './patient.ts'
import { toLiteral, toTarget, type Target } from './reference.ts'

interface Given {
  readonly isPatient: IsPatient
  readonly directory: Directory
  readonly zone: string
}

/** Maps a FHIR resource, R4 or R5, to what rules can ask of it. `index` names one without an id. */
export function readRecord(resource: Json, index: number, given: Given): RecordFacts {
  const { resourceType, id } = resource
  const type = typeof resourceType === 'string' ? resourceType : ''
  const head = spokesmanOf(resource)
  const found = allIn(resource)
  const dated = dateOf(head, given.zone)
  return {
    id: `${type}/${typeof id === 'string' ? id : `#${index}`}`,
    ours: isOurs(resource, found, given),
    type,
    classes: documentTypesOf(head).map(codeKey),
    codes: [...new Set([...principalCodesOf(resource), ...principalCodesOf(head)].map(codeKey))],
    allCodes: found.codes,
    ...labelFacts(found.labels),
    ...(dated && { dated }),
    ...authorFacts(authorsOf(head), given.directory),
    references: found.references,
  }
}

/** A document says in its Composition what it is, when and by whom. */
const spokesmanOf = (resource: Json): Json => headOf(resource) ?? resource

/** The Composition of a document Bundle. */
export function headOf({ resourceType, entry }: Json): Json | undefined {
  const [first] = resourceType === 'Bundle' ? listOf(entry) : []
  const inner = isObject(first) ? first['resource'] : undefined
  return isObject(inner) && inner['resourceType'] === 'Composition' ? inner : undefined
}

interface Found {
  readonly codes: string[]
  readonly labels: unknown[]
  readonly references: string[]
  /** Subjects of resources inside, those of a Bundle included. */
  readonly subjects: unknown[]
}

/** What stands anywhere in a resource, also in what it contains: its codes, its labels, what it refers to, about whom. */
function allIn(resource: Json): Found {
  const codes = new Set<string>()
  const references = new Set<string>()
  const labels: unknown[] = []
  const subjects: unknown[] = []
  for (const { name, object } of objectsIn(resource)) {
    if (name === 'meta') {
      labels.push(...listOf(object['security']))
      continue
    }
    const coding = isLabelOrTag(name) ? undefined : toCoding(object)
    if (coding) codes.add(codeKey(coding))
    const literal = toLiteral(object['reference'])
    if (literal !== undefined) references.add(literal)
    if (typeof object['resourceType'] !== 'string') continue
    subjects.push(...subjectsOf(object))
    labels.push(...labelsOfDocument(object))
  }
  return { codes: [...codes], labels, references: [...references], subjects }
}

/** What a DocumentReference and (in R4) a Composition say of their document. */
function labelsOfDocument({ resourceType, securityLabel, confidentiality }: Json): unknown[] {
  if (resourceType === 'DocumentReference') return listOf(securityLabel).flatMap(codingsOf)
  const isLevel = resourceType === 'Composition' && confidentiality !== undefined
  return isLevel ? [{ system: confidentialitySystem, code: confidentiality }] : []
}

/** Members of `meta`: they say how a resource is handled, not what is in it. */
const isLabelOrTag = (name: string): boolean => name === 'security' || name === 'tag'

const subjectMembers = ['subject', 'patient', 'beneficiary', 'individual', 'for'] as const

const subjectsOf = (resource: Json): unknown[] => subjectMembers.flatMap((name) => listOf(resource[name]))

/** A resource that names no patient is nobody else's; one that names somebody who may be another is not shown to be hers. */
function isOurs({ resourceType, id }: Json, { subjects }: Found, { isPatient }: Given): Truth {
  const own = resourceType === 'Patient' ? [{ reference: `Patient/${String(id)}` }] : []
  return [...own, ...subjects].reduce((truth: Truth, subject) => both(truth, isPatient(subject)), yes)
}

/** `type` and `category` are also clinical codes; of a document they say what kind it is. */
function documentTypesOf(head: Json): Coding[] {
  if (!(documentResources as readonly unknown[]).includes(head['resourceType'])) return []
  const formats = listOf(head['content']).flatMap((content) =>
    isObject(content) ? (toCoding(content['format']) ?? []) : [],
  )
  return [...conceptsIn(head, ['type', 'category', 'class']), ...formats]
}

/** The elements that say what a resource is about. */
const principal = ['code', 'type', 'category', 'class', 'vaccineCode', 'medicationCodeableConcept'] as const

function principalCodesOf(resource: Json): Coding[] {
  const medication = isObject(resource['medication']) ? codingsOf(resource['medication']['concept']) : []
  return [...conceptsIn(resource, principal), ...medication]
}

/** Concepts and, as `Encounter.class` in R4, bare codings. */
const conceptsIn = (resource: Json, names: readonly string[]): Coding[] =>
  names
    .flatMap((name) => listOf(resource[name]))
    .flatMap((concept) => [
      ...codingsOf(concept),
      ...(toCoding(concept) ? [toCoding(concept) as Coding] : []),
    ])

/**
 * Without a level of confidentiality, what has a sensitivity is Restricted and anything else Normal. Labels about handling
 * or about the purpose of the data (HTEST) say nothing of either.
 */
function labelFacts(labels: readonly unknown[]): Pick<RecordFacts, 'confidentiality' | 'sensitivities'> {
  const codings = labels.flatMap((label) => toCoding(label) ?? [])
  const levels = codings.flatMap(({ system, code }) =>
    system === confidentialitySystem ? [levelOf(code)] : [],
  )
  const sensitivities = [...new Set(codings.flatMap(sensitivityOf))].sort()
  const implied = sensitivities.length > 0 ? restricted : normal
  return { confidentiality: levels.length > 0 ? Math.max(...levels) : implied, sensitivities }
}

/** What nobody has said to be about something else may be a sensitivity of its own. */
function sensitivityOf(coding: Coding): string[] {
  const { system = '', code } = coding
  if (silentSystems.has(system) || (system === actCode && isHandling(code))) return []
  return [system === actCode && isSensitivity(code) ? code : codeKey(coding)]
}

function levelOf(code: string): number {
  const level = (confidentialities as readonly string[]).indexOf(code)
  return level < 0 ? veryRestricted : level
}

const observationValue = 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue'
const silentSystems: ReadonlySet<string> = new Set([confidentialitySystem, actReason, observationValue])

/** Where FHIR's clinical resources say when what they tell happened; the first that is there counts. */
const dateMembers = (
  'effective onset performed occurrence occurred period actualPeriod context.period started date authoredOn authored ' +
  'recordedDate whenHandedOver whenPrepared issued created sent dateAsserted'
).split(' ')

/** Undefined for a date that is not there or is told in words: another date of the resource says something else. */
function dateOf(resource: Json, zone: string): Span | undefined {
  const value = dateIn(resource)
  return isObject(value) ? spanOfPeriod(value, zone) : spanOf(value, zone)
}

function dateIn(resource: Json): unknown {
  for (const name of dateMembers) {
    const value = name === 'context.period' ? periodOfContext(resource) : valueOf(resource, name)
    if (value !== undefined) return value
  }
  return undefined
}

/** Whether a resource says a date at all, and an author, be it one that cannot be told. */
export const saysDate = (resource: Json): boolean => dateIn(resource) !== undefined
export const saysAuthor = (resource: Json): boolean => authorsOf(resource).length > 0

/** The security labels of a resource and of everything in it. */
export const labelsIn = (resource: Json): readonly unknown[] => allIn(resource).labels

/** An element of that name, or of one of its types (`effectiveDateTime`). */
function valueOf(resource: Json, name: string): unknown {
  if (resource[name] !== undefined) return resource[name]
  const chosen = Object.keys(resource).find(
    (member) => member.startsWith(name) && types.has(member.slice(name.length)),
  )
  return chosen && resource[chosen]
}

const types = new Set('DateTime Period Instant Timing String Age Range'.split(' '))

const periodOfContext = ({ context }: Json): unknown => (isObject(context) ? context['period'] : undefined)

function spanOfPeriod({ start, end }: Json, zone: string): Span | undefined {
  const first = start === undefined ? Number.NEGATIVE_INFINITY : spanOf(start, zone)?.first
  const last = end === undefined ? Number.POSITIVE_INFINITY : spanOf(end, zone)?.last
  if (first === undefined || last === undefined || (start === undefined && end === undefined))
    return undefined
  return { first, last }
}

const authorMembers =
  'author performer recorder asserter requester sender assessor informationSource participant resultsInterpreter source'.split(
    ' ',
  )
const actingMembers = ['actor', 'individual', 'agent', 'member'] as const

/** The references to those who wrote or did it. */
const authorsOf = (resource: Json): Target[] =>
  authorMembers
    .flatMap((name) => listOf(resource[name]))
    .map((item) => {
      const acting = isObject(item) ? actingMembers.map((name) => item[name]).find(isObject) : undefined
      return toTarget(acting ?? item)
    })

/**
 * Whoever wrote in a role wrote it as a person, at an organisation. An author whom no reference names may be anybody, and of a
 * group it may be any of those who are or were in it.
 */
function authorFacts(
  authors: readonly Target[],
  directory: Directory,
): Pick<RecordFacts, 'authors' | 'identifiedIn' | 'isAuthorUnclear'> {
  const namesOf = ({ reference, identifier }: Target): string[] => [
    ...directory.expand([reference, identifier].filter((name) => name !== undefined)),
  ]
  const names = authors.map((author) => [author, ...partsOfAuthor(author, directory)].map(namesOf))
  return {
    authors: [...new Set(names.flat(2))],
    identifiedIn: inAll(names.map((known) => known.flat().map(systemOf))),
    isAuthorUnclear: authors.length === 0 || names.flat().some((known) => !known.some(namesOne)),
  }
}

const inAll = ([first = [], ...others]: readonly (readonly string[])[]): string[] =>
  [...new Set(first)].filter((item) => item !== '' && others.every((other) => other.includes(item))).sort()

const namesOne = (name: string): boolean => !name.includes('|') && !/^(?:urn:|Group\/|CareTeam\/)/.test(name)

function partsOfAuthor({ reference = '' }: Target, directory: Directory): readonly Target[] {
  if (!reference.startsWith('PractitionerRole/')) return []
  // A role that nobody knows may be anybody's.
  return directory.partsOfRole(reference) ?? [{}]
}

import { type Answer, allOf, anyOf } from './answer.ts'
import type { Coding, Reference, Request, Resource } from './case.ts'
import { type Span, spanOf, spanOfPeriod } from './dates.ts'
import { isPatient, localReference } from './references.ts'

type Members = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const listOf = (value: unknown): unknown[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value]

/** Every object in a value, the value itself first. */
function objectsIn(value: unknown): Members[] {
  if (Array.isArray(value)) return value.flatMap(objectsIn)
  if (!isObject(value)) return []
  return [
    value,
    ...Object.entries(value).flatMap(([name, inner]) => (name === 'meta' ? [] : objectsIn(inner))),
  ]
}

/** The codings of a Coding, a CodeableConcept, a CodeableReference, or several of them. */
const codingsOf = (value: unknown): Coding[] =>
  objectsIn(value).filter(({ code }) => typeof code === 'string')

/** The Composition of a document; any other record itself. */
function headOf(record: Resource): Resource {
  if (record.resourceType !== 'Bundle') return record
  const entries = listOf(record['entry']) as { readonly resource?: Resource }[]
  return entries.find(({ resource }) => resource?.resourceType === 'Composition')?.resource ?? record
}

/** The codings that say what a record is, of a document those of its Composition. */
export const mainCodings = (record: Resource): Coding[] =>
  ['code', 'type', 'category', 'class', 'vaccineCode', 'medicationCodeableConcept', 'medication'].flatMap(
    (name) => codingsOf(headOf(record)[name]),
  )

/** Every coding that a record contains. */
export const allCodings = (record: Resource): Coding[] => codingsOf(record)

export function documentTypes(record: Resource): Coding[] {
  const head = headOf(record)
  if (!['DocumentReference', 'Composition'].includes(head.resourceType)) return []
  const formats = listOf(head['content']).map((content) => (content as Members)['format'])
  return codingsOf([head['type'], head['category'], head['class'], formats])
}

/** Where a record says when it happened, the first first; of those with several types each starts with its name. */
const datesWithTypes = ['effective', 'onset', 'performed', 'occurrence']
const datesBySoleName =
  'period context started date authoredOn recordedDate whenHandedOver whenPrepared issued created sent dateAsserted'

function dateMember(record: Resource): unknown {
  const typed = datesWithTypes.flatMap((name) =>
    Object.keys(record).filter((member) => new RegExp(`^${name}[A-Z]`).test(member)),
  )
  const dates = [...typed, ...datesBySoleName.split(' ')].map((name) =>
    name === 'context' ? (record[name] as Members | undefined)?.['period'] : record[name],
  )
  return dates.find((date) => date !== undefined)
}

/** When the record says that it happened; undefined when it does not say or says it in words. */
export function clinicalDate(record: Resource): Span | undefined {
  const date = dateMember(record)
  if (typeof date === 'string') return spanOf(date)
  if (!isObject(date)) return undefined
  return 'start' in date || 'end' in date ? spanOfPeriod(date) : undefined
}

/** Whether a record is what is named, by type and id. */
export const isItself = (record: Resource, local: string): boolean =>
  `${record.resourceType}/${record.id}` === local

/** Whether a record refers to what is named, wherever in it. */
export const refersTo = (record: Resource, local: string): boolean =>
  objectsIn(record).some(
    ({ reference }) => typeof reference === 'string' && localReference(reference) === local,
  )

const authorNames = [
  'author',
  'performer',
  'recorder',
  'asserter',
  'requester',
  'sender',
  'assessor',
  'informationSource',
  'participant',
]

/** Whom a record names as its authors. */
export function authorsOf(record: Resource): Reference[] {
  const named = authorNames.flatMap((name) => listOf(record[name])).filter(isObject)
  return named.map((each) => (each['individual'] ?? each['actor'] ?? each) as Reference)
}

/** Whether a record is the patient's, as far as it says whose it is. */
export function isOfPatient(record: Resource, request: Request, directory: readonly Resource[]): Answer {
  if (record.resourceType === 'Patient') {
    return isPatient({ reference: `Patient/${record.id}` }, request, directory)
  }
  const subjects = withEntries(record).flatMap((each) => [each['subject'], each['patient']])
  const named = subjects.filter((subject) => subject !== undefined)
  return allOf(named.map((subject) => isPatient(subject as Reference, request, directory)))
}

/** A record and, of a Bundle, what it holds. */
function withEntries(record: Resource): Resource[] {
  const entries = listOf(record['entry']) as { readonly resource?: Resource }[]
  return [record, ...entries.flatMap(({ resource }) => resource ?? [])]
}

export const anyCoding = (codings: readonly Coding[], matches: (coding: Coding) => boolean): Answer =>
  anyOf(codings.map((coding) => (matches(coding) ? 'yes' : 'no')))

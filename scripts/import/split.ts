import { createHash } from 'node:crypto'
import { BadInput } from './bad-input.ts'
import type { PatientBundle } from './bundle.ts'
import { encounterType, isClinical, isSupporting, patientSummary } from './clinical.ts'
import { compose, type DocumentBundle } from './compose.ts'
import { dateOf, extreme } from './dates.ts'
import {
  conceptText,
  objectsAt,
  referenceAt,
  referencesIn,
  textAt,
  type Coding,
  type Located,
  type Resource,
} from './resource.ts'

/** One document as `POST /v1/documents` takes it. */
export interface SourceDocument {
  /** Stable key: the same encounter gives the same key in every run. */
  readonly source: string
  readonly type: Coding
  readonly title: string
  readonly date: string
  readonly bundle: DocumentBundle
}

export interface SplitResult {
  readonly documents: readonly SourceDocument[]
  /** How many of the documents are encounters. */
  readonly encounters: number
  /** Whether the last document is a patient summary. */
  readonly summary: boolean
  /** How many resources of each type are in no document, by the name of the type. */
  readonly leftOut: Readonly<Record<string, number>>
}

/** SHA-256 over what the source calls a thing; it names nobody. */
export const sourceKey = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex')

/** What a source calls a resource: its first identifier, else its id, else its URL in the bundle. */
export function identityOf({ fullUrl, resource }: Located): readonly string[] {
  const identifier = objectsAt(resource, 'identifier').find((candidate) => textAt(candidate, 'value'))
  if (identifier !== undefined) return [textAt(identifier, 'system') ?? '', textAt(identifier, 'value') ?? '']
  return ['', textAt(resource, 'id') ?? fullUrl]
}

/**
 * One document for every encounter of the patient, and a summary for the clinical resources that refer to none.
 * Every clinical resource of the patient is in exactly one document. Errors: {@link BadInput}.
 */
export function split(bundle: PatientBundle): SplitResult {
  const encounters = bundle.resources.filter(
    (located) => located.resource.resourceType === 'Encounter' && isOfPatient(bundle, located.resource),
  )
  const homes = assign(bundle, new Set(encounters))
  const used = new Set<Located>([bundle.patient, ...encounters])
  const sources = new Set<string>()
  const documents = encounters.map((encounter) => {
    const source = unusedKey(sourceKey('encounter', ...identityOf(encounter)), encounter, sources)
    return encounterDocument(bundle, encounter, homes.get(encounter) ?? [], source, used)
  })
  const rest = homes.get(bundle.patient) ?? []
  const summary = rest.length > 0 ? [summaryDocument(bundle, rest, used)] : []
  return {
    documents: [...documents, ...summary],
    encounters: encounters.length,
    summary: summary.length > 0,
    leftOut: countByType(bundle.resources.filter((located) => !used.has(located))),
  }
}

/** A source that gives two encounters the same identifier must not lose one of them. */
function unusedKey(key: string, { fullUrl }: Located, sources: Set<string>): string {
  const unused = sources.has(key) ? sourceKey('encounter', key, fullUrl) : key
  sources.add(unused)
  return unused
}

const patientMembers = ['subject', 'patient']

function isOfPatient({ resolve, patient }: PatientBundle, resource: Resource): boolean {
  const references = patientMembers.flatMap((member) => referenceAt(resource, member) ?? [])
  return references.length > 0 && references.every((reference) => resolve(reference) === patient)
}

/** The clinical resources by their encounter, those without one by the patient, each in the bundle's order. */
function assign(bundle: PatientBundle, encounters: ReadonlySet<Located>): Map<Located, Located[]> {
  const homes = new Map<Located, Located[]>()
  for (const located of bundle.resources) {
    const { resource } = located
    if (!isClinical(resource.resourceType) || !isOfPatient(bundle, resource)) continue
    const home = encounterOf(bundle, resource, encounters) ?? bundle.patient
    const members = homes.get(home)
    if (members === undefined) homes.set(home, [located])
    else members.push(located)
  }
  return homes
}

/** R4 says `encounter`, `context` (medications) or `context.encounter` (DocumentReference). The first one counts. */
function encounterOf(
  { resolve }: PatientBundle,
  resource: Resource,
  encounters: ReadonlySet<Located>,
): Located | undefined {
  const references = [
    referenceAt(resource, 'encounter'),
    referenceAt(resource, 'context'),
    ...objectsAt(resource['context'], 'encounter').map((reference) => textAt(reference, 'reference')),
  ]
  return references
    .flatMap((reference) => (reference === undefined ? [] : (resolve(reference) ?? [])))
    .find((located) => encounters.has(located))
}

/** What the members refer to, and what that refers to in turn, in the bundle's order. */
function supportingOf({ resources, resolve }: PatientBundle, members: readonly Located[]): Located[] {
  const found = new Set<Located>()
  const open = [...members]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const targets = referencesIn(next.resource).flatMap((reference) => resolve(reference) ?? [])
    for (const target of targets) {
      if (!isSupporting(target.resource.resourceType) || found.has(target)) continue
      found.add(target)
      open.push(target)
    }
  }
  return resources.filter((located) => found.has(located))
}

function encounterDocument(
  bundle: PatientBundle,
  encounter: Located,
  clinical: readonly Located[],
  source: string,
  used: Set<Located>,
): SourceDocument {
  const type = encounterType(encounter.resource)
  const reason = conceptText(objectsAt(encounter.resource, 'type')[0])
  const date = dateOf(encounter.resource) ?? extreme(datesOf(clinical), 'earliest') ?? fallbackDate(bundle)
  const supporting = supportingOf(bundle, [encounter, ...clinical])
  const title = reason === undefined ? type.display : `${type.display}: ${reason}`
  for (const located of [...clinical, ...supporting]) used.add(located)
  const document = compose({ source, type, title, date, encounter, clinical, supporting }, bundle)
  // The title beside the document is a label on the ledger, so it says no more than the type does.
  return { source, type, title: type.display, date, bundle: document }
}

function summaryDocument(
  bundle: PatientBundle,
  clinical: readonly Located[],
  used: Set<Located>,
): SourceDocument {
  const source = sourceKey('summary', ...identityOf(bundle.patient))
  const date = extreme(datesOf(clinical), 'latest') ?? fallbackDate(bundle)
  const supporting = supportingOf(bundle, clinical)
  const title = 'Patient summary'
  for (const located of [...clinical, ...supporting]) used.add(located)
  const plan = { source, type: patientSummary, title, date, clinical, supporting }
  return { source, type: patientSummary, title, date, bundle: compose(plan, bundle) }
}

const datesOf = (resources: readonly Located[]): string[] =>
  resources.flatMap(({ resource }) => dateOf(resource) ?? [])

function fallbackDate({ timestamp }: PatientBundle): string {
  if (timestamp !== undefined && !Number.isNaN(Date.parse(timestamp)))
    return new Date(timestamp).toISOString()
  throw new BadInput('An encounter and all that belongs to it are without a date, and so is the Bundle.')
}

function countByType(resources: readonly Located[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const { resource } of resources) {
    counts.set(resource.resourceType, (counts.get(resource.resourceType) ?? 0) + 1)
  }
  return Object.fromEntries([...counts].sort(([one], [other]) => (one < other ? -1 : 1)))
}

import { clinicalTypes, sectionTitle, type ClinicalType } from './clinical.ts'
import { dateOf } from './dates.ts'
import {
  conceptText,
  isObject,
  objectAt,
  objectsAt,
  textAt,
  type Coding,
  type Json,
  type Located,
} from './resource.ts'
import { uuidFrom, type PatientBundle } from './bundle.ts'

/** A FHIR R4 Bundle of type `document`. */
export interface DocumentBundle extends Json {
  readonly resourceType: 'Bundle'
  readonly type: 'document'
  readonly entry: readonly Located[]
}

export interface DocumentPlan {
  /** Names the document for ever, see `sourceKey`. */
  readonly source: string
  readonly type: Coding
  readonly title: string
  readonly date: string
  readonly encounter?: Located
  readonly clinical: readonly Located[]
  readonly supporting: readonly Located[]
}

/**
 * Assembles a document Bundle (FHIR R4, "FHIR Documents"): Composition first, then the patient, the encounter, the
 * clinical resources and what they refer to, in the order of the source. Nothing in it is drawn at random, so that the
 * same source gives the same bytes.
 */
export function compose(plan: DocumentPlan, bundle: PatientBundle): DocumentBundle {
  const { source, encounter, clinical, supporting, date } = plan
  const entries = [bundle.patient, ...(encounter ? [encounter] : []), ...clinical, ...supporting]
  const composition = {
    fullUrl: `urn:uuid:${uuidFrom(`composition ${source}`)}`,
    resource: compositionOf(plan, bundle),
  }
  return {
    resourceType: 'Bundle',
    // What the source says of all of it holds for each part of it; the gateway finds the labels of the resources itself.
    ...(bundle.labels.length > 0 && { meta: { security: bundle.labels } }),
    identifier: { system: 'urn:medledger:source', value: source },
    type: 'document',
    timestamp: toInstant(date),
    entry: [
      composition,
      ...entries.map(({ fullUrl, resource }) => ({ fullUrl, resource: resource as Json })),
    ].map(({ fullUrl, resource }) => ({
      fullUrl,
      resource: rewrite(resource, bundle) as Located['resource'],
    })),
  }
}

function compositionOf(
  { type, title, date, encounter, clinical }: DocumentPlan,
  { patient }: PatientBundle,
): Json {
  const custodian = objectAt(encounter?.resource, 'serviceProvider')
  return {
    resourceType: 'Composition',
    status: 'final',
    type: { coding: [type] },
    subject: { reference: patient.fullUrl },
    ...(encounter && { encounter: { reference: encounter.fullUrl } }),
    date,
    author: authorsOf(encounter),
    title,
    ...(custodian && { custodian }),
    section: clinicalTypes.flatMap((section) => sectionOf(section, clinical)),
  }
}

function authorsOf(encounter: Located | undefined): readonly Json[] {
  const people = objectsAt(encounter?.resource, 'participant').flatMap((participant) => {
    const individual = objectAt(participant, 'individual')
    return individual === undefined ? [] : [individual]
  })
  return people.length > 0 ? people : [{ display: 'Not stated by the source' }]
}

function sectionOf(type: ClinicalType, clinical: readonly Located[]): Json[] {
  const members = clinical.filter(({ resource }) => resource.resourceType === type)
  if (members.length === 0) return []
  const lines = members.map(({ resource }) => `<li>${escapeXml(lineOf(resource))}</li>`)
  return [
    {
      title: sectionTitle(type),
      text: {
        status: 'generated',
        div: `<div xmlns="http://www.w3.org/1999/xhtml"><ul>${lines.join('')}</ul></div>`,
      },
      entry: members.map(({ fullUrl }) => ({ reference: fullUrl })),
    },
  ]
}

const codeMembers = ['code', 'medicationCodeableConcept', 'vaccineCode', 'type', 'description']

/** A resource as one line for people. */
function lineOf(resource: Json): string {
  const what =
    conceptText(objectAt(resource, 'suppliedItem')?.['itemCodeableConcept']) ??
    codeMembers.map((member) => conceptText(resource[member])).find((text) => text !== undefined) ??
    objectsAt(resource, 'category')
      .map(conceptText)
      .find((text) => text !== undefined) ??
    textAt(resource, 'resourceType') ??
    ''
  const date = dateOf(resource)
  return [what, valueOf(resource), date && `(${date.slice(0, 10)})`].filter((part) => part).join(' ')
}

function valueOf(resource: Json): string | undefined {
  const quantity = objectAt(resource, 'valueQuantity')
  const value = quantity?.['value']
  if (typeof value === 'number') return `${value} ${textAt(quantity, 'unit') ?? ''}`.trim()
  return (
    conceptText(resource['valueCodeableConcept']) ?? textAt(resource, 'valueString') ?? componentsOf(resource)
  )
}

/** An observation of several values, such as a blood pressure, has them in its components. */
function componentsOf(resource: Json): string | undefined {
  const values = objectsAt(resource, 'component').map((component) =>
    [conceptText(component['code']), valueOf(component)].filter((part) => part).join(' '),
  )
  return values.length === 0 ? undefined : values.join(', ')
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
export const escapeXml = (text: string): string =>
  text.replaceAll(/[&<>"]/g, (character) => escapes[character] ?? character)

const toInstant = (date: string): string =>
  date.includes('T') ? date : `${`${date}-01-01`.slice(0, 10)}T00:00:00Z`

/**
 * Makes references work inside a document: one that leads into the bundle gets the target's `fullUrl`; a search for an
 * identifier, which only a transaction may use, becomes a reference by that identifier.
 */
function rewrite(value: unknown, bundle: PatientBundle): unknown {
  if (Array.isArray(value)) return value.map((item) => rewrite(item, bundle))
  if (!isObject(value)) return value
  const { reference, ...rest } = value
  const members = Object.entries(rest).map(([name, inner]) => [name, rewrite(inner, bundle)] as const)
  if (reference === undefined) return Object.fromEntries(members)
  const rewritten =
    typeof reference === 'string'
      ? rewriteReference(reference, bundle)
      : { reference: rewrite(reference, bundle) }
  return { ...rewritten, ...Object.fromEntries(members) }
}

const search = /^(?<type>[A-Z][A-Za-z]+)\?identifier=(?<system>[^|]*)\|(?<value>.+)$/

function rewriteReference(reference: string, { resolve }: PatientBundle): Json {
  const target = resolve(reference)
  if (target !== undefined) return { reference: target.fullUrl }
  const groups = search.exec(reference)?.groups
  if (groups === undefined) return { reference }
  const { type, system, value } = groups
  return { type, identifier: { system, value } }
}

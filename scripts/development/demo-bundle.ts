/** What the demonstration says in one document; people and findings are invented. */
export interface DemoContent {
  readonly id: string
  readonly type: { readonly system: string; readonly code: string; readonly display: string }
  readonly title: string
  readonly date: string
  readonly subject: {
    readonly given: string
    readonly family: string
    readonly gender: string
    readonly birthDate: string
  }
  readonly organisation: string
  readonly writer?: string
  /** Of the document (HL7 v3 Confidentiality); Normal where it says none. */
  readonly confidentiality?: 'R'
  readonly sections: readonly DemoSection[]
}

export interface DemoSection {
  readonly title: string
  readonly lines: readonly string[]
  readonly resources: readonly (Readonly<Record<string, unknown>> & { readonly resourceType: string })[]
}

interface Entry {
  readonly fullUrl: string
  readonly resource: object
}

/** A UUID that belongs to one place in one document, so that the same document is always the same bytes. */
function urlOf({ id }: DemoContent, position: number): string {
  const hex = id.slice(id.lastIndexOf('-') + 1)
  const last = position.toString(16).padStart(12, '0')
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${last}`
}

const asText = (html: string): object => ({
  status: 'generated',
  div: `<div xmlns="http://www.w3.org/1999/xhtml">${html}</div>`,
})

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

function patientOf({ subject }: DemoContent): object {
  const { given, family, gender, birthDate } = subject
  return { resourceType: 'Patient', name: [{ use: 'official', given: [given], family }], gender, birthDate }
}

function writerOf({ writer }: DemoContent): object {
  return { resourceType: 'Practitioner', name: [{ text: writer }] }
}

/** AllergyIntolerance is the one resource here that says `patient` where the others say `subject`. */
const withSubject = (resource: DemoSection['resources'][number], reference: string): object =>
  resource.resourceType === 'AllergyIntolerance'
    ? { ...resource, patient: { reference } }
    : { ...resource, subject: { reference } }

/** A FHIR R4 Bundle of type `document`: Composition, Patient, Organization, the writer, then what the sections hold. */
export function demoBundle(content: DemoContent): Record<string, unknown> {
  const { id, type, title, date, organisation, writer, confidentiality, sections } = content
  let position = 0
  const next = (): string => {
    position += 1
    return urlOf(content, position)
  }
  const composition = next()
  const patient: Entry = { fullUrl: next(), resource: patientOf(content) }
  const hospital: Entry = { fullUrl: next(), resource: { resourceType: 'Organization', name: organisation } }
  const author: Entry = writer === undefined ? hospital : { fullUrl: next(), resource: writerOf(content) }
  const parts = sections.map((section) => ({
    section,
    entries: section.resources.map((resource): Entry => ({
      fullUrl: next(),
      resource: withSubject(resource, patient.fullUrl),
    })),
  }))
  const head = {
    resourceType: 'Composition',
    status: 'final',
    type: { coding: [type] },
    subject: { reference: patient.fullUrl },
    date,
    author: [{ reference: author.fullUrl }],
    title,
    ...(confidentiality !== undefined && { confidentiality }),
    custodian: { reference: hospital.fullUrl },
    section: parts.map(({ section, entries }) => ({
      title: section.title,
      text: asText(`<ul>${section.lines.map((line) => `<li>${escape(line)}</li>`).join('')}</ul>`),
      entry: entries.map(({ fullUrl }) => ({ reference: fullUrl })),
    })),
  }
  const people = author === hospital ? [patient, hospital] : [patient, hospital, author]
  return {
    resourceType: 'Bundle',
    identifier: { system: 'urn:medledger:demonstration', value: id },
    type: 'document',
    timestamp: date.includes('T') ? date : `${date}T00:00:00Z`,
    entry: [{ fullUrl: composition, resource: head }, ...people, ...parts.flatMap(({ entries }) => entries)],
  }
}

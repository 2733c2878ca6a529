import { objectAt, objectsAt, textAt, type Json } from '../import/resource.ts'
import { matchesOf, narrativeLines } from './fhir.ts'
import { plain } from './output.ts'

const longestSection = 20

/** A document Bundle as a page to read: title, date, author, and each section's own words. */
export function summarise(bundle: unknown): string {
  const resources = matchesOf(bundle)
  const composition = resources.find(({ resourceType }) => resourceType === 'Composition')
  const patient = resources.find(({ resourceType }) => resourceType === 'Patient')
  const head = [
    textAt(composition, 'title') ?? 'Document',
    [textAt(composition, 'date'), nameOf(patient), textAt(patient, 'birthDate')].filter(Boolean).join(' · '),
  ]
  const sections = objectsAt(composition, 'section').flatMap(sectionLines)
  return [...head, ...sections].map((line) => `${plain(line)}\n`).join('')
}

function sectionLines(section: Json): string[] {
  const lines = narrativeLines(textAt(objectAt(section, 'text'), 'div') ?? '')
  const more = lines.length - longestSection
  return [
    '',
    textAt(section, 'title') ?? 'Section',
    ...lines.slice(0, longestSection).map((line) => `  ${line}`),
    ...(more > 0 ? [`  … and ${more} more; --json has all`] : []),
  ]
}

function nameOf(patient: Json | undefined): string | undefined {
  const [name] = objectsAt(patient, 'name')
  if (name === undefined) return undefined
  const given = Array.isArray(name['given']) ? name['given'].filter((part) => typeof part === 'string') : []
  return textAt(name, 'text') ?? [...given, textAt(name, 'family')].filter(Boolean).join(' ')
}

import { no, unknown, yes, type Truth } from '../truth.ts'
import type { Directory } from './directory.ts'
import { toTarget } from './reference.ts'

/** Whether a Reference is to the patient that a request is about. */
export type IsPatient = (reference: unknown) => Truth

export function patientMatcher(name: string, directory: Directory): IsPatient {
  const names = [...directory.expand([name])]
  const hasReference = names.some((known) => !known.includes('|'))
  const hasIdentifier = names.some((known) => known.includes('|'))
  return (value) => {
    const { reference, identifier } = toTarget(value)
    if ((reference && names.includes(reference)) || (identifier && names.includes(identifier))) return yes
    // A URN is a name of a resource that has others as well.
    const isLocal = reference !== undefined && !reference.startsWith('urn:')
    const isComparable = (isLocal && hasReference) || (identifier && hasIdentifier)
    return isComparable ? no : unknown
  }
}

import type { PatientBundle } from './bundle.ts'
import { objectsAt, textAt } from './resource.ts'
import { identityOf, sourceKey } from './split.ts'

/** What an import needs of a patient's demographics. */
export interface PatientNames {
  readonly given: string
  readonly family: string
  /** Names the patient across runs without saying who she is: SHA-256 of the source's identifier. */
  readonly source: string
}

/** The official name of the patient, else the first one; empty parts when there is none. */
export function patientNames({ patient }: PatientBundle): PatientNames {
  const names = objectsAt(patient.resource, 'name')
  const name = names.find(({ use }) => use === 'official') ?? names[0]
  const given: unknown[] = Array.isArray(name?.['given']) ? name['given'] : []
  return {
    given: typeof given[0] === 'string' ? given[0] : '',
    family: textAt(name, 'family') ?? '',
    source: sourceKey('patient', ...identityOf(patient)),
  }
}

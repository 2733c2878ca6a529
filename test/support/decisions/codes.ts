import { type Answer, answer } from './answer.ts'
import type { Coding, Purpose } from './case.ts'

export const actReason = 'http://terminology.hl7.org/CodeSystem/v3-ActReason'
export const actCode = 'http://terminology.hl7.org/CodeSystem/v3-ActCode'
export const observationValue = 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue'
export const confidentiality = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality'
export const consentScope = 'http://terminology.hl7.org/CodeSystem/consentscope'
export const consentCategory = 'http://terminology.hl7.org/CodeSystem/consentcategorycodes'
export const consentAction = 'http://terminology.hl7.org/CodeSystem/consentaction'
export const participationType = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType'
export const roleCode = 'http://terminology.hl7.org/CodeSystem/v3-RoleCode'
export const loinc = 'http://loinc.org'
export const resourceTypes = 'http://hl7.org/fhir/resource-types'
export const fhirTypes = 'http://hl7.org/fhir/fhir-types'

/** Code to the codes right above it; of v3-ActReason only what the arbitraries use. */
const purposeAbove: Readonly<Record<string, string>> = {
  TREAT: 'PurposeOfUse',
  CLINTRL: 'TREAT',
  COC: 'TREAT',
  ETREAT: 'TREAT',
  POPHLTH: 'TREAT',
  BTG: 'ETREAT',
  ERTREAT: 'ETREAT',
  HRESCH: 'PurposeOfUse',
  CLINTRCH: 'HRESCH',
  CLINTRCHNPC: 'CLINTRCH',
  HPAYMT: 'PurposeOfUse',
  HMARKT: 'PurposeOfUse',
  HOPERAT: 'PurposeOfUse',
  PATRQT: 'PurposeOfUse',
  PUBHLTH: 'PurposeOfUse',
}

const isPurposeCode = (code: string): boolean => code === 'PurposeOfUse' || Object.hasOwn(purposeAbove, code)

export const systemOfPurpose = (coding: Coding): string => coding.system ?? actReason

export const codingOf = (purpose: Purpose): Coding =>
  typeof purpose === 'string' ? { system: actReason, code: purpose } : purpose

/** Whether a purpose is understood: of v3-ActReason only the purposes of use are, of other systems every code is itself. */
export const isUnderstoodPurpose = (purpose: Coding): boolean =>
  purpose.code !== undefined && (systemOfPurpose(purpose) !== actReason || isPurposeCode(purpose.code))

const withAllAbove = (code: string | undefined): string[] =>
  code === undefined ? [] : [code, ...withAllAbove(purposeAbove[code])]

/** Whether a purpose of a rule is the purpose of a request or stands above it. */
export function covers(named: Coding, asked: Coding): Answer {
  if (!isUnderstoodPurpose(named) || !isUnderstoodPurpose(asked)) return 'unknown'
  if (systemOfPurpose(named) !== systemOfPurpose(asked)) return 'no'
  if (systemOfPurpose(named) !== actReason) return answer(named.code === asked.code)
  return answer(withAllAbove(asked.code).includes(named.code ?? ''))
}

/** The sensitivities that the arbitraries use, each with the codes right above it. */
const sensitivityAbove: Readonly<Record<string, readonly string[]>> = {
  ETH: [],
  HIV: [],
  SDV: [],
  SEX: [],
  SPI: [],
  PSY: ['SPI'],
  SUD: ['SPI'],
  ETHUD: ['ETH', 'SUD'],
  OPIOIDUD: ['ETH', 'SUD'],
}

export const isSensitivity = (code: string): boolean => Object.hasOwn(sensitivityAbove, code)

/** Whether a sensitivity is another one or stands below it. */
export const isOrIsUnder = (code: string, other: string): boolean =>
  code === other || (sensitivityAbove[code] ?? []).some((above) => isOrIsUnder(above, other))

/** From the least to the most confidential. */
export const levels: readonly string[] = ['U', 'L', 'M', 'N', 'R', 'V']

/** Codes of v3-ActCode that say how to handle data and not what it is about: no condition on a record. */
export const handling: ReadonlySet<string> = new Set(['NORDSCLCD', 'ENCRYPT', 'RESCOMPT', 'INFA'])

export const types: ReadonlySet<string> = new Set([
  'Basic',
  'Bundle',
  'CarePlan',
  'Composition',
  'Condition',
  'DocumentReference',
  'Encounter',
  'Flag',
  'Goal',
  'Immunization',
  'MedicationRequest',
  'Observation',
  'Patient',
  'Procedure',
])

export const privacyCategories: readonly Coding[] = [
  { system: consentScope, code: 'patient-privacy' },
  ...['59284-0', '57016-8', '57017-6', '64292-6'].map((code) => ({ system: loinc, code })),
  ...['IDSCL', 'IRDSCL', 'INFA', 'INFAO', 'INFASO'].map((code) => ({ system: actCode, code })),
]

export const otherCategories: readonly Coding[] = [
  ...['research', 'treatment', 'adr'].map((code) => ({ system: consentScope, code })),
  ...['acd', 'dnr', 'emrgonly', 'hcd', 'npp', 'polst', 'research', 'rsdid', 'rsreid'].map((code) => ({
    system: consentCategory,
    code,
  })),
  ...['RESEARCH', 'RSDID', 'RSREID', 'ICOL', 'EMRGONLY'].map((code) => ({ system: actCode, code })),
]

export const isAmong = (codings: readonly Coding[], coding: Coding): boolean =>
  codings.some(({ system, code }) => system === coding.system && code === coding.code)

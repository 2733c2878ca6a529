export const consentScope = 'http://terminology.hl7.org/CodeSystem/consentscope'
export const consentAction = 'http://terminology.hl7.org/CodeSystem/consentaction'
export const participationType = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType'
export const resourceTypeSystems = [
  'http://hl7.org/fhir/resource-types',
  'http://hl7.org/fhir/fhir-types',
] as const

const categoryCodes = 'http://terminology.hl7.org/CodeSystem/consentcategorycodes'
const loinc = 'http://loinc.org'
const actCode = 'http://terminology.hl7.org/CodeSystem/v3-ActCode'

/** HL7 consentaction. */
export const actions: readonly string[] = ['collect', 'access', 'use', 'disclose', 'correct']

/** HL7 consent-data-meaning. */
export const meanings = ['instance', 'related', 'dependents', 'authoredby'] as const

/**
 * Categories by which an R5 Consent, which has no scope, is one about privacy: LOINC's privacy consent documents, and v3
 * ActConsentType as far as it is about giving information.
 */
export const privacyCategories: ReadonlySet<string> = new Set([
  `${consentScope}|patient-privacy`,
  ...['59284-0', '57016-8', '57017-6', '64292-6'].map((code) => `${loinc}|${code}`),
  ...['IDSCL', 'IRDSCL', 'INFA', 'INFAO', 'INFASO'].map((code) => `${actCode}|${code}`),
])

/** Categories of consents to something else: treatment, research, advance directives. */
export const otherCategories: ReadonlySet<string> = new Set([
  ...['adr', 'research', 'treatment'].map((code) => `${consentScope}|${code}`),
  ...['acd', 'dnr', 'emrgonly', 'hcd', 'polst', 'research', 'rsdid', 'rsreid'].map(
    (code) => `${categoryCodes}|${code}`,
  ),
  ...['EMRGONLY', 'ICOL', 'RESEARCH', 'RSDID', 'RSREID'].map((code) => `${actCode}|${code}`),
])

/**
 * Roles of an actor that say that she receives information, for herself or for somebody whom she represents: beside a
 * reference they are no further condition.
 */
export const recipientRoles: ReadonlySet<string> = new Set(
  'IRCP PRCP DELEGATEE GRANTEE HPOWATT DPOWATT SPOWATT POWATT RESPRSN GUARD GUADLTM NOK AGNT ASSIGNED PROV EMP PAT'.split(
    ' ',
  ),
)

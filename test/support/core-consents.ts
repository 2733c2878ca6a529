import { readConsent, type Reading } from '../../chaincode/src/core/fhir/consent.ts'
import { readDirectory } from '../../chaincode/src/core/fhir/directory.ts'
import { patientMatcher } from '../../chaincode/src/core/fhir/patient.ts'
import type { Directive, Rule } from 'medledger-chaincode/core'

type Json = Record<string, unknown>

export const consentScope = 'http://terminology.hl7.org/CodeSystem/consentscope'
export const actCode = 'http://terminology.hl7.org/CodeSystem/v3-ActCode'
export const loinc = 'http://loinc.org'

export const concept = (system: string | undefined, ...codes: string[]): Json => ({
  coding: codes.map((code) => ({ ...(system && { system }), code })),
})

export const maria = { reference: 'Patient/maria' }

/** A Consent of Maria's in R4, to which a provision is added. */
export const r4 = {
  resourceType: 'Consent',
  status: 'active',
  scope: concept(consentScope, 'patient-privacy'),
  patient: maria,
}

/** The same in R5. */
export const r5 = {
  resourceType: 'Consent',
  status: 'active',
  category: [concept(loinc, '59284-0')],
  subject: maria,
  decision: 'deny',
}

const policyOf = (...codes: string[]): Json => concept('urn:medledger:default-policy', ...codes)

/** A Consent that chooses a default policy, in R4 and in R5. */
export const defaultPolicyOf = (...codes: string[]): Json => ({ ...r4, policyRule: policyOf(...codes) })
export function defaultPolicyOfR5(...codes: string[]): Json {
  const { decision: _decision, ...rest } = r5
  return { ...rest, regulatoryBasis: codes.map((code) => policyOf(code)) }
}

const isPatient = patientMatcher('Patient/maria', readDirectory([]))

/** What a Consent `c1` is to a decision about Maria. */
export const read = (resource: Json, zone = 'UTC'): Reading =>
  readConsent('c1', resource, { isPatient, zone })

export const directive = (root: Rule, more: Partial<Directive> = {}): Reading => ({
  kind: 'directive',
  directive: { consent: 'c1', root, ...more },
})

/** What was not understood of a Consent. */
export const unclear = (reading: Reading): readonly string[] | undefined =>
  reading.kind === 'directive' ? reading.directive.unclear : undefined

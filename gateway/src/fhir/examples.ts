import type { Consent } from 'fhir/r4.js'
import type { Descriptor, Entry } from 'medledger-chaincode/api'
import { toAuditEvent } from './audit-event.ts'
import { searchset } from './common.ts'
import { toPlacementExtension } from './consent.ts'
import { toDocumentReference } from './document-reference.ts'

/** Invented, for the document of the interface; what the gateway maps is mapped here too, so that it cannot differ. */
const id = (digit: string): string => digit.repeat(32)

export const examplePatient = id('a')
export const exampleDocument = `north-${id('d')}`
export const exampleConsent = id('c')
const doctor = id('e')

const descriptor: Descriptor = {
  document: exampleDocument,
  version: 1,
  patient: examplePatient,
  type: { system: 'http://loinc.org', code: '11502-2', display: 'Laboratory report' },
  title: 'Laboratory report',
  date: '2026-05-04',
  author: doctor,
  labels: [
    { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R', display: 'restricted' },
  ],
  related: ['Encounter/e-4711'],
  digest: '0'.repeat(64),
}

export const documentReferencesExample = searchset([toDocumentReference('north', descriptor)])

export const documentExample = {
  resourceType: 'Bundle',
  type: 'document',
  entry: [{ resource: { resourceType: 'Composition', title: 'Laboratory report' } }],
} as const

export const consentExample: Consent = {
  resourceType: 'Consent',
  status: 'active',
  scope: {
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
  },
  category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
  patient: { reference: `Patient/${examplePatient}` },
  provision: {
    type: 'permit',
    actor: [
      {
        role: {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }],
        },
        reference: { reference: `Practitioner/${doctor}` },
      },
    ],
  },
}

const reason = 'http://terminology.hl7.org/CodeSystem/v3-ActReason'
const types = 'http://hl7.org/fhir/fhir-types'

/** Doctors may see what is Normal but no observations, and one doctor everything. */
const consentOfR5Example = {
  resourceType: 'Consent',
  status: 'active',
  category: consentExample.category,
  subject: { reference: `Patient/${examplePatient}` },
  decision: 'deny',
  period: { end: '2027-12-31' },
  provision: [
    {
      actor: [{ reference: { identifier: { system: 'urn:medledger:role', value: 'doctor' } } }],
      purpose: [{ system: reason, code: 'TREAT' }],
      securityLabel: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' }],
      provision: [{ resourceType: [{ system: types, code: 'Observation' }] }],
    },
    { actor: [{ reference: { reference: `Practitioner/${doctor}` } }] },
  ],
} as const

const { provision: _rule, ...head } = consentExample
const defaultPolicyExample = {
  ...head,
  policyRule: { coding: [{ system: 'urn:medledger:default-policy', code: 'break-glass-only' }] },
} as const

/** What can be granted, by name. */
export const consentExamples = {
  'FHIR R4': consentExample,
  'FHIR R5': consentOfR5Example,
  'a default policy': defaultPolicyExample,
} as const

export const changedConsentExample: Consent = {
  ...consentExample,
  id: exampleConsent,
  extension: [toPlacementExtension({ custodian: 'north', entry: id('5'), isInForce: true })],
}

export const consentsExample = searchset([
  { ...consentExample, id: exampleConsent, organization: [{ reference: 'Organization/north' }] },
])

const entry: Entry = {
  entry: id('5'),
  kind: 'access',
  transactionId: '7'.repeat(64),
  at: '2026-05-04T09:30:00.000Z',
  custodian: 'north',
  patient: examplePatient,
  agent: {
    kind: 'person',
    id: doctor,
    name: 'Dr Wei Chen',
    organisation: 'south',
    through: 'south',
    role: 'doctor',
  },
  purpose: 'TREAT',
  outcome: 'permit',
  documents: [],
  assurance: 'attested',
  origin: 'online',
}

export const auditEventsExample = searchset([
  toAuditEvent({ entry, block: 20, position: 0, delivered: true }),
])

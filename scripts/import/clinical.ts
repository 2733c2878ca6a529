import { objectAt, textAt, type Coding, type Resource } from './resource.ts'

const loinc = 'http://loinc.org'
const document = (code: string, display: string): Coding => ({ system: loinc, code, display })

/** What {@link isClinical} resources are called as a section of a document, in the order of the sections. */
const sections = {
  AllergyIntolerance: 'Allergies and intolerances',
  Condition: 'Conditions',
  ClinicalImpression: 'Clinical impressions',
  DetectedIssue: 'Detected issues',
  AdverseEvent: 'Adverse events',
  RiskAssessment: 'Risk assessments',
  FamilyMemberHistory: 'Family history',
  MedicationRequest: 'Medication requests',
  MedicationStatement: 'Medication statements',
  MedicationAdministration: 'Medication administrations',
  MedicationDispense: 'Medication dispenses',
  Immunization: 'Immunizations',
  ImmunizationEvaluation: 'Immunization evaluations',
  ImmunizationRecommendation: 'Immunization recommendations',
  Procedure: 'Procedures',
  DiagnosticReport: 'Diagnostic reports',
  Observation: 'Observations',
  ImagingStudy: 'Imaging studies',
  Media: 'Media',
  Specimen: 'Specimens',
  BodyStructure: 'Body structures',
  MolecularSequence: 'Molecular sequences',
  QuestionnaireResponse: 'Questionnaire responses',
  DocumentReference: 'Notes and attachments',
  CarePlan: 'Care plans',
  CareTeam: 'Care teams',
  Goal: 'Goals',
  ServiceRequest: 'Service requests',
  RequestGroup: 'Request groups',
  NutritionOrder: 'Nutrition orders',
  VisionPrescription: 'Vision prescriptions',
  Communication: 'Communications',
  CommunicationRequest: 'Communication requests',
  Device: 'Devices',
  DeviceRequest: 'Device requests',
  DeviceUseStatement: 'Device use',
  GuidanceResponse: 'Guidance',
  SupplyRequest: 'Supply requests',
  SupplyDelivery: 'Supplies delivered',
  Flag: 'Flags',
} as const

export type ClinicalType = keyof typeof sections

/** The order in which a document's sections appear. */
export const clinicalTypes = Object.keys(sections) as readonly ClinicalType[]

export const sectionTitle = (type: ClinicalType): string => sections[type]

/**
 * Whether a resource type is part of a patient's clinical record: the types that the FHIR R4 resource index lists under
 * "Clinical" and that have a patient, and besides them DocumentReference (notes), Device (implants) and Flag (alerts).
 */
export const isClinical = (type: string): type is ClinicalType => Object.hasOwn(sections, type)

/** What a document needs in order to be understood, taken along when something in it refers to it. */
const supporting = new Set([
  'Practitioner',
  'PractitionerRole',
  'Organization',
  'Location',
  'HealthcareService',
  'Medication',
  'Substance',
  'RelatedPerson',
])

export const isSupporting = (type: string): boolean => supporting.has(type)

/** LOINC's type of a patient summary, the one of the International Patient Summary. */
export const patientSummary = document('60591-5', 'Patient summary Document')

const note = document('34133-9', 'Summary of episode note')
const inpatient = document('18842-5', 'Discharge summary')

/**
 * An encounter's document type, from its class (HL7 v3 ActCode, ActEncounterCode): the general LOINC note of that
 * setting; for every other class the summary of an episode.
 */
const noteOfClass: Readonly<Record<string, Coding>> = {
  AMB: document('34108-1', 'Outpatient Note'),
  EMER: document('34878-9', 'Emergency medicine Note'),
  IMP: inpatient,
  ACUTE: inpatient,
  NONAC: inpatient,
  VR: document('75496-0', 'Telehealth Note'),
}

export function encounterType(encounter: Resource): Coding {
  const code = textAt(objectAt(encounter, 'class'), 'code') ?? ''
  return Object.hasOwn(noteOfClass, code) ? (noteOfClass[code] ?? note) : note
}

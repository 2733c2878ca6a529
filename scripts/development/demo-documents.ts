import { demoBundle, type DemoContent } from './demo-bundle.ts'

/** A document of the demonstration: invented, and the same in every instance. */
export interface DemoDocument extends DemoContent {
  readonly custodian: string
  /** User name of the patient. */
  readonly patient: string
  /** User name of the registered person who wrote it. */
  readonly author?: string
  readonly bundle: Readonly<Record<string, unknown>>
}

interface Draft extends Omit<DemoContent, 'subject' | 'organisation' | 'writer'> {
  readonly custodian: 'north' | 'south'
  readonly patient: 'maria' | 'tomas'
  readonly author?: 'dr.okafor' | 'dr.chen'
}

const loinc = (code: string, display: string): DemoContent['type'] => ({
  system: 'http://loinc.org',
  code,
  display,
})

const types = {
  laboratory: loinc('11502-2', 'Laboratory report'),
  discharge: loinc('18842-5', 'Discharge summary'),
  summary: loinc('60591-5', 'Patient summary Document'),
  imaging: loinc('18748-4', 'Diagnostic imaging study'),
  psychiatry: loinc('34788-0', 'Psychiatry Consult note'),
}

const concept = (text: string, system: string, code: string): object => ({
  coding: [{ system, code, display: text }],
  text,
})
const snomed = (code: string, text: string): object => concept(text, 'http://snomed.info/sct', code)
const measure = (code: string, text: string): object => concept(text, 'http://loinc.org', code)
const clinicalStatus = (resource: 'condition' | 'allergyintolerance', code: string): object => ({
  coding: [{ system: `http://terminology.hl7.org/CodeSystem/${resource}-clinical`, code }],
})

const psychiatric = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY' }

const value = (quantity: number, unit: string): object => ({
  value: quantity,
  unit,
  system: 'http://unitsofmeasure.org',
  code: unit,
})

const drafts: readonly Draft[] = [
  {
    id: 'north-6d1f0a3c52b84e979c0e4ab17f25d801',
    custodian: 'north',
    patient: 'maria',
    author: 'dr.okafor',
    type: types.laboratory,
    title: 'Laboratory report',
    date: '2026-03-04T08:40:00+01:00',
    sections: [
      {
        title: 'Results',
        lines: [
          'Haemoglobin A1c 48 mmol/mol (reference below 42)',
          'Creatinine 71 µmol/L (reference 45 to 84)',
        ],
        resources: [
          {
            resourceType: 'DiagnosticReport',
            status: 'final',
            code: measure('11502-2', 'Laboratory report'),
            effectiveDateTime: '2026-03-04T08:40:00+01:00',
          },
          {
            resourceType: 'Observation',
            status: 'final',
            code: measure('59261-8', 'Haemoglobin A1c/Haemoglobin.total in Blood by IFCC protocol'),
            effectiveDateTime: '2026-03-04T08:40:00+01:00',
            valueQuantity: value(48, 'mmol/mol'),
          },
          {
            resourceType: 'Observation',
            status: 'final',
            code: measure('14682-9', 'Creatinine [Moles/volume] in Serum or Plasma'),
            effectiveDateTime: '2026-03-04T08:40:00+01:00',
            valueQuantity: value(71, 'umol/L'),
          },
        ],
      },
    ],
  },
  {
    id: 'north-b8e2947d06fc4d1183a5c97e10f3426a',
    custodian: 'north',
    patient: 'maria',
    type: types.discharge,
    title: 'Discharge summary',
    date: '2025-11-19',
    sections: [
      {
        title: 'Diagnosis',
        lines: ['Community acquired pneumonia, recovered'],
        resources: [
          {
            resourceType: 'Condition',
            code: snomed('385093006', 'Community acquired pneumonia'),
            recordedDate: '2025-11-14',
            clinicalStatus: clinicalStatus('condition', 'resolved'),
          },
        ],
      },
      {
        title: 'Medication on discharge',
        lines: ['Amoxicillin 500 mg three times a day for five days'],
        resources: [
          {
            resourceType: 'MedicationRequest',
            status: 'completed',
            intent: 'order',
            medicationCodeableConcept: { text: 'Amoxicillin 500 mg capsule' },
            authoredOn: '2025-11-19',
          },
        ],
      },
    ],
  },
  {
    // Not for whom may see what is Normal, by its own label and that of what is in it.
    id: 'north-4a9c63e1d7f04b2583e6b05d19c8f742',
    custodian: 'north',
    patient: 'maria',
    type: types.psychiatry,
    title: 'Consultation',
    date: '2025-12-09',
    confidentiality: 'R',
    sections: [
      {
        title: 'Assessment',
        lines: ['Adjustment disorder, follow-up in six weeks'],
        resources: [
          {
            resourceType: 'Condition',
            meta: { security: [psychiatric] },
            code: snomed('17226007', 'Adjustment disorder'),
            recordedDate: '2025-12-09',
            clinicalStatus: clinicalStatus('condition', 'active'),
          },
        ],
      },
    ],
  },
  {
    id: 'south-41c7d9e8350b4f62a96d2b0c8e7f1593',
    custodian: 'south',
    patient: 'maria',
    author: 'dr.chen',
    type: types.imaging,
    title: 'Chest radiograph',
    date: '2025-11-15T16:20:00+01:00',
    sections: [
      {
        title: 'Findings',
        lines: ['Consolidation of the right lower lobe, no effusion'],
        resources: [
          {
            resourceType: 'DiagnosticReport',
            status: 'final',
            code: measure('36643-5', 'XR Chest 2 Views'),
            effectiveDateTime: '2025-11-15T16:20:00+01:00',
            conclusion: 'Consolidation of the right lower lobe, no effusion',
          },
        ],
      },
    ],
  },
  {
    id: 'south-0f92b6a1c4d84e37b5708e3d6a9c2f14',
    custodian: 'south',
    patient: 'tomas',
    type: types.summary,
    title: 'Patient summary',
    date: '2026-01-22',
    sections: [
      {
        title: 'Allergies and intolerances',
        lines: ['Penicillin: rash'],
        resources: [
          {
            resourceType: 'AllergyIntolerance',
            clinicalStatus: clinicalStatus('allergyintolerance', 'active'),
            code: snomed('764146007', 'Penicillin'),
            recordedDate: '2019-05-02',
          },
        ],
      },
      {
        title: 'Conditions',
        lines: ['Essential hypertension'],
        resources: [
          {
            resourceType: 'Condition',
            clinicalStatus: clinicalStatus('condition', 'active'),
            code: snomed('59621000', 'Essential hypertension'),
            recordedDate: '2021-09-13',
          },
        ],
      },
    ],
  },
  {
    id: 'north-e3a50d7f91684bc2874f6c1b29d0a85e',
    custodian: 'north',
    patient: 'tomas',
    author: 'dr.okafor',
    type: types.laboratory,
    title: 'Laboratory report',
    date: '2026-02-10T07:55:00+01:00',
    sections: [
      {
        title: 'Results',
        lines: ['Potassium 4.2 mmol/L (reference 3.5 to 5.1)'],
        resources: [
          {
            resourceType: 'Observation',
            status: 'final',
            code: measure('2823-3', 'Potassium [Moles/volume] in Serum or Plasma'),
            effectiveDateTime: '2026-02-10T07:55:00+01:00',
            valueQuantity: value(4.2, 'mmol/L'),
          },
        ],
      },
    ],
  },
]

const subjects = {
  maria: { given: 'Maria', family: 'Lindqvist', gender: 'female', birthDate: '1968-07-21' },
  tomas: { given: 'Tomas', family: 'Vavra', gender: 'male', birthDate: '1957-02-03' },
} as const
const hospitals = { north: 'North Hospital', south: 'South Hospital' } as const
const writers = { 'dr.okafor': 'Dr Adaeze Okafor', 'dr.chen': 'Dr Wei Chen' } as const

/** Every document of the demonstration; the first is the one that the story is about. */
export const demoDocuments: readonly DemoDocument[] = drafts.map((draft) => {
  const content: DemoContent = {
    ...draft,
    subject: subjects[draft.patient],
    organisation: hospitals[draft.custodian],
    ...(draft.author !== undefined && { writer: writers[draft.author] }),
  }
  return { ...content, ...draft, bundle: demoBundle(content) }
})

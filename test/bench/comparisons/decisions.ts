import {
  decide,
  decideCase,
  describedRecord,
  toDirective,
  utc,
  type Directive,
  type Facts,
} from 'medledger-chaincode/core'
import type { Arm, Comparison } from '../rounds.ts'

type Json = Record<string, unknown>

const actCode = 'http://terminology.hl7.org/CodeSystem/v3-ActCode'
const actReason = 'http://terminology.hl7.org/CodeSystem/v3-ActReason'
const loinc = 'http://loinc.org'
const at = '2026-06-01T12:00:00Z'

const handleOf = (index: number): string => index.toString(16).padStart(32, '0')
const patient = { reference: `Patient/${handleOf(0)}` }
const actorOf = (reference: string): Json[] => [{ reference: { reference } }]
const concept = (system: string, code: string): Json => ({ coding: [{ system, code }] })
const purpose = [{ system: actReason, code: 'TREAT' }]
const psychiatry = { securityLabel: [{ system: actCode, code: 'PSY' }] }

/** What patients say, in turn; a deny of each of them leaves the asker's records alone. */
function provisionOf(index: number): Json {
  const person = actorOf(`Practitioner/${handleOf(index)}`)
  const kinds: readonly Json[] = [
    {
      type: 'permit',
      actor: actorOf('Organization/south'),
      purpose,
      provision: [{ type: 'deny', ...psychiatry }],
    },
    { type: 'deny', actor: person },
    { type: 'permit', actor: person, purpose, period: { end: '2027-12-31' } },
    { type: 'deny', code: [concept(loinc, `${index}-0`)] },
  ]
  return kinds[index % kinds.length] ?? {}
}

const inR4 = (provision: Json): Json => ({
  resourceType: 'Consent',
  status: 'active',
  scope: concept('http://terminology.hl7.org/CodeSystem/consentscope', 'patient-privacy'),
  patient,
  provision,
})

function directiveOf(index: number): Directive {
  const mapped = toDirective(handleOf(index), inR4(provisionOf(index)), utc)
  if (mapped.kind !== 'directive') throw new Error('the bench writes a Consent that is none')
  return mapped.directive
}

/** A doctor of South asks for a document, as the chaincode puts it. */
const factsOf = (directives: number): Facts => ({
  at: Date.parse(at),
  purposes: ['TREAT'],
  action: 'access',
  asker: {
    references: new Set([`Practitioner/${handleOf(9999)}`, 'Organization/south']),
    identifiers: new Set(['urn:medledger:role|doctor']),
    groups: new Set(),
    role: 'doctor',
  },
  directives: Array.from({ length: directives }, (_none, index) => directiveOf(index)),
  defaultPolicy: 'deny',
  combining: 'deny-overrides',
  records: [
    describedRecord(
      {
        document: `north-${handleOf(1)}`,
        type: { system: loinc, code: '34133-9' },
        date: '2026-05-01',
        author: handleOf(2),
        labels: [{ system: actCode, code: 'HIV' }],
      },
      utc,
    ),
  ],
})

/** An operation of a thousand decisions: so many milliseconds of it are as many microseconds of one. */
const batch = 1000

function armOf(directives: number): Arm {
  const facts = factsOf(directives)
  if (decide(facts).records[0]?.outcome !== 'permit') throw new Error('the bench decides on what is denied')
  const run = async (): Promise<void> => {
    for (let count = 0; count < batch; count += 1) decide(facts)
  }
  return { name: `${directives} directives`, processes: [], run }
}

/** "All but these", which both dialects can say: the part that is left out, with an exception, alternates in R5. */
function allBut(index: number, dialect: 'R4' | 'R5'): Json {
  const [inner, outer, root] =
    dialect === 'R4' ? [{ type: 'permit' }, { type: 'deny' }, { type: 'permit' }] : [{}, {}, {}]
  const exception = { ...inner, actor: actorOf(`Practitioner/${handleOf(index)}`), purpose }
  const provision = [{ ...outer, ...psychiatry, provision: [exception] }]
  if (dialect === 'R4') return inR4({ ...root, provision })
  const category = [concept(loinc, '59284-0')]
  return {
    resourceType: 'Consent',
    status: 'active',
    category,
    subject: patient,
    decision: 'permit',
    provision,
  }
}

/** A tenth as many, each read from FHIR. */
function caseArmOf(dialect: 'R4' | 'R5'): Arm {
  const input = {
    consents: Array.from({ length: 10 }, (_none, index) => allBut(index, dialect)),
    request: { patient, actors: [{ reference: 'Organization/south' }], purpose: ['TREAT'], at },
    records: [{ resourceType: 'Observation', id: 'o', subject: patient, code: concept(loinc, '8480-6') }],
    defaultPolicy: 'deny',
  }
  if (decideCase(input).outcome !== 'permit') throw new Error('the bench decides on what is denied')
  const run = async (): Promise<void> => {
    for (let count = 0; count < batch / 10; count += 1) decideCase(input)
  }
  return { name: `${dialect}, from FHIR`, processes: [], run }
}

/** What a decision costs by itself: in this process, without any ledger, its trace included. */
export const compareDecisions = (): Comparison[] => [
  {
    name: 'decisions, 10 : 100 directives',
    operation: '1,000 decisions on one document, directives in the ledger’s own form',
    inFlight: 1,
    arms: [armOf(10), armOf(100)],
  },
  {
    name: 'decisions, R4 : R5',
    operation: '100 cases of ten Consents and one record, read from FHIR and decided',
    inFlight: 1,
    arms: [caseArmOf('R4'), caseArmOf('R5')],
  },
]

import type { Asker, Directive, Facts, RecordFacts, Rule } from 'medledger-chaincode/core'

/** A record of the patient in the words of the decision: an unlabelled, undated Observation that nobody signed. */
export const recordFacts = (more: Partial<RecordFacts> = {}): RecordFacts => ({
  id: 'Observation/o1',
  ours: 2,
  type: 'Observation',
  classes: [],
  codes: [],
  allCodes: [],
  confidentiality: 3,
  sensitivities: [],
  authors: [],
  isAuthorUnclear: true,
  references: [],
  ...more,
})

/** Dr Chen, doctor at South. */
export const asker: Asker = {
  references: new Set(['Practitioner/chen', 'Organization/south']),
  identifiers: new Set(['urn:gln|7601000000001']),
  groups: new Set(),
  role: 'doctor',
}

/** She asks for one record for treatment, under the policy `deny` and no directive. */
export const factsOf = (more: Partial<Facts> = {}): Facts => ({
  at: 1000,
  purposes: ['TREAT'],
  action: 'access',
  asker,
  directives: [],
  defaultPolicy: 'deny',
  combining: 'deny-overrides',
  records: [recordFacts()],
  ...more,
})

export const permit = (more: Omit<Rule, 'effect'> = {}): Rule => ({ effect: 'permit', ...more })
export const deny = (more: Omit<Rule, 'effect'> = {}): Rule => ({ effect: 'deny', ...more })

export const directiveOf = (root: Rule, consent = 'c1', more: Partial<Directive> = {}): Directive => ({
  consent,
  root,
  ...more,
})

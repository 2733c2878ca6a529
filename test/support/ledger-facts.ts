import * as fc from 'fast-check'
import type { Actor, Asker, Directive, Facts, RecordFacts } from 'medledger-chaincode/core'

/** Few values of each kind, so that directives and askers often meet. */
const id = fc.constantFrom('p1', 'p2', 'p3')
const organisation = fc.constantFrom('north', 'south', 'authority')
const role = fc.constantFrom('doctor', 'patient', 'auditor')
const purpose = fc.constantFrom('TREAT', 'BTG', 'HRESCH')
const system = fc.constantFrom('http://loinc.org', 'urn:x')
const code = fc.constantFrom('a', 'b', 'c')
const instant = fc.integer({ min: 0, max: 20 })

const actor: fc.Arbitrary<Actor> = fc.oneof(
  fc.record({ person: id }),
  fc.record({ organisation }),
  fc.record({ role }),
)

const few = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value[]> =>
  fc.array(value, { minLength: 1, maxLength: 2 })

const type = fc.record({ system, code }, { requiredKeys: ['code'] })

export const directive: fc.Arbitrary<Directive> = fc.record(
  {
    consent: fc.constantFrom('c1', 'c2', 'c3', 'c4'),
    effect: fc.constantFrom('permit', 'deny'),
    actors: few(actor),
    purposes: few(purpose),
    types: few(type),
    start: instant,
    end: instant,
  },
  { requiredKeys: ['consent', 'effect'] },
)

const record: fc.Arbitrary<Omit<RecordFacts, 'id'>> = fc.record(
  { type: fc.record({ system, code }), author: id },
  { requiredKeys: ['type'] },
)

const asker: fc.Arbitrary<Asker> = fc.record({
  kind: fc.constantFrom('person', 'patient'),
  id,
  role,
  organisation,
})

/** Any facts, consistent or not; records have ids of their own. */
export const facts: fc.Arbitrary<Facts> = fc.record({
  at: instant,
  purpose,
  asker,
  patient: id,
  custodian: organisation,
  directives: fc.array(directive, { maxLength: 5 }),
  defaultPolicy: fc.constantFrom('deny', 'basic-normal'),
  records: fc
    .array(record, { maxLength: 4 })
    .map((records) => records.map((rest, index) => ({ ...rest, id: `d${index}` }))),
})

/** Facts in which somebody other than the patient asks. */
export const factsOfOthers = facts.filter(
  ({ asker, patient }) => asker.kind !== 'patient' || asker.id !== patient,
)

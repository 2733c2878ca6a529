import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decide, type Decision, type Directive, type Facts } from 'medledger-chaincode/core'
import { directive, facts, factsOfOthers } from '../../support/ledger-facts.ts'

type Records = Decision['records']
const outcomesOf = (records: Records): string[] => records.map(({ outcome }) => outcome)
const withDirective = (given: Facts, added: Directive): Facts => ({
  ...given,
  directives: [...given.directives, added],
})

/** Runs a property over many facts: directives and askers meet often, but not always. */
const always = <Values extends [unknown, ...unknown[]]>(
  property: fc.IPropertyWithHooks<Values>,
  numRuns = 1000,
): void => fc.assert(property, { numRuns })

describe('always', () => {
  test('a deny trumps every permit', () => {
    always(
      fc.property(factsOfOthers, (given) => {
        const denyAll: Directive = { consent: 'c9', effect: 'deny' }
        const { outcome, records } = decide(withDirective(given, denyAll))
        expect(outcome).toBe('deny')
        for (const record of records) {
          expect(record).toMatchObject({ outcome: 'deny', basis: 'directive' })
          expect(record.basedOn).toContain('c9')
        }
      }),
    )
  })

  test('a deny that alone denies a record denies it among any others', () => {
    always(
      fc.property(factsOfOthers, directive, (given, added) => {
        const deny: Directive = { ...added, effect: 'deny' }
        const alone = decide({ ...given, directives: [deny] }).records
        const among = decide(withDirective(given, deny)).records
        for (const [index, { basis }] of alone.entries()) {
          if (basis === 'directive') expect(among[index]?.outcome).toBe('deny')
        }
      }),
    )
  })

  test('the order of directives does not matter', () => {
    const shuffled = facts.chain((given) =>
      fc.tuple(
        fc.constant(given),
        fc.shuffledSubarray([...given.directives], { minLength: given.directives.length }),
      ),
    )
    always(
      fc.property(shuffled, ([given, directives]) => {
        const { residual: _order, ...rest } = decide({ ...given, directives })
        expect(rest).toEqual({ ...decide(given), residual: undefined })
      }),
    )
  })

  test('a directive that occurs twice counts once', () => {
    always(
      fc.property(facts, (given) => {
        const twice = { ...given, directives: [...given.directives, ...given.directives] }
        expect(decide(twice).records).toEqual(decide(given).records)
      }),
    )
  })

  test('adding a permit never denies', () => {
    always(
      fc.property(facts, directive, (given, added) => {
        const before = outcomesOf(decide(given).records)
        const after = outcomesOf(decide(withDirective(given, { ...added, effect: 'permit' })).records)
        for (const [index, outcome] of before.entries()) {
          if (outcome === 'permit') expect(after[index]).toBe('permit')
        }
      }),
    )
  })

  test('adding a deny never permits', () => {
    always(
      fc.property(facts, directive, (given, added) => {
        const before = outcomesOf(decide(given).records)
        const after = outcomesOf(decide(withDirective(given, { ...added, effect: 'deny' })).records)
        for (const [index, outcome] of before.entries()) {
          if (outcome === 'deny') expect(after[index]).toBe('deny')
        }
      }),
    )
  })

  test('a patient always sees her own', () => {
    always(
      fc.property(facts, (given) => {
        const asker = { ...given.asker, kind: 'patient', id: given.patient } as const
        const { outcome, records } = decide({ ...given, asker })
        expect(outcome).toBe('permit')
        for (const record of records) expect(record).toMatchObject({ outcome: 'permit', basis: 'self' })
      }),
    )
  })

  test('a member of staff with the handle of a patient is not that patient', () => {
    always(
      fc.property(facts, (given) => {
        const asker = { ...given.asker, kind: 'person', id: given.patient } as const
        for (const { basis } of decide({ ...given, asker }).records) expect(basis).not.toBe('self')
      }),
    )
  })

  test('an expired directive changes nothing', () => {
    always(
      fc.property(facts, directive, (given, added) => {
        const expired = { ...added, consent: 'c9', end: given.at - 1 }
        expect(decide(withDirective(given, expired)).records).toEqual(decide(given).records)
        expect(decide(withDirective(given, expired)).outcome).toBe(decide(given).outcome)
      }),
    )
  })

  test('a directive that has not begun changes nothing', () => {
    always(
      fc.property(facts, directive, (given, added) => {
        const future = { ...added, consent: 'c9', start: given.at + 1 }
        expect(decide(withDirective(given, future)).records).toEqual(decide(given).records)
      }),
    )
  })

  test('nobody else is permitted without a directive or the default policy', () => {
    always(
      fc.property(factsOfOthers, (given) => {
        const { records } = decide({ ...given, directives: [], defaultPolicy: 'deny' })
        for (const record of records) expect(record).toMatchObject({ outcome: 'deny', basedOn: [] })
      }),
    )
  })

  test('one record’s decision does not depend on the others', () => {
    always(
      fc.property(facts, (given) => {
        const together = decide(given).records
        const apart = given.records.map((record) => decide({ ...given, records: [record] }).records[0])
        expect(together).toEqual(apart)
      }),
    )
  })

  test('a decision names only directives of the patient that have its effect', () => {
    always(
      fc.property(facts, (given) => {
        for (const { outcome, basis, basedOn } of decide(given).records) {
          expect(basedOn.length > 0).toBe(basis === 'directive')
          for (const consent of basedOn) {
            const named = given.directives.some(
              (known) => known.consent === consent && known.effect === outcome,
            )
            expect(named).toBe(true)
          }
        }
      }),
    )
  })

  test('a record is permitted only when the whole permits', () => {
    always(
      fc.property(facts, (given) => {
        const { outcome, records } = decide(given)
        if (outcome === 'deny') expect(outcomesOf(records)).not.toContain('permit')
      }),
    )
  })

  test('decide is total and deterministic', () => {
    always(
      fc.property(facts, (given) => {
        const before = structuredClone(given)
        const decision = decide(given)
        expect(decide(structuredClone(given))).toEqual(decision)
        expect(given).toEqual(before)
        expect(decision.records.map(({ id }) => id)).toEqual(given.records.map(({ id }) => id))
        expect(decision.trace).toHaveLength(given.directives.length)
      }),
    )
  })
})

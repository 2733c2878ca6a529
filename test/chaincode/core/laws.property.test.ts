import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { decideCase } from 'medledger-chaincode/core'
import { consent, defaultPolicy, records } from '../../support/decisions/arbitrary.ts'
import type { Consent, DecisionCase } from '../../support/decisions/case.ts'
import { dialectOf } from '../../support/decisions/directive.ts'
import {
  chances,
  type Decide,
  essence,
  namedCase,
  onlyRules,
  opened,
  outcomesOf,
  privacyConsent,
  purposes,
  reasonNotToCount,
  shuffled,
  strictCase,
  withConsents,
  withoutEffect,
  withUnknownCodes,
} from '../../support/decisions/laws.ts'
import { referenceDecide } from '../../support/decisions/reference.ts'
import { alternating, inR4, inR5 } from '../../support/decisions/render.ts'
import { seedOfSuite } from '../../support/seed.ts'

// The reference is naive, and the machine may be busy.
vi.setConfig({ testTimeout: 120_000 })

const always = <Values extends [unknown, ...unknown[]]>(
  property: fc.IPropertyWithHooks<Values>,
  numRuns = 250,
): void => fc.assert(property, { numRuns, seed: seedOfSuite })

const adding = (input: DecisionCase, ...added: readonly Consent[]): DecisionCase =>
  withConsents(input, [...input.consents, ...added])

const forPurpose = (input: DecisionCase, ...purpose: readonly string[]): DecisionCase => ({
  ...input,
  request: { ...input.request, purpose },
})

/** A case about a patient known by reference, so that directives which name them so are about them. */
const ofKnownPatient = (input: DecisionCase): DecisionCase => ({
  ...input,
  request: { ...input.request, patient: 'Patient/p' },
})

const deciders: readonly (readonly [string, Decide])[] = [
  ['the reference', referenceDecide],
  ['the product', decideCase],
]

describe.each(deciders)('%s', (_name, decide) => {
  test('the order of directives, records, actors and repeated codes does not matter', () => {
    always(
      fc.property(namedCase, chances, (input, random) => {
        const consents = shuffled(input.consents, random) as Consent[]
        // R4 has one provision at the root; what came in once stays once.
        const unique = [...new Map(consents.map((each) => [each.id, each])).values()]
        const mixed = {
          ...input,
          consents: unique,
          request: shuffled(input.request, random) as DecisionCase['request'],
          records: [...input.records].sort(() => random() - 0.5),
        }
        expect(essence(decide(mixed))).toEqual(essence(decide(input)))
      }),
    )
  })

  test('adding a directive of only deny rules never turns deny into permit', () => {
    always(
      fc.property(strictCase, onlyRules('deny'), (input, added) => {
        expect(opened(decide(input), decide(adding(input, added)))).toEqual([])
      }),
    )
  })

  test('removing a directive of only permit rules never turns deny into permit', () => {
    always(
      fc.property(strictCase, onlyRules('permit'), (input, removed) => {
        expect(opened(decide(adding(input, removed)), decide(input))).toEqual([])
      }),
    )
  })

  test('a deny trumps every permit', () => {
    always(
      fc.property(strictCase, onlyRules('permit'), defaultPolicy, (any, permit, policy) => {
        const input = { ...ofKnownPatient(any), defaultPolicy: policy }
        const denied = decide(adding(input, permit, privacyConsent('deny', { type: 'deny' })))
        expect(new Set(outcomesOf(denied).values())).toEqual(new Set(['deny']))
        expect(denied.basedOn).toContain('deny')
      }),
    )
  })

  test('a deny of some records alone denies them among any others, but in an emergency', () => {
    always(
      fc.property(strictCase, onlyRules('deny'), (any, deny) => {
        const input = forPurpose({ ...ofKnownPatient(any), defaultPolicy: 'all-normal' }, 'TREAT')
        const alone = decide(withConsents(input, [deny]))
        const without = decide(withConsents(input, []))
        const among = outcomesOf(decide(adding(input, deny)))
        for (const [name, outcome] of outcomesOf(alone)) {
          const takenAway = outcome === 'deny' && outcomesOf(without).get(name) === 'permit'
          if (takenAway) expect(among.get(name)).toBe('deny')
        }
      }),
    )
  })

  test('a permit of BTG by name stands over a deny of TREAT', () => {
    always(
      fc.property(strictCase, onlyRules('permit'), (any, permit) => {
        const input = forPurpose(ofKnownPatient(any), 'TREAT', 'BTG')
        const byName = privacyConsent('by-name', { type: 'permit', ...purposes('BTG') })
        const denyOfTreatment = privacyConsent('deny', { type: 'deny', ...purposes('TREAT') })
        const both = outcomesOf(decide(withConsents(input, [permit, byName, denyOfTreatment])))
        expect(both).toEqual(outcomesOf(decide(withConsents(input, [permit, byName]))))
        const treatment = decide(withConsents(forPurpose(input, 'TREAT'), [permit, byName, denyOfTreatment]))
        expect(treatment.outcome).toBe('deny')
        const unnamed = decide(
          withConsents(input, [denyOfTreatment, privacyConsent('all', { type: 'permit' })]),
        )
        expect(unnamed.outcome).toBe('deny')
      }),
    )
  })

  test('a revoked, expired or draft directive changes nothing', () => {
    always(
      fc.property(namedCase, consent, reasonNotToCount, (input, added, why) => {
        const after = decide(adding(input, withoutEffect(added, why)))
        expect(essence(after)).toEqual(essence(decide(input)))
      }),
    )
  })

  test('unknown codes fail safe', () => {
    always(
      fc.property(strictCase, (input) => {
        const before = decide(input)
        for (const consents of withUnknownCodes(input.consents)) {
          expect(opened(before, decide(withConsents(input, consents as Consent[])))).toEqual([])
        }
      }),
      80,
    )
  })

  test('R4 and R5 renderings of one directive decide alike', () => {
    always(
      fc.property(namedCase, alternating, (input, directive) => {
        const r4 = inR4({ id: 'added', ...directive })
        const r5 = inR5({ id: 'added', ...directive })
        expect([r4, r5].map(dialectOf)).toEqual(['R4', 'R5'])
        for (const others of [[], input.consents]) {
          const [one, other] = [r4, r5].map((each) => decide(withConsents(input, [...others, each])))
          expect(one && essence(one)).toEqual(other && essence(other))
        }
      }),
    )
  })

  test('the outcome does not depend on the records sent', () => {
    always(
      fc.property(namedCase, records, (input, others) => {
        const { outcome, basis, basedOn } = decide(input)
        expect(decide({ ...input, records: others })).toMatchObject({ outcome, basis, basedOn })
      }),
    )
  })

  test('records are judged independently', () => {
    always(
      fc.property(namedCase, (input) => {
        const together = decide(input).records
        const apart = input.records.map((record) => decide({ ...input, records: [record] }).records[0])
        expect(apart).toEqual(together)
      }),
    )
  })

  test('a record is permitted only when the case is', () => {
    always(
      fc.property(namedCase, (input) => {
        const outcomes = outcomesOf(decide(input))
        if (outcomes.get('the case') === 'deny') expect([...outcomes.values()]).not.toContain('permit')
      }),
    )
  })

  test('a decision is total and deterministic, and leaves its case as it is', () => {
    always(
      fc.property(namedCase, (input) => {
        const copy = structuredClone(input)
        expect(decide(structuredClone(input))).toEqual(decide(input))
        expect(input).toEqual(copy)
      }),
    )
  })
})

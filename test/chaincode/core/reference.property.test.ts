import * as fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { decideCase } from 'medledger-chaincode/core'
import { decisionCase } from '../../support/decisions/arbitrary.ts'
import { difference } from '../../support/decisions/difference.ts'
import { referenceDecide } from '../../support/decisions/reference.ts'
import { seedOfSuite } from '../../support/seed.ts'
import { readVectors } from '../../vectors/read.ts'
import type { DecisionCase } from '../../support/decisions/case.ts'

// The reference is naive, and the machine may be busy.
vi.setConfig({ testTimeout: 120_000 })

test('the product decides like the reference', () => {
  fc.assert(
    fc.property(decisionCase, (input) => {
      expect(difference(decideCase(input), input)).toBeUndefined()
    }),
    { numRuns: 2000, seed: seedOfSuite },
  )
})

test('the reference decides every vector as it says', () => {
  for (const { desc, case: input, expect: expected } of readVectors()) {
    if (expected.error !== undefined) continue
    const { outcome, basis, basedOn, records } = referenceDecide(input as unknown as DecisionCase)
    const { records: expectedRecords = [], rule: _rule, ...rest } = expected
    expect({ outcome, basis, basedOn }, desc).toMatchObject(rest)
    expect(records, desc).toEqual(expect.arrayContaining([...expectedRecords]))
  }
})

test('random cases are permitted and denied often enough, by consents and by default', () => {
  const cases = fc.sample(decisionCase, { numRuns: 1000, seed: 1 })
  const decisions = cases.map(referenceDecide)
  const share = (of: (decision: (typeof decisions)[number]) => boolean): number =>
    decisions.filter(of).length / decisions.length
  for (const outcome of ['permit', 'deny'] as const) {
    for (const basis of ['consent', 'default-policy'] as const) {
      expect(share((each) => each.outcome === outcome && each.basis === basis)).toBeGreaterThan(0.08)
    }
  }
  const records = decisions.flatMap((decision) => decision.records)
  expect(records.filter(({ outcome }) => outcome === 'permit').length / records.length).toBeGreaterThan(0.12)
})

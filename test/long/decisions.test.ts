import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { decideCase } from 'medledger-chaincode/core'
import { decisionCase } from '../support/decisions/arbitrary.ts'
import { difference } from '../support/decisions/difference.ts'
import { seedOfRun } from '../support/seed.ts'

const seed = seedOfRun('decisions')

/** `MEDLEDGER_TEST_TRIES` asks for more. */
const tries = Math.max(100_000, Number(process.env['MEDLEDGER_TEST_TRIES'] ?? 0))

test(`the product decides ${tries} random cases like the reference`, () => {
  fc.assert(
    fc.property(decisionCase, (input) => {
      expect(difference(decideCase(input), input)).toBeUndefined()
    }),
    { numRuns: tries, seed },
  )
})

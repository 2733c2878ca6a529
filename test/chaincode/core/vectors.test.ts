import { describe, expect, test } from 'vitest'
import { decideCase } from 'medledger-chaincode/core'
import { readVectors, type Expected, type Vector } from '../../vectors/read.ts'

const vectors = readVectors()
const byFile = Object.groupBy(vectors, ({ file }) => file)

type Records = NonNullable<Expected['records']>
const sorted = (records: Records): string[] => records.map(({ id, outcome }) => `${id} ${outcome}`).sort()

/** What came of a case, reduced to what its vector names. */
function found(vector: Vector): Expected {
  try {
    const decision: object = decideCase(vector.case)
    const named = Object.entries(decision).filter(([member]) => member in vector.expect)
    return Object.fromEntries(named)
  } catch (error) {
    if (error instanceof Error && 'code' in error) return { error: String(error.code) }
    throw error
  }
}

const comparable = ({ records, ...rest }: Expected): object =>
  records === undefined ? rest : { ...rest, records: sorted(records) }

describe.each(Object.entries(byFile))('the decision vectors on %s', (_file, ofFile) => {
  test.each(ofFile ?? [])('$desc', (vector) => {
    expect(comparable(found(vector)), vector.case.id).toEqual(comparable(vector.expect))
  })
})

describe('the decision vectors', () => {
  test('are at least 120', () => expect(vectors.length).toBeGreaterThanOrEqual(120))

  test('have each an id of its own, which begins with its file', () => {
    const ids = vectors.map((vector) => vector.case.id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { file, case: input } of vectors) expect(input.id.startsWith(`${file}/`), input.id).toBe(true)
  })

  test('say each a rule of its own, and expect an outcome or a refusal', () => {
    const rules = vectors.map(({ desc }) => desc)
    expect(rules.filter((rule, index) => rules.indexOf(rule) !== index)).toEqual([])
    for (const { expect: expected, case: input } of vectors) {
      expect((expected.outcome === undefined) !== (expected.error === undefined), input.id).toBe(true)
    }
  })
})

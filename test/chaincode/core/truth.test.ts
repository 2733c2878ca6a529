import { describe, expect, test } from 'vitest'
import { both, no, some, unknown, when, yes, type Truth } from '../../../chaincode/src/core/truth.ts'

const truths = [no, unknown, yes] as const
const as = (truth: Truth): Truth => truth

test('no is less than unknown, and unknown less than yes', () =>
  expect([no, unknown, yes]).toEqual([0, 1, 2]))

test('what holds is yes, and what does not is no', () => expect([when(true), when(false)]).toEqual([yes, no]))

test('both hold as far as the weaker does', () => {
  for (const left of truths) for (const right of truths) expect(both(left, right)).toBe(Math.min(left, right))
})

describe('some of the values hold', () => {
  test.each<[readonly Truth[], Truth]>([
    [[], no],
    [[no, no], no],
    [[no, unknown], unknown],
    [[unknown, no], unknown],
    [[unknown, yes], yes],
    [[yes, no], yes],
  ])('%j: %i', (values, expected) => expect(some(values, as)).toBe(expected))

  test('and those after the first that does are not asked', () => {
    const asked: Truth[] = []
    some([no, yes, unknown], (truth) => {
      asked.push(truth)
      return truth
    })
    expect(asked).toEqual([no, yes])
  })
})

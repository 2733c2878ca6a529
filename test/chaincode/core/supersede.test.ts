import { describe, expect, test } from 'vitest'
import type { Directive } from 'medledger-chaincode/core'
import { isSuperseded } from '../../../chaincode/src/core/supersede.ts'
import { directiveOf, factsOf, permit } from '../../support/core-facts.ts'

const named = (consent: string, supersedes?: string[], more: Partial<Directive> = {}): Directive =>
  directiveOf(permit(), consent, { ...(supersedes && { supersedes }), ...more })

/** Which of the directives take no part, at 1000. */
const superseded = (...directives: Directive[]): string[] =>
  directives
    .filter((directive) => isSuperseded(directive, factsOf({ directives })))
    .map(({ consent }) => consent)

describe('a directive is superseded', () => {
  test('by one that names it', () => {
    expect(superseded(named('a'), named('b', ['a']))).toEqual(['a'])
    expect(superseded(named('a'), named('b', ['x', 'a']))).toEqual(['a'])
    expect(superseded(named('a'), named('b', ['x']), named('c'))).toEqual([])
  })

  test('by one that is itself superseded', () =>
    expect(superseded(named('a'), named('b', ['a']), named('c', ['b']))).toEqual(['a', 'b']))

  test('not by itself', () => expect(superseded(named('a', ['a']))).toEqual([]))

  test('not where each replaces the other, directly or round about', () => {
    expect(superseded(named('a', ['b']), named('b', ['a']))).toEqual([])
    expect(superseded(named('a', ['b']), named('b', ['c']), named('c', ['a']))).toEqual([])
    expect(superseded(named('a', ['b']), named('b', ['a']), named('c', ['a']))).toEqual(['a'])
    expect(superseded(named('z'), named('a', ['b', 'z']), named('b', ['a']))).toEqual(['z'])
    expect(superseded(named('z', ['a']), named('a', ['b']), named('b', ['a']), named('y', ['z']))).toEqual([
      'z',
      'a',
    ])
  })

  test.each<[string, Directive, boolean]>([
    ['that begins now', directiveOf(permit({ start: 1000 }), 'b', { supersedes: ['a'] }), true],
    ['that has not begun', directiveOf(permit({ start: 1001 }), 'b', { supersedes: ['a'] }), false],
    ['that ends now', directiveOf(permit({ end: 1000 }), 'b', { supersedes: ['a'] }), true],
    ['that has ended', directiveOf(permit({ end: 999 }), 'b', { supersedes: ['a'] }), false],
    ['that is not understood entirely', named('b', ['a'], { unclear: ['Consent.implicitRules'] }), false],
  ])('by one %s: %s', (_what, by, expected) =>
    expect(superseded(named('a'), by)).toEqual(expected ? ['a'] : []),
  )
})

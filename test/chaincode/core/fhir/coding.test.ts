import { describe, expect, test } from 'vitest'
import { codeKey, codesIn, codingsOf, toCoding } from '../../../../chaincode/src/core/fhir/coding.ts'

describe('a coding', () => {
  test('has a code, and a system if it says one', () => {
    expect(toCoding({ system: 'urn:x', code: 'a', display: 'A', version: '1' })).toStrictEqual({
      system: 'urn:x',
      code: 'a',
    })
    for (const system of [undefined, '', null, 5])
      expect(toCoding({ system, code: 'a' })).toStrictEqual({ code: 'a' })
  })

  test.each([
    [{ system: 'urn:x' }],
    [{ code: '' }],
    [{ code: 5 }],
    ['a'],
    [null],
    [undefined],
    [[{ code: 'a' }]],
  ])('is not %j', (value) => expect(toCoding(value)).toBeUndefined())

  test('is named by both, or by a code of no system', () => {
    expect(codeKey({ system: 'urn:x', code: 'a' })).toBe('urn:x|a')
    expect(codeKey({ code: 'a' })).toBe('|a')
  })
})

describe('a concept', () => {
  const concept = {
    coding: [{ system: 'urn:x', code: 'a' }, { display: 'B' }, { code: 'c' }, { system: 'urn:y', code: 'd' }],
    text: 'A',
  }

  test('has the codings that have a code', () => {
    expect(codingsOf(concept)).toEqual([
      { system: 'urn:x', code: 'a' },
      { code: 'c' },
      { system: 'urn:y', code: 'd' },
    ])
    expect(codingsOf({ coding: { code: 'a' } })).toEqual([{ code: 'a' }])
    for (const value of [{ text: 'A' }, {}, 'a', null, undefined]) expect(codingsOf(value)).toEqual([])
  })

  test('has codes in one system', () => {
    expect(codesIn(concept, 'urn:x')).toEqual(['a'])
    expect(codesIn(concept, 'urn:z')).toEqual([])
  })
})

import { describe, expect, test } from 'vitest'
import { consentLimits } from 'medledger-chaincode/core'
import type { Reading } from '../../../../chaincode/src/core/fhir/consent.ts'
import {
  actCode,
  concept,
  consentScope,
  directive,
  loinc,
  r4,
  r5,
  read,
  unclear,
} from '../../../support/core-consents.ts'

type Json = Record<string, unknown>

const categoryCodes = 'http://terminology.hl7.org/CodeSystem/consentcategorycodes'
const ignored = (because: 'not-active' | 'other-scope' | 'other-patient'): Reading => ({
  kind: 'none',
  because,
})

describe('a Consent takes no part', () => {
  test.each([
    'draft',
    'proposed',
    'rejected',
    'inactive',
    'entered-in-error',
    'not-done',
    'unknown',
    undefined,
    null,
  ])('that is %s', (status) => expect(read({ ...r4, status })).toEqual(ignored('not-active')))

  test('about another patient', () =>
    expect(read({ ...r4, patient: { reference: 'Patient/x' } })).toEqual(ignored('other-patient')))

  test('of another scope (R4)', () => {
    for (const code of ['adr', 'research', 'treatment'])
      expect(read({ ...r4, scope: concept(consentScope, code) })).toEqual(ignored('other-scope'))
    expect(read({ ...r4, scope: concept(consentScope, 'research', 'treatment') })).toEqual(
      ignored('other-scope'),
    )
    expect(read({ ...r4, scope: concept(consentScope, 'research', 'patient-privacy') }).kind).toBe(
      'directive',
    )
  })

  test('of other categories only (R5)', () => {
    const others = [
      ...['adr', 'research', 'treatment'].map((code) => concept(consentScope, code)),
      ...['acd', 'dnr', 'emrgonly', 'hcd', 'polst', 'research', 'rsdid', 'rsreid'].map((code) =>
        concept(categoryCodes, code),
      ),
      ...['EMRGONLY', 'ICOL', 'RESEARCH', 'RSDID', 'RSREID'].map((code) => concept(actCode, code)),
    ]
    for (const other of others) {
      expect(read({ ...r5, category: [other] })).toEqual(ignored('other-scope'))
      expect(read({ ...r5, category: [other, concept(loinc, '59284-0')] }).kind).toBe('directive')
    }
  })

  test('but for a scope or category that says nothing known, which leaves it unclear', () => {
    for (const scope of [
      undefined,
      concept(consentScope, 'x'),
      concept('urn:x', 'patient-privacy'),
      concept(undefined, 'research'),
      { text: 'privacy' },
      concept(consentScope, 'research', 'x'),
    ])
      expect(unclear(read({ ...r4, scope }))).toEqual(['Consent.scope'])
    for (const category of [
      undefined,
      [],
      [concept('urn:x', 'y')],
      [concept(actCode, 'RESEARCH'), concept('urn:x', 'y')],
    ])
      expect(unclear(read({ ...r5, category }))).toEqual(['Consent.category'])
  })

  test('and is of privacy scope by each of these categories (R5)', () => {
    const privacy = [
      concept(consentScope, 'patient-privacy'),
      ...['59284-0', '57016-8', '57017-6', '64292-6'].map((code) => concept(loinc, code)),
      ...['IDSCL', 'IRDSCL', 'INFA', 'INFAO', 'INFASO'].map((code) => concept(actCode, code)),
    ]
    for (const category of privacy) {
      expect(read({ ...r5, category: [category] })).toEqual(directive({ effect: 'deny' }))
      expect(read({ ...r5, category })).toEqual(directive({ effect: 'deny' }))
    }
  })
})

describe('a Consent is too large', () => {
  const nest = (depth: number, inner: Json = {}): Json =>
    depth === 1 ? inner : { provision: [nest(depth - 1, inner)] }
  const wide = (count: number): Json[] => Array.from({ length: count }, () => ({}))

  test('with more than eight levels or two hundred provisions', () => {
    expect(consentLimits).toEqual({ depth: 8, provisions: 200 })
    expect(read({ ...r4, provision: nest(8) }).kind).toBe('directive')
    expect(read({ ...r4, provision: nest(9) })).toEqual({ kind: 'too-large' })
    expect(read({ ...r5, provision: [nest(8)] }).kind).toBe('directive')
    expect(read({ ...r5, provision: [nest(9)] })).toEqual({ kind: 'too-large' })
    expect(read({ ...r5, provision: wide(200) }).kind).toBe('directive')
    expect(read({ ...r5, provision: wide(201) })).toEqual({ kind: 'too-large' })
    expect(read({ ...r4, provision: { provision: wide(199) } }).kind).toBe('directive')
    expect(read({ ...r4, provision: { provision: wide(200) } })).toEqual({ kind: 'too-large' })
  })

  test('unless it takes no part', () => {
    expect(read({ ...r4, status: 'draft', provision: nest(9) })).toEqual(ignored('not-active'))
    expect(read({ ...r4, provision: { provision: ['x', null, {}] } }).kind).toBe('directive')
  })
})

describe('a Consent replaces others', () => {
  const replacing = (more: Json, url = 'urn:medledger:supersedes'): unknown => {
    const reading = read({
      ...r4,
      extension: [{ url: 'urn:x', valueUri: 'Consent/x' }, null, { url, ...more }],
    })
    return reading.kind === 'directive' ? reading.directive.supersedes : undefined
  }

  test.each<[Json]>([
    [{ valueReference: { reference: 'Consent/a' } }],
    [{ valueUri: 'Consent/a' }],
    [{ valueCanonical: 'https://x.org/Consent/a' }],
  ])('by an extension: %j', (value) => {
    expect(replacing(value)).toEqual(['a'])
    expect(replacing(value, 'http://hl7.org/fhir/StructureDefinition/replaces')).toEqual(['a'])
  })

  test.each<[Json]>([
    [{ valueReference: { reference: 'Contract/a' } }],
    [{ valueUri: 'a' }],
    [{ valueReference: 'Consent/a' }],
    [{}],
  ])('and not by %j', (value) => expect(replacing(value)).toBeUndefined())
})

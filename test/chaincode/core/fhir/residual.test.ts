import { describe, expect, test } from 'vitest'
import { toFhirResidual } from '../../../../chaincode/src/core/fhir/residual.ts'

const types = 'http://hl7.org/fhir/resource-types'
const actCode = 'http://terminology.hl7.org/CodeSystem/v3-ActCode'
const confidentiality = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality'
const loinc = { system: 'http://loinc.org', code: 'a' }

describe('what remains to be decided, in FHIR’s terms', () => {
  test('is permit or deny, without conditions for everything', () => {
    expect(toFhirResidual({ type: 'deny' })).toStrictEqual({ type: 'deny' })
    expect(toFhirResidual({ type: 'permit', consent: 'c1', purpose: 'TREAT' })).toStrictEqual({
      type: 'permit',
      consent: 'c1',
      purpose: 'TREAT',
    })
  })

  test('has each condition by the name of FHIR’s element', () => {
    expect(
      toFhirResidual({
        type: 'deny',
        classes: [{ resource: 'Condition' }, loinc],
        documents: [{ code: 'd' }],
        codes: [loinc, { code: 'b' }],
        data: [{ meaning: 'related', reference: 'Encounter/e' }],
        dated: { start: Date.UTC(2026, 0, 1), end: Date.UTC(2027, 0, 1) - 1 },
        labels: { confidentiality: 4, sensitivities: ['HIV', 'urn:a|b|c'] },
      }),
    ).toStrictEqual({
      type: 'deny',
      class: [{ system: types, code: 'Condition' }, loinc],
      documentType: [{ code: 'd' }],
      code: [{ coding: [loinc] }, { coding: [{ code: 'b' }] }],
      data: [{ meaning: 'related', reference: { reference: 'Encounter/e' } }],
      dataPeriod: { start: '2026-01-01T00:00:00.000Z', end: '2026-12-31T23:59:59.999Z' },
      securityLabel: [
        { system: confidentiality, code: 'R' },
        { system: actCode, code: 'HIV' },
        { system: 'urn:a|b', code: 'c' },
      ],
    })
  })

  test('leaves out the bounds and labels that a rule does not have', () => {
    expect(toFhirResidual({ type: 'permit', dated: { start: 0 } })).toStrictEqual({
      type: 'permit',
      dataPeriod: { start: '1970-01-01T00:00:00.000Z' },
    })
    expect(toFhirResidual({ type: 'permit', dated: { end: 0 } })).toStrictEqual({
      type: 'permit',
      dataPeriod: { end: '1970-01-01T00:00:00.000Z' },
    })
    expect(toFhirResidual({ type: 'permit', labels: { confidentiality: 0 } })).toStrictEqual({
      type: 'permit',
      securityLabel: [{ system: confidentiality, code: 'U' }],
    })
    expect(toFhirResidual({ type: 'permit', labels: { sensitivities: ['PSY'] } })).toStrictEqual({
      type: 'permit',
      securityLabel: [{ system: actCode, code: 'PSY' }],
    })
  })

  test('says nothing of a condition of a deny in which something was not understood: it may be anything', () => {
    expect(
      toFhirResidual({
        type: 'deny',
        classes: ['?', { resource: 'Condition' }],
        documents: ['?'],
        codes: ['?'],
        data: [
          { meaning: '?', reference: '' },
          { meaning: 'instance', reference: 'Condition/c' },
        ],
        labels: { confidentiality: 4, sensitivities: ['?'] },
        dated: { start: 0 },
      }),
    ).toStrictEqual({ type: 'deny', dataPeriod: { start: '1970-01-01T00:00:00.000Z' } })
  })

  test('leaves out of a permit what was not understood', () => {
    const conditions = {
      classes: ['?', { resource: 'Condition' }],
      codes: [loinc, '?'],
      data: [
        { meaning: '?', reference: '' },
        { meaning: 'instance', reference: 'Condition/c' },
      ],
      labels: { sensitivities: ['?', 'HIV'] },
    } as const
    expect(toFhirResidual({ type: 'permit', ...conditions })).toStrictEqual({
      type: 'permit',
      class: [{ system: types, code: 'Condition' }],
      code: [{ coding: [loinc] }],
      data: [{ meaning: 'instance', reference: { reference: 'Condition/c' } }],
      securityLabel: [{ system: actCode, code: 'HIV' }],
    })
  })

  test('has the exceptions of a rule likewise', () => {
    const except = [{ type: 'permit', codes: [loinc] }] as const
    expect(toFhirResidual({ type: 'deny', except })).toStrictEqual({
      type: 'deny',
      except: [{ type: 'permit', code: [{ coding: [loinc] }] }],
    })
  })
})

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decideCase, isR5, renderR4, toDirective, utc } from 'medledger-chaincode/core'
import { runs } from '../../support/runs.ts'
import { seedOfSuite } from '../../support/seed.ts'

type Json = Record<string, unknown>

const system = {
  loinc: 'http://loinc.org',
  reason: 'http://terminology.hl7.org/CodeSystem/v3-ActReason',
  action: 'http://terminology.hl7.org/CodeSystem/consentaction',
  role: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType',
  confidentiality: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality',
  actCode: 'http://terminology.hl7.org/CodeSystem/v3-ActCode',
  types: 'http://hl7.org/fhir/fhir-types',
}
const patient = `Patient/${'a'.repeat(32)}`
const doctor = `Practitioner/${'b'.repeat(32)}`
const category = [{ coding: [{ system: system.loinc, code: '59284-0' }] }]

/** An R5 Consent about privacy. */
const consentOf = (more: Json): Json => ({
  resourceType: 'Consent',
  id: 'c',
  status: 'active',
  category,
  subject: { reference: patient },
  ...more,
})
const accepted = (consent: Json): boolean => toDirective('c', consent, utc).kind === 'directive'

const some = <Value>(...values: Value[]): fc.Arbitrary<Value[]> =>
  fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 2 })
const coded = (from: string, ...codes: string[]): Json[] => codes.map((code) => ({ system: from, code }))

const attributes = {
  period: fc.constantFrom<Json>({ end: '2026-06' }, { start: '2025-01-01', end: '2025-12-31' }),
  actor: some<Json>(
    { reference: { reference: doctor } },
    { reference: { reference: 'Organization/north' }, role: { coding: coded(system.role, 'IRCP') } },
    { reference: { identifier: { system: 'urn:medledger:role', value: 'doctor' } } },
    { role: { coding: [{ system: 'urn:medledger:role', code: 'doctor' }] } },
    { role: { coding: coded(system.role, 'IRCP') } },
  ),
  purpose: some(...coded(system.reason, 'TREAT', 'BTG', 'HRESCH', 'ETREAT')),
  action: some(...['access', 'disclose'].map((code) => ({ coding: coded(system.action, code) }))),
  resourceType: some<Json>({ code: 'Observation' }, ...coded(system.types, 'DocumentReference', 'Condition')),
  documentType: some<Json>(
    ...coded(system.loinc, '11502-2', '34133-9'),
    { code: '11502-2' },
    { system: system.types, code: 'Observation' },
  ),
  code: some<Json>({ coding: coded(system.loinc, '718-7') }, { coding: [{ code: '11502-2' }] }),
  data: some<Json>(
    { meaning: 'instance', reference: { reference: 'Observation/1' } },
    { meaning: 'related', reference: { reference: 'Encounter/1' } },
    { meaning: 'authoredby', reference: { reference: doctor } },
  ),
  dataPeriod: fc.constantFrom<Json>({ start: '2025' }, { end: '2024-12-31' }),
  securityLabel: some(
    ...coded(system.confidentiality, 'N', 'R'),
    ...coded(system.actCode, 'PSY', 'ETH', 'ETHUD'),
  ),
}

/** Provisions as R5 has them. */
const { provision } = fc.letrec<{ provision: Json }>((tie) => ({
  provision: fc.record(
    {
      ...attributes,
      provision: fc.array(tie('provision'), { maxLength: 2, minLength: 1, depthIdentifier: 'provision' }),
    },
    { requiredKeys: [] },
  ),
}))

const consent = fc
  .record(
    {
      decision: fc.constantFrom('permit', 'deny'),
      period: attributes.period,
      provision: fc.array(provision, { minLength: 1, maxLength: 3 }),
      date: fc.constantFrom('2024', '2025-02-03'),
    },
    { requiredKeys: ['decision'] },
  )
  .map(consentOf)
  // The rendering's root is one level more, and at the eighth it would be too deep to be read again.
  .filter((value) => accepted(value) && JSON.stringify(value).split('"provision"').length < 8)

const record = fc.record(
  {
    resourceType: fc.constantFrom('Observation', 'DocumentReference', 'Condition'),
    id: fc.constantFrom('1', '2'),
    type: fc.constantFrom<Json>(
      { coding: coded(system.loinc, '11502-2') },
      { coding: coded(system.loinc, '34133-9') },
    ),
    code: fc.constant<Json>({ coding: coded(system.loinc, '718-7') }),
    date: fc.constantFrom('2024-05-06', '2025-05-06', '2025'),
    encounter: fc.constant({ reference: 'Encounter/1' }),
    author: some({ reference: doctor }, { display: 'somebody' }),
    meta: some(...coded(system.confidentiality, 'N', 'R', 'V'), ...coded(system.actCode, 'PSY', 'ETHUD')).map(
      (security) => ({ security }),
    ),
  },
  { requiredKeys: ['resourceType', 'id'] },
)

const request = fc.record({
  patient: fc.constant(patient),
  actors: some<Json>(
    { reference: doctor },
    { reference: 'Organization/north' },
    { reference: 'Practitioner/x' },
  ).map((actors) => [...actors, { system: 'urn:medledger:role', value: 'doctor' }]),
  role: fc.constantFrom('doctor', 'nurse'),
  action: fc.constantFrom('access', 'disclose'),
  class: fc.constantFrom(undefined, 'DocumentReference', 'Observation', '11502-2'),
  purpose: some('TREAT', 'BTG', 'HRESCH'),
  at: fc.constantFrom('2025-06-01T00:00:00Z', '2026-06-30T12:00:00Z', '2027-01-01T00:00:00Z'),
})

describe('an R5 Consent that the ledger takes, rendered in R4', () => {
  test('decides alike', () => {
    const defaultPolicy = fc.constantFrom('deny', 'all-normal', 'break-glass-only')
    fc.assert(
      fc.property(
        fc.array(consent, { minLength: 1, maxLength: 2 }),
        request,
        fc.array(record, { minLength: 1, maxLength: 3 }),
        defaultPolicy,
        (consents, asked, records, policy) => {
          const decided = (given: readonly Json[]) => {
            const { trace: _trace, ...decision } = decideCase({
              consents: given.map((one, index) => ({ ...one, id: String(index) })),
              request: asked,
              records,
              defaultPolicy: policy,
            })
            return decision
          }
          const rendered = consents.map(renderR4) as Json[]
          expect(rendered.some(isR5)).toBe(false)
          expect(rendered.every(accepted)).toBe(true)
          const { residual: _r4, ...inR4 } = decided(rendered)
          const { residual: _r5, ...inR5 } = decided(consents)
          expect(inR4).toEqual(inR5)
        },
      ),
      { numRuns: runs(500), seed: seedOfSuite },
    )
  })

  test('stays as it is, rendered once more', () => {
    fc.assert(
      fc.property(consent, (given) => {
        const rendered = renderR4(given)
        expect(renderR4(rendered)).toBe(rendered)
      }),
    )
  })

  test('has a root that says the decision, and levels that alternate from it', () => {
    const given = consentOf({
      decision: 'deny',
      date: '2026-01-02',
      period: { end: '2027' },
      provision: [{ provision: [{ provision: [{}] }] }, {}],
    })
    expect(renderR4(given)).toEqual({
      resourceType: 'Consent',
      id: 'c',
      status: 'active',
      scope: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
      },
      category,
      patient: { reference: patient },
      dateTime: '2026-01-02',
      policyRule: { coding: [{ system: system.actCode, code: 'OPTOUT' }] },
      provision: {
        type: 'deny',
        period: { end: '2027' },
        provision: [
          { type: 'permit', provision: [{ type: 'deny', provision: [{ type: 'permit' }] }] },
          { type: 'permit' },
        ],
      },
    })
  })

  test('keeps what no decision depends on, by R4’s name or as an extension', () => {
    const reference = (to: string): Json => ({ reference: to })
    const given = consentOf({
      decision: 'permit',
      identifier: [{ value: '7' }],
      extension: [{ url: 'urn:x', valueString: 'y' }],
      grantor: [reference(patient)],
      grantee: [reference(doctor)],
      manager: [reference('Organization/authority')],
      controller: [reference('Organization/north')],
      policyBasis: { url: 'http://law.example', reference: reference('DocumentReference/1') },
      policyText: [reference('DocumentReference/2')],
      regulatoryBasis: [{ text: 'one' }, { text: 'two' }],
      sourceReference: [reference('Contract/1'), reference('Contract/2')],
      verification: [
        { verified: true, verifiedWith: reference(patient), verificationDate: ['2025', '2026'] },
        { verified: false },
      ],
    })
    const extended = (element: string): string =>
      `http://hl7.org/fhir/5.0/StructureDefinition/extension-Consent.${element}`
    expect(renderR4(given)).toMatchObject({
      identifier: [{ value: '7' }],
      extension: [
        { url: 'urn:x', valueString: 'y' },
        { url: extended('grantor'), valueReference: reference(patient) },
        { url: extended('policyBasis.reference'), valueReference: reference('DocumentReference/1') },
        { url: extended('policyText'), valueReference: reference('DocumentReference/2') },
        { url: extended('regulatoryBasis'), valueCodeableConcept: { text: 'two' } },
        { url: extended('sourceReference'), valueReference: reference('Contract/2') },
      ],
      performer: [reference(doctor)],
      organization: [reference('Organization/north')],
      policy: [{ uri: 'http://law.example' }],
      policyRule: { text: 'one' },
      sourceReference: reference('Contract/1'),
      verification: [
        { verified: true, verifiedWith: reference(patient), verificationDate: '2025' },
        { verified: true, verifiedWith: reference(patient), verificationDate: '2026' },
        { verified: false },
      ],
    })
  })

  test.each<[string, Json, Json]>([
    [
      'types of resource',
      { resourceType: [{ code: 'Observation' }] },
      { class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Observation' }] },
    ],
    [
      'types of document',
      { documentType: coded(system.loinc, '1-1') },
      { class: coded(system.loinc, '1-1') },
    ],
  ])('has %s as classes', (_what, rule, rendered) => {
    const given = consentOf({ decision: 'deny', provision: [rule] })
    expect(renderR4(given)['provision']).toEqual({
      type: 'deny',
      provision: [{ type: 'permit', ...rendered }],
    })
  })

  test('has both as classes and a modifier, which no R4 reader may overlook', () => {
    const rule = { resourceType: [{ code: 'DocumentReference' }], documentType: coded(system.loinc, '1-1') }
    const given = consentOf({ decision: 'deny', provision: [rule] })
    expect(renderR4(given)['provision']).toMatchObject({
      provision: [
        {
          class: [{ code: 'DocumentReference' }],
          modifierExtension: [
            {
              url: 'http://hl7.org/fhir/5.0/StructureDefinition/extension-Consent.provision.documentType',
              valueCoding: { code: '1-1' },
            },
          ],
        },
      ],
    })
  })
})

describe('an R4 Consent', () => {
  test('is rendered as it is', () => {
    const given = { resourceType: 'Consent', patient: { reference: patient }, provision: { type: 'permit' } }
    expect(renderR4(given)).toBe(given)
  })

  test.each<[string, Json]>([
    ['another modifier', { modifierExtension: [{ url: 'urn:x', valueBoolean: true }] }],
    [
      'another beside that of types of document',
      {
        modifierExtension: [
          {
            url: 'http://hl7.org/fhir/5.0/StructureDefinition/extension-Consent.provision.documentType',
            valueCoding: { code: 'x' },
          },
          { url: 'urn:x', valueBoolean: true },
        ],
      },
    ],
    ['R5’s own element', { documentType: [{ code: 'x' }] }],
    [
      'an actor who is masked',
      {
        actor: [
          {
            role: { coding: [{ code: 'doctor' }] },
            reference: {
              extension: [
                { url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'masked' },
              ],
            },
          },
        ],
      },
    ],
  ])('with %s is not understood', (_what, more) => {
    const mapped = toDirective(
      'c',
      {
        resourceType: 'Consent',
        status: 'active',
        scope: {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
        },
        provision: { type: 'permit', ...more },
      },
      utc,
    )
    expect(mapped.kind).toBe('faults')
  })
})

describe('the choice of a default policy', () => {
  const basis = (code: string): Json => ({ coding: [{ system: 'urn:medledger:default-policy', code }] })
  test.each(['deny', 'basic-normal', 'all-normal', 'break-glass-only'])(
    '%s is R5’s as well as R4’s',
    (code) => {
      const given = consentOf({ regulatoryBasis: [basis(code)] })
      const chosen = { kind: 'default-policy', defaultPolicy: code }
      expect(toDirective('c', given, utc)).toEqual(chosen)
      expect(renderR4(given)).toMatchObject({ policyRule: basis(code) })
      expect(renderR4(given)).not.toHaveProperty('provision')
      expect(toDirective('c', renderR4(given), utc)).toEqual(chosen)
    },
  )

  test.each<[string, Json]>([
    ['Consent.decision', { decision: 'permit' }],
    ['Consent.provision', { provision: [] }],
    ['Consent.regulatoryBasis', { regulatoryBasis: [basis('deny'), basis('all-normal')] }],
    ['Consent.regulatoryBasis', { regulatoryBasis: [basis('mine')] }],
  ])('beside %s of its own is refused', (path, more) => {
    const mapped = toDirective('c', consentOf({ regulatoryBasis: [basis('deny')], ...more }), utc)
    expect(mapped).toMatchObject({ kind: 'faults', faults: [expect.stringContaining(path)] })
  })
})

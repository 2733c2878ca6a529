import { describe, expect, test } from 'vitest'
import { renderR4 } from 'medledger-chaincode/core'
import { concept, defaultPolicyOfR5, r4, r5 } from '../../../support/core-consents.ts'

type Json = Record<string, unknown>

const url = (element: string): string =>
  `http://hl7.org/fhir/5.0/StructureDefinition/extension-Consent.${element}`
const opted = (code: string): Json => concept('http://terminology.hl7.org/CodeSystem/v3-ActCode', code)
const render = (more: Json): Json => renderR4({ ...r5, ...more })

test('a Consent of R4 stays as it is', () => {
  const resource = { ...r4, provision: { type: 'permit' } }
  expect(renderR4(resource)).toBe(resource)
})

describe('the policy of an R5 Consent in R4', () => {
  test('is that the patient has opted in or out', () => {
    expect(render({ decision: 'permit' })).toMatchObject({ policyRule: opted('OPTIN') })
    expect(render({ decision: 'deny' })).toMatchObject({ policyRule: opted('OPTOUT') })
    expect(render({})).not.toHaveProperty('policy')
  })

  test('is the one that it names', () => {
    const byUrl = render({ policyBasis: { url: 'urn:law' } })
    expect(byUrl).toMatchObject({ policy: [{ uri: 'urn:law' }] })
    expect(byUrl).not.toHaveProperty('policyRule')
    expect(
      render({
        policyBasis: { url: 'urn:law' },
        regulatoryBasis: [concept('urn:x', 'a'), concept('urn:x', 'b')],
      }),
    ).toMatchObject({
      policy: [{ uri: 'urn:law' }],
      policyRule: concept('urn:x', 'a'),
      extension: [{ url: url('regulatoryBasis'), valueCodeableConcept: concept('urn:x', 'b') }],
    })
    const policy = renderR4(defaultPolicyOfR5('deny'))
    expect(policy).toMatchObject({ policyRule: concept('urn:medledger:default-policy', 'deny') })
    expect(policy).not.toHaveProperty('provision')
  })
})

describe('the sources of an R5 Consent in R4', () => {
  const [a, b] = [{ title: 'a' }, { title: 'b' }]
  const [c, d] = [{ reference: 'DocumentReference/c' }, { reference: 'DocumentReference/d' }]
  const attached = (value: Json): Json => ({ url: url('sourceAttachment'), valueAttachment: value })
  const referred = (value: Json): Json => ({ url: url('sourceReference'), valueReference: value })

  test.each<[string, Json, Json]>([
    ['none', {}, {}],
    ['an attachment', { sourceAttachment: [a] }, { sourceAttachment: a }],
    ['a reference', { sourceReference: [c] }, { sourceReference: c }],
    ['several attachments', { sourceAttachment: [a, b] }, { sourceAttachment: a, extension: [attached(b)] }],
    ['several references', { sourceReference: [c, d] }, { sourceReference: c, extension: [referred(d)] }],
    [
      'both',
      { sourceAttachment: [a], sourceReference: [c, d] },
      { sourceAttachment: a, extension: [referred(c), referred(d)] },
    ],
  ])('are one, and the others extensions: %s', (_what, sources, expected) => {
    const { sourceAttachment, sourceReference, extension } = render(sources)
    expect({ sourceAttachment, sourceReference, extension }).toEqual(expected)
  })
})

test('verifications of an R5 Consent are in R4 one for each date', () => {
  const verification = [
    { verified: true, verificationType: {}, verificationDate: ['2025', '2026'] },
    { verified: false },
    'x',
  ]
  expect(render({ verification })['verification']).toEqual([
    { verified: true, verificationDate: '2025' },
    { verified: true, verificationDate: '2026' },
    { verified: false },
  ])
  expect(render({})).not.toHaveProperty('verification')
})

describe('rules of an R5 Consent in R4', () => {
  const provision = (...rules: Json[]): unknown => render({ provision: rules })['provision']

  test('have each their effect', () => {
    expect(provision()).toEqual({ type: 'deny' })
    expect(provision({ provision: [{ provision: [{}] }] })).toEqual({
      type: 'deny',
      provision: [{ type: 'permit', provision: [{ type: 'deny', provision: [{ type: 'permit' }] }] }],
    })
    expect(render({ decision: 'permit', period: { end: '2026' }, provision: [{}] })['provision']).toEqual({
      type: 'permit',
      period: { end: '2026' },
      provision: [{ type: 'deny' }],
    })
  })

  test('have no actor where they had none, and each actor a role and a reference', () => {
    expect(provision({ purpose: [{ code: 'TREAT' }] })).toEqual({
      type: 'deny',
      provision: [{ type: 'permit', purpose: [{ code: 'TREAT' }] }],
    })
    const south = { reference: 'Organization/south' }
    const role = { coding: [{ code: 'doctor' }] }
    const recipient = {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }],
    }
    const absent = {
      extension: [
        { url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'not-applicable' },
      ],
    }
    expect(provision({ actor: [{ reference: south }, { role }, { role, reference: south }] })).toEqual({
      type: 'deny',
      provision: [
        {
          type: 'permit',
          actor: [
            { role: recipient, reference: south },
            { role, reference: absent },
            { role, reference: south },
          ],
        },
      ],
    })
  })

  test('say nothing beside elements that R4 has not', () => {
    const coded = {
      resourceType: [{ code: 'Condition' }],
      _resourceType: [{ id: 'x' }],
      _documentType: [{ id: 'y' }],
    }
    expect(provision(coded)).toEqual({
      type: 'deny',
      provision: [
        { type: 'permit', class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Condition' }] },
      ],
    })
  })
})

import { describe, expect, test } from 'vitest'
import type { Rule } from 'medledger-chaincode/core'
import { actCode, concept, directive, maria, r4, r5, read, unclear } from '../../../support/core-consents.ts'

type Json = Record<string, unknown>

const byPolicy = (...codes: string[]): Json => ({ policyRule: concept(actCode, ...codes) })

describe('an R4 Consent', () => {
  test.each<[string, Json, Rule]>([
    ['that permits', { provision: { type: 'permit' } }, { effect: 'permit' }],
    ['that denies', { provision: { type: 'deny' } }, { effect: 'deny' }],
    [
      'without a type takes its effect from its policy',
      { ...byPolicy('OPTIN'), provision: {} },
      { effect: 'permit' },
    ],
    [
      'without a type denies under another policy',
      { ...byPolicy('OPTOUT'), provision: {} },
      { effect: 'deny' },
    ],
    ['without a type denies under no policy', { provision: {} }, { effect: 'deny' }],
    [
      'without a type denies under two policies',
      { ...byPolicy('OPTIN', 'OPTOUT'), provision: {} },
      { effect: 'deny' },
    ],
    [
      'without a type permits under one policy said twice',
      { ...byPolicy('OPTIN', 'OPTIN'), provision: {} },
      { effect: 'permit' },
    ],
    [
      'without a type denies under the policy of another system',
      { policyRule: concept('urn:x', 'OPTIN'), provision: {} },
      { effect: 'deny' },
    ],
    [
      'with a type does not ask its policy',
      { ...byPolicy('OPTIN'), provision: { type: 'deny' } },
      { effect: 'deny' },
    ],
    ['without a provision does as its policy says', byPolicy('OPTIN'), { effect: 'permit' }],
    ['without a provision and a policy denies', {}, { effect: 'deny' }],
    [
      'has rules with effects of their own',
      {
        provision: {
          type: 'permit',
          provision: [{ type: 'deny' }, { type: 'permit', provision: [{ type: 'permit' }] }],
        },
      },
      { effect: 'permit', rules: [{ effect: 'deny' }, { effect: 'permit', rules: [{ effect: 'permit' }] }] },
    ],
    [
      'may have one rule without a list',
      { provision: { type: 'deny', provision: { type: 'permit' } } },
      { effect: 'deny', rules: [{ effect: 'permit' }] },
    ],
    ['may have an empty list of rules', { provision: { type: 'deny', provision: [] } }, { effect: 'deny' }],
    [
      'has the attributes of each rule',
      { provision: { type: 'deny', period: { start: '2026' }, class: [{ code: 'Condition' }] } },
      { effect: 'deny', start: Date.UTC(2026, 0, 1), classes: [{ resource: 'Condition' }] },
    ],
  ])('%s', (_what, more, root) => expect(read({ ...r4, ...more })).toEqual(directive(root)))

  test.each<[string, Json, Rule, string]>([
    [
      'a root of an unknown type',
      { provision: { type: 'Permit' } },
      { effect: 'deny' },
      'Consent.provision.type',
    ],
    [
      'a root of no type that is null',
      { ...byPolicy('OPTIN'), provision: { type: null } },
      { effect: 'deny' },
      'Consent.provision.type',
    ],
    [
      'a rule without a type',
      { provision: { type: 'permit', provision: [{}] } },
      { effect: 'permit', rules: [{ effect: 'deny' }] },
      'Consent.provision.provision[0].type',
    ],
    [
      'what stands in the place of a rule',
      { provision: { type: 'permit', provision: [{ type: 'deny' }, 'x'] } },
      { effect: 'permit', rules: [{ effect: 'deny' }, { effect: 'deny', unclear: true }] },
      'Consent.provision.provision[1]',
    ],
    [
      'what stands in the place of the provision',
      { provision: 'x' },
      { effect: 'deny', unclear: true },
      'Consent.provision',
    ],
    [
      'a member of R5',
      { provision: { type: 'deny', resourceType: [] } },
      { effect: 'deny', unclear: true, classes: ['?'] },
      'Consent.provision.resourceType',
    ],
    [
      'a modifier extension',
      { provision: { type: 'permit', modifierExtension: [{}] } },
      { effect: 'permit', unclear: true },
      'Consent.provision.modifierExtension',
    ],
    [
      'an attribute',
      { provision: { type: 'permit', purpose: [{ code: 'x' }] } },
      { effect: 'permit', purposes: ['?'] },
      'Consent.provision.purpose',
    ],
    [
      'a period',
      { provision: { type: 'permit', period: {} } },
      { effect: 'permit', unclear: true },
      'Consent.provision.period',
    ],
  ])('keeps as such what is not understood: %s', (_what, more, root, path) =>
    expect(read({ ...r4, ...more })).toEqual(directive(root, { unclear: [path] })),
  )

  test('is unclear as a whole when something that concerns it all is not understood', () => {
    const provision = { type: 'permit', provision: [{ type: 'deny' }] }
    const root: Rule = { effect: 'permit', unclear: true, rules: [{ effect: 'deny' }] }
    for (const [name, value] of Object.entries({
      implicitRules: 'urn:x',
      modifierExtension: [],
      controller: [],
      manager: [],
    }))
      expect(read({ ...r4, provision, [name]: value })).toEqual(
        directive(root, { unclear: [`Consent.${name}`] }),
      )
    const { scope: _scope, patient: _patient, ...rest } = r4
    expect(read({ ...rest, provision })).toEqual(
      directive(root, { unclear: ['Consent.scope', 'Consent.patient'] }),
    )
  })

  test('says each place that is not understood once', () => {
    const provision = { type: 'permit', purpose: [{ code: 'x' }, { code: 'y' }], actor: [null] }
    expect(unclear(read({ ...r4, provision }))).toEqual([
      'Consent.provision.actor',
      'Consent.provision.purpose',
    ])
  })

  test('may say more that has no bearing on the decision', () => {
    const more = {
      id: 'x',
      meta: {},
      language: 'de',
      text: {},
      contained: [],
      extension: [],
      identifier: [],
      category: [],
      sourceAttachment: {},
      sourceReference: {},
      verification: [],
      performer: [],
      organization: [],
      policy: [],
      _status: {},
    }
    expect(read({ ...r4, ...more, provision: { type: 'permit', id: 'x', extension: [] } })).toEqual(
      directive({ effect: 'permit' }),
    )
  })

  test('has a date', () => {
    const given = Date.UTC(2026, 0, 1) - 3_600_000
    expect(read({ ...r4, dateTime: '2026' }, 'Europe/Zurich')).toEqual(
      directive({ effect: 'deny' }, { given }),
    )
    expect(read({ ...r4, dateTime: 'x' })).toEqual(directive({ effect: 'deny' }))
    expect(unclear(read({ ...r4, date: '2026' }))).toEqual(['Consent.(unknown member)'])
  })
})

describe('a type of document beside types of resource in R4', () => {
  const url = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-Consent.provision.documentType'
  const rule = (...modifierExtension: unknown[]): unknown =>
    read({ ...r4, provision: { type: 'permit', class: [{ code: 'Bundle' }], modifierExtension } })
  const classes = [{ resource: 'Bundle' }]

  test('is told by modifiers', () => {
    const valueCoding = { system: 'urn:x', code: 'a' }
    const documents = [valueCoding]
    expect(rule({ url, valueCoding })).toEqual(directive({ effect: 'permit', classes, documents }))
    expect(rule({ url, valueCoding }, { url, valueCoding: { code: 'b' } })).toEqual(
      directive({ effect: 'permit', classes, documents: [...documents, { code: 'b' }] }),
    )
    expect(rule({ url, valueCoding: {} })).toEqual(
      directive(
        { effect: 'permit', classes, documents: ['?'] },
        { unclear: ['Consent.provision.documentType'] },
      ),
    )
  })

  test.each<[string, unknown[]]>([
    ['another modifier', [{ url: 'urn:x', valueCoding: { code: 'a' } }]],
    [
      'one beside another modifier',
      [
        { url, valueCoding: { code: 'a' } },
        { url: 'urn:x', valueCoding: { code: 'a' } },
      ],
    ],
    ['one that says more', [{ url, valueCoding: { code: 'a' }, id: 'x' }]],
    ['one of another type of value', [{ url, valueCode: 'a' }]],
    ['none', []],
    ['what is no modifier', ['x']],
  ])('and not by %s', (_what, modifiers) =>
    expect(rule(...modifiers)).toEqual(
      directive(
        { effect: 'permit', classes, unclear: true },
        { unclear: ['Consent.provision.modifierExtension'] },
      ),
    ),
  )

  test('nor beside the element of R5', () => {
    const modifierExtension = [{ url, valueCoding: { code: 'a' } }]
    const reading = read({
      ...r4,
      provision: { type: 'permit', documentType: [{ code: 'b' }], modifierExtension },
    })
    expect(unclear(reading)).toEqual([
      'Consent.provision.documentType',
      'Consent.provision.modifierExtension',
    ])
  })
})

describe('an R5 Consent', () => {
  test.each<[string, Json, Rule]>([
    ['that denies', {}, { effect: 'deny' }],
    ['that permits', { decision: 'permit' }, { effect: 'permit' }],
    [
      'negates at each level',
      { provision: [{ provision: [{ provision: [{}] }] }] },
      {
        effect: 'deny',
        rules: [{ effect: 'permit', rules: [{ effect: 'deny', rules: [{ effect: 'permit' }] }] }],
      },
    ],
    [
      'negates from its decision',
      { decision: 'permit', provision: [{}, {}] },
      { effect: 'permit', rules: [{ effect: 'deny' }, { effect: 'deny' }] },
    ],
    [
      'has its validity at the root',
      { period: { end: '2026' }, provision: [] },
      { effect: 'deny', end: Date.UTC(2027, 0, 1) - 1 },
    ],
    [
      'has types of resource and of document',
      { provision: [{ resourceType: [{ code: 'Condition' }], documentType: [{ code: 'a' }] }] },
      {
        effect: 'deny',
        rules: [{ effect: 'permit', classes: [{ resource: 'Condition' }], documents: [{ code: 'a' }] }],
      },
    ],
  ])('%s', (_what, more, root) => expect(read({ ...r5, ...more })).toEqual(directive(root)))

  test.each<[string, Json, Rule, string]>([
    [
      'an unknown decision',
      { decision: 'maybe', provision: [{}] },
      { effect: 'deny', unclear: true, rules: [{ effect: 'permit' }] },
      'Consent.decision',
    ],
    ['no decision', { decision: undefined }, { effect: 'deny', unclear: true }, 'Consent.decision'],
    [
      'a type',
      { provision: [{ type: 'permit' }] },
      { effect: 'deny', rules: [{ effect: 'permit', unclear: true }] },
      'Consent.provision[0].type',
    ],
    [
      'a class of R4',
      { provision: [{ provision: [{ class: [{ code: 'Condition' }] }] }] },
      {
        effect: 'deny',
        rules: [
          {
            effect: 'permit',
            rules: [{ effect: 'deny', unclear: true, classes: [{ resource: 'Condition' }] }],
          },
        ],
      },
      'Consent.provision[0].provision[0].class',
    ],
    [
      'an expression',
      { provision: [{ expression: {} }] },
      { effect: 'deny', rules: [{ effect: 'permit', unclear: true }] },
      'Consent.provision[0].expression',
    ],
    [
      'what stands in the place of a rule',
      { provision: [null] },
      { effect: 'deny', rules: [{ effect: 'deny', unclear: true }] },
      'Consent.provision[0]',
    ],
    ['its period', { period: null }, { effect: 'deny', unclear: true }, 'Consent.period'],
    [
      'a member of R4',
      { policyRule: concept(actCode, 'OPTIN') },
      { effect: 'deny', unclear: true },
      'Consent.policyRule',
    ],
  ])('keeps as such what is not understood: %s', (_what, more, root, path) => {
    const reading = read({ ...r5, ...more })
    expect(reading).toEqual(directive(root, { unclear: [path] }))
  })

  test('is one by its decision, its subject, a list of provisions or what else only R5 has', () => {
    const { decision: _decision, subject: _subject, ...neither } = r5
    for (const mark of [
      { decision: 'permit' },
      { subject: maria },
      { grantor: [] },
      { grantee: [] },
      { policyBasis: {} },
      { regulatoryBasis: [] },
      { provision: [] },
    ]) {
      const reading = read({ ...neither, ...mark })
      expect(unclear(reading) ?? []).not.toContain('Consent.scope')
    }
    expect(unclear(read({ ...neither, patient: maria }))).toEqual(['Consent.scope'])
    expect(unclear(read({ ...neither, patient: maria, period: {} }))).toEqual([
      'Consent.scope',
      'Consent.period',
    ])
  })

  test('may say more that has no bearing on the decision', () => {
    const more = {
      grantor: [],
      grantee: [],
      manager: [],
      controller: [],
      regulatoryBasis: [],
      policyBasis: {},
      policyText: [],
      verification: [],
    }
    expect(read({ ...r5, ...more })).toEqual(directive({ effect: 'deny' }))
  })

  test('has a date', () => {
    expect(read({ ...r5, date: '2026' })).toEqual(
      directive({ effect: 'deny' }, { given: Date.UTC(2026, 0, 1) }),
    )
    expect(unclear(read({ ...r5, dateTime: '2026' }))).toEqual(['Consent.dateTime'])
  })

  test('is about the patient by its subject', () => {
    expect(read({ ...r5, subject: { reference: 'Patient/x' } })).toEqual({
      kind: 'none',
      because: 'other-patient',
    })
    expect(unclear(read({ ...r5, subject: { display: 'Maria' } }))).toEqual(['Consent.subject'])
  })
})

import { describe, expect, test } from 'vitest'
import { toDirective, type Mapped } from 'medledger-chaincode/core'
import { defaultPolicyOf, loinc, r4, r5 } from '../../../support/core-consents.ts'
import { actReason, roleActor } from '../../../support/ledger-consents.ts'

type Json = Record<string, unknown>

const person = 'cd'.repeat(16)
const person4 = { reference: { reference: `Practitioner/${person}` } }

const map = (resource: Json): Mapped => toDirective('ab'.repeat(16), resource, 'UTC')
const faultsOf = (mapped: Mapped): readonly string[] => (mapped.kind === 'faults' ? mapped.faults : [])

const consentOf = (provision: Json = { type: 'permit' }, more: Json = {}): Json => ({
  ...r4,
  provision,
  ...more,
})
const mapProvision = (provision: Json): Mapped => map(consentOf({ type: 'permit', ...provision }))
const r5Of = (more: Json): Json => ({ ...r5, provision: [], ...more })

describe('what is not understood is a fault', () => {
  test.each<[string, Json, string]>([
    ['another resource', { resourceType: 'Contract' }, 'Consent.resourceType must be Consent'],
    ['a draft', { status: 'draft' }, 'Consent.status must be active'],
    ['no status', { status: undefined }, 'Consent.status must be active'],
    ['a scope of research', { scope: { coding: [{ code: 'research' }] } }, 'Consent.scope is not understood'],
    [
      'another scope',
      {
        scope: {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'research' }],
        },
      },
      'Consent.scope (R4) or category (R5) must say that it is about privacy',
    ],
    [
      'a scope of another system',
      { scope: { coding: [{ system: 'x', code: 'patient-privacy' }] } },
      'Consent.scope is not understood',
    ],
    [
      'modifierExtension',
      { modifierExtension: [{ url: 'x' }] },
      'Consent.modifierExtension is not understood',
    ],
    ['implicitRules', { implicitRules: 'x' }, 'Consent.implicitRules is not understood'],
    ['no decision in R5', { scope: undefined, provision: [] }, 'Consent.decision is not understood'],
    ['a provision that is null', { provision: null }, 'Consent.provision is not understood'],
    ['nothing at all', { provision: undefined }, 'Consent.provision is missing'],
    [
      'a choice of default policy beside a provision',
      { policyRule: defaultPolicyOf('deny')['policyRule'] },
      'Consent.provision cannot stand beside the choice of a default policy',
    ],
  ])('in the resource: %s', (_what, more, fault) => {
    expect(faultsOf(map(consentOf({ type: 'permit' }, more)))).toContain(fault)
  })

  test('in a provision of R5, by its place', () => {
    const provision = [{}, { provision: [{ actor: [roleActor('nurse')] }] }]
    expect(faultsOf(map(r5Of({ provision })))).toEqual([
      'Consent.provision[1].provision[0].actor is not understood',
    ])
  })

  test('in R5: a scope of R4', () =>
    expect(faultsOf(map(consentOf({ type: 'permit' }, { decision: 'deny' })))).toContain(
      'Consent.scope is not understood',
    ))

  test.each<[string, Json]>([
    [
      'nine levels',
      {
        provision: [
          {
            type: 'deny',
            provision: [
              {
                type: 'deny',
                provision: [
                  {
                    type: 'deny',
                    provision: [
                      {
                        type: 'deny',
                        provision: [
                          {
                            type: 'deny',
                            provision: [
                              { type: 'deny', provision: [{ type: 'deny', provision: [{ type: 'deny' }] }] },
                            ],
                          },
                        ],
                      },
                    ],
                  },
                ],
              },
            ],
          },
        ],
      },
    ],
    [
      'more than two hundred provisions',
      { provision: Array.from({ length: 200 }, () => ({ type: 'deny' })) },
    ],
  ])('%s', (_what, provision) => {
    expect(faultsOf(mapProvision(provision))).toEqual([
      'Consent.provision is nested more than 8 deep or has more than 200 provisions',
    ])
  })

  const at = 'Consent.provision'
  test.each<[string, Json, string]>([
    ['no type, and no policy', { type: null }, `${at}.type`],
    ['another type', { type: 'Permit' }, `${at}.type`],
    ['a nested rule without a type', { provision: [{}] }, `${at}.provision[0].type`],
    ['what is no nested rule', { provision: [{ type: 'deny' }, 'deny'] }, `${at}.provision[1]`],
    ['modifierExtension', { modifierExtension: [{ url: 'x' }] }, `${at}.modifierExtension`],
    ['a security label of another sort', { securityLabel: [{ code: 'R' }] }, `${at}.securityLabel`],
    ['data without a reference', { data: [{ meaning: 'instance' }] }, `${at}.data`],
    [
      'data by a name inside one document',
      { data: [{ meaning: 'instance', reference: { reference: 'urn:uuid:1' } }] },
      `${at}.data`,
    ],
    ['another action', { action: [{ coding: [{ code: 'read' }] }] }, `${at}.action`],
    ['a class that FHIR has not', { class: [{ code: 'Document' }] }, `${at}.class`],
    ['no actors', { actor: [] }, `${at}.actor`],
    ['no purposes', { purpose: [] }, `${at}.purpose`],
    ['no codes', { code: [] }, `${at}.code`],
    ['an actor that is no list', { actor: 'x' }, `${at}.actor`],
    ['actors that are null', { actor: null }, `${at}.actor`],
    ['an actor that is null', { actor: [null] }, `${at}.actor`],
    [
      'a person whom the registry cannot know',
      { actor: [{ reference: { reference: 'Practitioner/chen' } }] },
      `${at}.actor`,
    ],
    [
      'a person with more than a handle',
      { actor: [{ reference: { reference: `Practitioner/${person}0` } }] },
      `${at}.actor`,
    ],
    [
      'an organisation whom the constitution cannot name',
      { actor: [{ reference: { reference: 'Organization/North-1' } }] },
      `${at}.actor`,
    ],
    ['a group', { actor: [{ reference: { reference: `Group/${person}` } }] }, `${at}.actor`],
    ['a related person', { actor: [{ reference: { reference: `RelatedPerson/${person}` } }] }, `${at}.actor`],
    ['an actor by display alone', { actor: [{ reference: { display: 'Dr Chen' } }] }, `${at}.actor`],
    [
      'a role of another system',
      { actor: [{ reference: { identifier: { system: 'urn:otherledg:role', value: 'doctor' } } }] },
      `${at}.actor`,
    ],
    [
      'an identifier that is no role',
      { actor: [{ reference: { identifier: { system: 'urn:gln', value: 'doctor' } } }] },
      `${at}.actor`,
    ],
    [
      'one good actor and one that is not',
      { actor: [roleActor('doctor'), { reference: {} }] },
      `${at}.actor`,
    ],
    ['a role nobody can have', { actor: [roleActor('nurse')] }, `${at}.actor`],
    [
      'a role nobody can have, by code',
      { actor: [{ role: { coding: [{ code: 'nurse' }] } }] },
      `${at}.actor`,
    ],
    ['an actor as author', { actor: [{ ...person4, role: { coding: [{ code: 'AUT' }] } }] }, `${at}.actor`],
    [
      'a person in a role',
      { actor: [{ ...person4, role: { coding: [{ code: 'doctor' }] } }] },
      `${at}.actor`,
    ],
    [
      'an actor by reference and by role',
      {
        actor: [
          { reference: { ...(roleActor('doctor').reference as Json), reference: 'Organization/north' } },
        ],
      },
      `${at}.actor`,
    ],
    [
      'an actor of a nested rule',
      {
        provision: [
          { type: 'deny' },
          { type: 'deny', provision: [{ type: 'deny', actor: [roleActor('nurse')] }] },
        ],
      },
      `${at}.provision[1].provision[0].actor`,
    ],
    ['a purpose nobody can state', { purpose: [{ system: actReason, code: 'TREATMENT' }] }, `${at}.purpose`],
    ['a purpose as text', { purpose: ['TREAT'] }, `${at}.purpose`],
    ['a code by text alone', { code: [{ text: 'Summary' }] }, `${at}.code`],
    ['a concept without codings', { code: [{ coding: [] }] }, `${at}.code`],
    ['an empty code', { code: [{ coding: [{ system: loinc, code: '' }] }] }, `${at}.code`],
    ['a period that is null', { period: null }, `${at}.period`],
    ['a period without an end or a start', { period: {} }, `${at}.period`],
    ['a period that is a date', { period: '2026' }, `${at}.period`],
    ['an hour without an offset', { period: { end: '2026-01-15T12:00:00' } }, `${at}.period`],
    ['a day that does not exist', { period: { start: '2026-02-30' } }, `${at}.period`],
    ['an end that is null', { period: { start: '2026', end: null } }, `${at}.period`],
    ['an end before the start', { period: { start: '2026-01-02', end: '2026-01-01' } }, `${at}.period`],
    ['a data period that cannot be read', { dataPeriod: {} }, `${at}.dataPeriod`],
  ])('in the provision: %s', (_what, provision, path) => {
    expect(faultsOf(mapProvision(provision))).toEqual([`${path} is not understood`])
  })

  test('and all of it is reported, without the values and without made-up names', () => {
    const provision = {
      type: 'x',
      data: [],
      period: { end: 'Maria' },
      actor: [{ reference: 'Maria' }],
      maria: 1,
    }
    const faults = faultsOf(map(consentOf(provision, { status: 'active', Rossi: true })))
    expect(faults).toEqual(
      [
        'Consent.(unknown member)',
        `${at}.type`,
        `${at}.(unknown member)`,
        `${at}.actor`,
        `${at}.data`,
        `${at}.period`,
      ].map((path) => `${path} is not understood`),
    )
    expect(faults.join()).not.toMatch(/maria|rossi/i)
  })

  test('with the resource’s own before what keeps it from being read', () => {
    expect(faultsOf(map({ ...consentOf(), resourceType: 'Contract', status: 'draft' }))).toEqual([
      'Consent.resourceType must be Consent',
      'Consent.status must be active',
    ])
  })
})

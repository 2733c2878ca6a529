import { describe, expect, test } from 'vitest'
import type { Agent, Descriptor } from 'medledger-chaincode/api'
import { decide, toDirective, utc, type Directive } from 'medledger-chaincode/core'
import { factsOf } from '../../../chaincode/src/handlers/access.ts'
import { actorOf, consentOf } from '../../support/ledger-samples.ts'

const chen = 'a2'.repeat(16)
const okafor = 'a1'.repeat(16)
const maria = 'e1'.repeat(16)
const tomas = 'e2'.repeat(16)

const doctor: Agent = { kind: 'person', id: chen, role: 'doctor', organisation: 'south', through: 'south' }
const author: Agent = { ...doctor, id: okafor, organisation: 'north', through: 'north' }
const patient: Agent = {
  kind: 'patient',
  id: tomas,
  role: 'patient',
  organisation: 'authority',
  through: 'north',
}

const document = (last: string, more: Partial<Descriptor> = {}): Descriptor => ({
  document: `north-${'0'.repeat(31)}${last}`,
  version: 1,
  patient: maria,
  type: { system: 'http://loinc.org', code: '34133-9' },
  date: '2025-11-03',
  digest: 'd'.repeat(64),
  ...more,
})

function directive(provision: Record<string, unknown>, consent = 'c1'): Directive {
  const mapped = toDirective(consent, consentOf(provision), utc)
  if (mapped.kind !== 'directive') throw new Error(JSON.stringify(mapped))
  return mapped.directive
}

interface Asked {
  readonly agent?: Agent
  readonly purpose?: string
  readonly set?: Partial<Parameters<typeof factsOf>[0]['set']>
}

/** What comes of asking for two documents of Maria's at North, of which Dr Okafor has written the second. */
function outcomes({ agent = doctor, purpose = 'TREAT', set = {} }: Asked): string[] {
  const facts = factsOf({
    at: Date.UTC(2026, 0, 1),
    agent,
    purpose,
    custodian: 'north',
    patient: maria,
    set: { version: 1, directives: [], defaultPolicy: 'deny', ...set },
    documents: [document('1'), document('2', { author: okafor })],
    zone: utc,
  })
  return decide(facts).records.map(({ outcome, basis }) => `${outcome} ${basis}`)
}
const under = (actor: Record<string, unknown>, agent: Agent = doctor): string[] =>
  outcomes({ agent, set: { directives: [directive({ type: 'permit', actor: [actor] })] } })

const bothPermitted = ['permit consent', 'permit consent']
const nothingApplies = ['deny default-policy', 'deny default-policy']

describe('a directive names a member of staff', () => {
  test.each<[string, Record<string, unknown>, boolean]>([
    ['herself', actorOf(`Practitioner/${chen}`), true],
    ['another', actorOf(`Practitioner/${okafor}`), false],
    ['as a patient', actorOf(`Patient/${chen}`), false],
    ['by her organisation', actorOf('Organization/south'), true],
    ['by another organisation', actorOf('Organization/north'), false],
    ['by her role', { reference: { identifier: { system: 'urn:medledger:role', value: 'doctor' } } }, true],
    ['by her role as a code', { role: { coding: [{ code: 'doctor' }] } }, true],
    ['by another role', { role: { coding: [{ code: 'auditor' }] } }, false],
  ])('%s', (_how, actor, applies) => expect(under(actor)).toEqual(applies ? bothPermitted : nothingApplies))
})

test('a directive names no patient by an organisation or as a practitioner, but as a patient and by role', () => {
  expect(under(actorOf('Organization/authority'), patient)).toEqual(nothingApplies)
  expect(under(actorOf(`Practitioner/${tomas}`), patient)).toEqual(nothingApplies)
  expect(under(actorOf(`Patient/${tomas}`), patient)).toEqual(bothPermitted)
  expect(under({ role: { coding: [{ code: 'patient' }] } }, patient)).toEqual(bothPermitted)
})

describe('a patient always sees her own', () => {
  const directives = [directive({ type: 'deny' })]

  test('whatever she denies', () =>
    expect(outcomes({ agent: { ...patient, id: maria }, set: { directives } })).toEqual([
      'permit self',
      'permit self',
    ]))

  test('and nobody else does by her handle', () => {
    expect(outcomes({ agent: { ...doctor, id: maria } })).toEqual(nothingApplies)
    expect(outcomes({ agent: patient })).toEqual(nothingApplies)
  })
})

describe('where no directive speaks, the custodian’s staff see for treatment what they wrote', () => {
  const own = ['deny default-policy', 'permit author']

  test('whatever the policy of the constitution', () => expect(outcomes({ agent: author })).toEqual(own))

  test.each<[string, Asked]>([
    ['for nothing else', { purpose: 'HRESCH' }],
    ['not at another organisation', { agent: { ...author, organisation: 'south' } }],
    ['not as a patient', { agent: { ...author, kind: 'patient' } }],
    ['not where the patient has chosen that nobody may', { set: { policyConsent: 'c0' } }],
  ])('%s', (_when, asked) => expect(outcomes({ agent: author, ...asked })).toEqual(nothingApplies))

  test('also where the patient has chosen another policy', () => {
    const set = { policyConsent: 'c0', defaultPolicy: 'break-glass-only' } as const
    expect(outcomes({ agent: author, set })).toEqual(own)
  })

  test('not where a directive speaks', () => {
    const denied = ['deny consent', 'deny consent']
    expect(outcomes({ agent: author, set: { directives: [directive({ type: 'deny' })] } })).toEqual(denied)
    const other = directive({ type: 'permit', code: [{ coding: [{ code: 'other' }] }] })
    expect(outcomes({ agent: author, set: { directives: [other] } })).toEqual(denied)
  })
})

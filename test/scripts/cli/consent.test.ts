import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { statusOf, type GatewayErrorCode } from '../../../gateway/src/error.ts'
import { outcomeOf, outcomeOfFaults } from '../../../gateway/src/fhir/common.ts'
import { findPerson } from '../../../scripts/development/index.ts'
import { fakeInstance, searchset, type FakeInstance } from './fake-instance.ts'

let instance: FakeInstance

beforeEach(async () => {
  instance = await fakeInstance()
})
afterEach(() => instance.close())

const handle = (user: string): string => findPerson(instance.people, user)?.handle ?? ''

describe('grant', () => {
  const granted = (placements: object[]): object => ({
    resourceType: 'Consent',
    id: 'c1',
    extension: placements.map((extension) => ({ url: 'urn:medledger:placement', extension })),
  })
  const north = [
    { url: 'custodian', valueString: 'north' },
    { url: 'entry', valueString: 'e1' },
  ]
  const failed = (code: string): object[] => [
    { url: 'custodian', valueString: 'south' },
    { url: 'error', valueCode: code },
  ]

  test('sends the Consent that the options describe', async () => {
    instance.answer = () => ({ status: 201, body: granted([north]) })
    const words = '--purpose TREAT --type 11502-2 --type 18842-5 --until 2199-12-31 --custodian north'.split(
      ' ',
    )
    const { code, stdout } = await instance.medledger(
      'grant',
      '--as',
      'maria',
      '--to',
      'dr.chen',
      ...words,
      '--json',
    )
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ consent: 'c1', entries: ['e1'] })
    expect(instance.asked[0]).toMatchObject({
      route: 'POST /fhir/Consent',
      body: {
        resourceType: 'Consent',
        status: 'active',
        patient: { reference: `Patient/${handle('maria')}` },
        organization: [{ reference: 'Organization/north' }],
        provision: {
          type: 'permit',
          period: { end: '2199-12-31' },
          actor: [{ reference: { reference: `Practitioner/${handle('dr.chen')}` } }],
          purpose: [{ code: 'TREAT' }],
          code: [{ coding: [{ code: '11502-2' }] }, { coding: [{ code: '18842-5' }] }],
        },
      },
    })
  })

  test.each([
    ['south', { reference: 'Organization/south' }],
    ['doctor', { identifier: { system: 'urn:medledger:role', value: 'doctor' } }],
  ])('to %s names an organisation or a role', async (to, reference) => {
    instance.answer = () => ({ status: 201, body: granted([north]) })
    await instance.medledger('grant', '--as', 'maria', '--to', to)
    expect(instance.asked[0]?.body).toMatchObject({ provision: { actor: [{ reference }] } })
  })

  test.each([
    ['LEDGER_UNAVAILABLE', 5],
    ['OUTCOME_UNKNOWN', 7],
  ])('that one custodian has not taken (%s) is printed and ends with exit %i', async (error, expected) => {
    instance.answer = () => ({ status: 202, body: granted([north, failed(error)]) })
    const { code, stdout, stderr } = await instance.medledger(
      'grant',
      '--as',
      'maria',
      '--to',
      'doctor',
      '--json',
    )
    expect(code).toBe(expected)
    expect(JSON.parse(stdout)).toEqual({ consent: 'c1', entries: ['e1'] })
    expect(stderr).toContain(`south (${error})`)
  })

  test.each([
    [['--to', 'nobody']],
    [['--to', 'tomas']],
    [['--to', 'doctor', '--custodian', 'authority']],
    [['--to', 'doctor', '--type', 'laboratory']],
    [['--to', 'doctor', '--purpose', 'FUN']],
    [['--to', 'doctor', '--until', '2199-02-30']],
    [['--to', 'doctor', '--until', '2001-01-01']],
    [['--to', 'doctor', '--at', 'west']],
    [['--to', 'doctor', '--default-policy', 'deny']],
    [['--default-policy', 'everything']],
    [['--file', 'nowhere.json']],
    [['--file', 'nowhere.json', '--deny']],
    [[]],
  ])('with %j is bad input and asks nobody', async (words) => {
    const { code, stdout, stderr } = await instance.medledger('grant', '--as', 'maria', ...words)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(instance.asked).toEqual([])
  })
})

describe('grant --deny', () => {
  const sent = async (...words: string[]): Promise<unknown> => {
    instance.answer = () => ({ status: 201, body: { resourceType: 'Consent', id: 'c1' } })
    const { code } = await instance.medledger('grant', '--as', 'maria', '--deny', ...words)
    expect(code).toBe(0)
    return instance.asked.at(-1)?.body
  }

  test('denies what the options say, by type of document', async () => {
    const reference = { reference: `Practitioner/${handle('dr.chen')}` }
    expect(await sent('--to', 'dr.chen', '--type', '11502-2')).toMatchObject({
      policyRule: { coding: [{ code: 'OPTOUT' }] },
      provision: {
        type: 'deny',
        actor: [{ reference }],
        class: [{ system: 'http://loinc.org', code: '11502-2' }],
      },
    })
  })

  test('denies everybody who is not named', async () => {
    expect(await sent()).toMatchObject({ provision: { type: 'deny' } })
    expect(await sent()).not.toHaveProperty('provision.actor')
  })
})

describe('grant --file', () => {
  const patient = (): object => ({ reference: `Patient/${handle('maria')}` })
  const grantFile = async (content: unknown): Promise<{ code: number; stderr: string; body: unknown }> => {
    const file = join(instance.data, 'consent.json')
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content))
    instance.answer = () => ({ status: 201, body: { resourceType: 'Consent', id: 'c1' } })
    const { code, stderr } = await instance.medledger('grant', '--as', 'maria', '--file', file)
    return { code, stderr, body: instance.asked.at(-1)?.body }
  }

  test('sends the Consent as it is, of either dialect, filling in whose it is', async () => {
    const r4 = { resourceType: 'Consent', provision: { type: 'permit' }, mine: true }
    expect(await grantFile(r4)).toMatchObject({ code: 0, body: { ...r4, patient: patient() } })
    const r5 = { resourceType: 'Consent', decision: 'deny' }
    expect((await grantFile(r5)).body).toEqual({ ...r5, subject: patient() })
    const own = { ...r5, subject: { reference: 'Patient/x' } }
    expect((await grantFile(own)).body).toEqual(own)
  })

  test('that the gateway refuses is told with all faults', async () => {
    const faults = [
      { path: 'Consent.decision', text: 'is not understood' },
      { path: 'Consent.period', text: 'is not well formed' },
    ]
    const file = join(instance.data, 'consent.json')
    await writeFile(file, '{"resourceType":"Consent"}')
    instance.answer = () => ({ status: 400, body: outcomeOfFaults(faults) })
    const { code, stderr } = await instance.medledger('grant', '--as', 'maria', '--file', file)
    expect(code).toBe(2)
    expect(stderr).toContain(
      'Consent.decision is not understood. Consent.period is not well formed. (INVALID_REQUEST)',
    )
  })

  test.each<[string, unknown]>([
    ['no JSON', '{"Lindqvist'],
    ['no Consent', { resourceType: 'Patient', id: 'Lindqvist' }],
    ['a list', []],
    ['too large', { resourceType: 'Consent', id: 'x'.repeat(300_000) }],
  ])('that is %s is bad input, of which nothing is told', async (_what, content) => {
    const { code, stderr, body } = await grantFile(content)
    expect([code, body]).toEqual([2, undefined])
    expect(stderr).not.toContain('Lindqvist')
  })
})

describe('grant --default-policy', () => {
  test('chooses it', async () => {
    instance.answer = () => ({ status: 201, body: { resourceType: 'Consent', id: 'c1' } })
    const words = ['--default-policy', 'break-glass-only', '--custodian', 'north']
    expect((await instance.medledger('grant', '--as', 'maria', ...words)).code).toBe(0)
    const [{ body } = { body: {} }] = instance.asked
    expect(body).toMatchObject({
      organization: [{ reference: 'Organization/north' }],
      policyRule: { coding: [{ system: 'urn:medledger:default-policy', code: 'break-glass-only' }] },
    })
    expect(body).not.toHaveProperty('provision')
  })
})

describe('revoke', () => {
  const consent = (id: string, status: string): object => ({ resourceType: 'Consent', id, status })
  const [old, newest, gone] = ['1', '2', '3'].map((digit) => digit.repeat(32)) as [string, string, string]

  test('--last takes back the newest consent that is active', async () => {
    instance.answer = ({ route }) =>
      route.startsWith('GET')
        ? {
            status: 200,
            body: searchset(consent(old, 'active'), consent(newest, 'active'), consent(gone, 'inactive')),
          }
        : { status: 200, body: { ...consent(newest, 'inactive'), extension: [] } }
    const { code, stdout } = await instance.medledger('revoke', '--last', '--as', 'maria', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ consent: newest, entries: [] })
    expect(instance.asked.map(({ route }) => route)).toEqual([
      `GET /fhir/Consent?patient=${handle('maria')}`,
      `PUT /fhir/Consent/${newest}`,
    ])
    expect(instance.asked[1]?.body).toMatchObject({ id: newest, status: 'inactive' })
  })

  test.each(Object.keys(statusOf) as GatewayErrorCode[])(
    '--last of a list that says %s of some custodian takes nothing back',
    async (code) => {
      const missing = outcomeOf(code, 'north: no answer')
      instance.answer = () => ({ status: 200, body: searchset(consent(old, 'active'), missing) })
      const { code: exit, stderr } = await instance.medledger('revoke', '--last', '--as', 'maria')
      expect([exit, instance.asked.length]).toEqual([5, 1])
      expect(stderr).toContain('Not every custodian answered')
    },
  )

  test('that some custodian has not taken says how to repeat it', async () => {
    const extension = [
      {
        url: 'urn:medledger:placement',
        extension: [
          { url: 'custodian', valueString: 'south' },
          { url: 'error', valueCode: 'LEDGER_UNAVAILABLE' },
        ],
      },
    ]
    instance.answer = () => ({ status: 202, body: { ...consent(old, 'inactive'), extension } })
    const { code, stderr } = await instance.medledger('revoke', old, '--as', 'maria')
    expect(code).toBe(5)
    expect(stderr).toContain(`medledger revoke ${old}`)
    expect(stderr).not.toContain('--custodian')
  })

  test('--last without any is exit 3', async () => {
    instance.answer = () => ({ status: 200, body: searchset(consent(old, 'inactive')) })
    expect((await instance.medledger('revoke', '--last', '--as', 'maria')).code).toBe(3)
  })

  test.each([[[]], [[newest, '--last']], [['1234']]])('with %j is bad input', async (words) => {
    expect((await instance.medledger('revoke', ...words, '--as', 'maria')).code).toBe(2)
    expect(instance.asked).toEqual([])
  })
})

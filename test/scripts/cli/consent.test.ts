import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { statusOf, type GatewayErrorCode } from '../../../gateway/src/error.ts'
import { outcomeOf } from '../../../gateway/src/fhir/common.ts'
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
    [[]],
  ])('with %j is bad input and asks nobody', async (words) => {
    const { code, stdout, stderr } = await instance.medledger('grant', '--as', 'maria', ...words)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(instance.asked).toEqual([])
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

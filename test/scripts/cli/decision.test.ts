import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findPerson } from '../../../scripts/development/index.ts'
import { fakeInstance, searchset, type FakeInstance } from './fake-instance.ts'

let instance: FakeInstance
beforeEach(async () => {
  instance = await fakeInstance()
})
afterEach(() => instance.close())

const entry = '5'.repeat(32)

const event = (more: object = {}): object => ({
  resourceType: 'AuditEvent',
  extension: [
    {
      url: 'urn:medledger:entry',
      valueString: JSON.stringify({ entry, kind: 'access', custodian: 'north', through: 'south', ...more }),
    },
  ],
})

const document = {
  document: `north-${'d'.repeat(32)}`,
  outcome: 'permit',
  sentences: ['The report may be read: your permission for Dr Chen allows it.'],
}
const explained = {
  at: '2026-05-04T09:30:00.000Z',
  asker: { kind: 'person', name: 'Dr Wei Chen', organisation: 'south' },
  purpose: 'TREAT',
  outcome: 'permit',
  decidedAgain: 'same',
  sentences: ['An emergency is declared.'],
  documents: [document],
}

/** Answers with a log and then with the explanation. */
const logged = (events: readonly object[]): void => {
  instance.answer = ({ route }) =>
    route.startsWith('GET /fhir/AuditEvent')
      ? { status: 200, body: searchset(...events) }
      : { status: 200, body: explained }
}
const routes = (): string[] => instance.asked.map(({ route }) => route)

describe('explain', () => {
  test('finds the entry in the log, and prints why it was decided so', async () => {
    logged([event({ entry: '6'.repeat(32) }), event({ kind: 'release' }), event()])
    const { code, stdout } = await instance.medledger('explain', entry, '--as', 'maria')
    expect(code).toBe(0)
    expect(stdout).toBe(
      '2026-05-04T09:30:00.000Z  Dr Wei Chen (south)  TREAT  permit\n' +
        'An emergency is declared.\n' +
        `permit  ${document.document}\n` +
        `  ${document.sentences[0]}\n` +
        'Decided again from what the entry names, it comes out the same.\n',
    )
    expect(routes()[1]).toBe(`GET /v1/decisions/north/south/${entry}`)
    const json = await instance.medledger('explain', entry, '--as', 'maria', '--json')
    expect(JSON.parse(json.stdout)).toEqual(explained)
  })

  test('does not read the log when it is told where the entry lies', async () => {
    logged([])
    const place = ['--custodian', 'south', '--through', 'north']
    await instance.medledger('explain', entry, '--as', 'maria', ...place)
    expect(routes()).toEqual([`GET /v1/decisions/south/north/${entry}`])
  })

  test('asks which one is meant when two have the id, and says that there is none', async () => {
    logged([event(), event({ through: 'authority' })])
    const { code, stderr } = await instance.medledger('explain', entry, '--as', 'maria')
    expect(code).toBe(2)
    expect(stderr).toContain('--custodian north --through authority')
    const named = await instance.medledger('explain', entry, '--as', 'maria', '--through', 'authority')
    expect([named.code, routes().at(-1)]).toEqual([0, `GET /v1/decisions/north/authority/${entry}`])
    logged([])
    expect((await instance.medledger('explain', entry, '--as', 'maria')).code).toBe(3)
    expect((await instance.medledger('explain', 'x', '--as', 'maria')).code).toBe(2)
  })

  test('gives a doctor the notice, without a look at a log that is not hers', async () => {
    instance.answer = () => ({ status: 200, body: { notice: 'To the patient alone.' } })
    const { code, stdout } = await instance.medledger('explain', entry, '--as', 'dr.chen')
    expect([code, stdout, routes()]).toEqual([
      0,
      'To the patient alone.\n',
      [`GET /v1/decisions/north/south/${entry}`],
    ])
  })
})

describe('simulate', () => {
  const simulated = {
    custodians: [
      { custodian: 'north', outcome: 'permit', sentences: ['Nothing covers it.'], documents: [document] },
      { custodian: 'south', outcome: 'deny', sentences: [], documents: [] },
    ],
  }

  test('sends what is asked for, and prints it custodian by custodian', async () => {
    instance.answer = () => ({ status: 200, body: simulated })
    const directory = await mkdtemp(join(tmpdir(), 'medledger-simulate-'))
    const file = join(directory, 'consent.json')
    await writeFile(file, '{"resourceType":"Consent"}')
    const words = `--purpose hresch --on 2027-01-31T12:00:00+01:00 --file ${file} --without c1 --without c2`
    const { code, stdout } = await instance.medledger(
      'simulate',
      '--as',
      'maria',
      '--to',
      'dr.chen',
      ...words.split(' '),
    )
    await rm(directory, { recursive: true })
    expect(code).toBe(0)
    expect(instance.asked[0]).toMatchObject({
      route: 'POST /v1/decisions/simulate',
      body: {
        who: { practitioner: findPerson(instance.people, 'dr.chen')?.handle },
        purpose: 'HRESCH',
        at: '2027-01-31T11:00:00.000Z',
        consent: { resourceType: 'Consent' },
        without: ['c1', 'c2'],
      },
    })
    expect(stdout).toBe(
      'north: 1 document\nNothing covers it.\n' +
        `permit  ${document.document}\n  ${document.sentences[0]}\n` +
        'south: 0 documents\n',
    )
  })

  test.each([
    ['south', { organisation: 'south' }],
    ['doctor', { role: 'doctor' }],
  ])('to %s, for treatment unless said otherwise', async (to, who) => {
    instance.answer = () => ({ status: 200, body: simulated })
    const { stdout } = await instance.medledger('simulate', '--as', 'maria', '--to', to, '--json')
    expect(instance.asked[0]?.body).toEqual({ who, purpose: 'TREAT' })
    expect(JSON.parse(stdout)).toEqual(simulated)
  })

  test('with a custodian that does not answer prints the others and ends with exit 5', async () => {
    const [north] = simulated.custodians
    const custodians = [north, { custodian: 'south', error: 'LEDGER_UNAVAILABLE' }]
    instance.answer = () => ({ status: 200, body: { custodians } })
    const { code, stdout, stderr } = await instance.medledger('simulate', '--as', 'maria', '--to', 'doctor')
    expect(code).toBe(5)
    expect(stdout).toContain('north: 1 document')
    expect(stderr).toContain('south (LEDGER_UNAVAILABLE)')
  })

  test.each([
    [['--to', 'nobody']],
    [['--to', 'doctor', '--purpose', 'FUN']],
    [['--to', 'doctor', '--on', '2027-01-31']],
    [['--to', 'doctor', '--on', '2027-02-30T12:00:00Z']],
    [['--to', 'doctor', '--file', '/does/not/exist.json']],
    [[]],
  ])('with %j is bad input and asks nobody', async (words) => {
    const { code, stdout } = await instance.medledger('simulate', '--as', 'maria', ...words)
    expect([code, stdout, instance.asked]).toEqual([2, '', []])
  })
})

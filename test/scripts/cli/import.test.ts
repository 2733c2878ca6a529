import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readPeople } from '../../../scripts/development/index.ts'
import { pathsIn } from '../../../scripts/start/paths.ts'
import { bundle, encounter, observation } from '../import/bundles.ts'
import { fakeInstance, type Asked, type FakeInstance, type Reply } from './fake-instance.ts'

let instance: FakeInstance
let file: string

beforeEach(async () => {
  instance = await fakeInstance()
  file = join(instance.data, 'bundle.json')
  instance.answer = gateway
  await writeFile(file, JSON.stringify(bundle(encounter('e1'), encounter('e2'), observation('o1'))))
})
afterEach(() => instance.close())

function gateway({ route, body }: Asked): Reply {
  if (route === 'POST /v1/patients') return { status: 201, body: {} }
  const { documents } = body as { documents: { source: string }[] }
  return {
    status: 200,
    body: {
      documents: documents.map(({ source }) => ({
        source,
        id: `north-${source.slice(0, 32)}`,
        state: 'registered',
      })),
    },
  }
}

const importIt = (): ReturnType<FakeInstance['medledger']> =>
  instance.medledger('import', file, '--org', 'north', '--json')

describe('import', () => {
  test('registers the patient once and hands in the same documents each time', async () => {
    const [first, second] = [await importIt(), await importIt()]
    expect(first.code).toBe(0)
    expect(second.stdout).toBe(first.stdout)
    expect(JSON.parse(first.stdout)).toMatchObject({
      patient: { user: 'anna.obrien' },
      documents: [{ state: 'registered' }, {}, {}],
      encounters: 2,
      summary: true,
      leftOut: {},
    })
    expect(instance.asked.map(({ route }) => route)).toEqual([
      'POST /v1/patients',
      'POST /v1/documents',
      'POST /v1/documents',
    ])
    expect(JSON.stringify(instance.asked[2]?.body)).toBe(JSON.stringify(instance.asked[1]?.body))
  })

  test('makes the patient one of the people, under one handle even when a run breaks off', async () => {
    instance.answer = () => ({ status: 503, body: { code: 'LEDGER_UNAVAILABLE', title: 'Not now.' } })
    expect(await importIt()).toMatchObject({ code: 5, stderr: 'medledger: Not now. (LEDGER_UNAVAILABLE)\n' })
    // The first run was committed after all.
    instance.answer = (asked) => (asked.route === 'POST /v1/patients' ? { status: 409 } : gateway(asked))
    expect((await importIt()).code).toBe(0)
    const handles = instance.asked
      .filter(({ route }) => route === 'POST /v1/patients')
      .map(({ body }) => (body as { patient: string }).patient)
    expect(new Set(handles).size).toBe(1)
    const people = await readPeople(pathsIn(instance.data).people)
    expect(people?.at(-1)).toMatchObject({
      user: 'anna.obrien',
      handle: handles[0],
      role: 'patient',
      registered: true,
    })
  })

  test('of two patients at the same time loses neither', async () => {
    const other = join(instance.data, 'other.json')
    const text = JSON.stringify(bundle(encounter('e1'))).replace('"value":"17"', '"value":"18"')
    await writeFile(other, text)
    const results = await Promise.all([
      importIt(),
      instance.medledger('import', other, '--org', 'north', '--json'),
    ])
    expect(results.map(({ code }) => code)).toEqual([0, 0])
    const people = await readPeople(pathsIn(instance.data).people)
    expect(people?.slice(-2).map(({ user }) => user)).toEqual(['anna.obrien', 'anna.obrien.2'])
  })

  test('says for people what was done and what was left out', async () => {
    await writeFile(file, JSON.stringify(bundle(encounter('e1'), { resource: { resourceType: 'Claim' } })))
    const { stdout } = await instance.medledger('import', file, '--org', 'north')
    expect(stdout).toBe(
      'Patient anna.obrien\n1 documents at north (1 encounters): 1 registered\nLeft out: 1 Claim\n',
    )
  })

  test.each([
    [['missing.json', '--org', 'north'], /cannot be read/],
    [[import.meta.filename, '--org', 'north'], /not JSON/],
  ])('of %j is bad input, in one line', async (words, expected) => {
    const { code, stdout, stderr } = await instance.medledger('import', ...words)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(expected)
    expect(instance.asked).toEqual([])
  })

  test('into an organisation that keeps no documents is bad input', async () => {
    expect((await instance.medledger('import', file, '--org', 'authority')).code).toBe(2)
    expect(instance.asked).toEqual([])
  })
})

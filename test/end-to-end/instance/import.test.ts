import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { filesBelow, occurrences } from '../../support/canary.ts'
import { medledger, type Finished } from '../../support/command-line.ts'
import { startInstance, type RunningInstance } from '../../support/instance.ts'
import { testPort } from '../../support/ports.ts'

const folder = process.env['MEDLEDGER_TEST_DATA']
const files =
  folder !== undefined && existsSync(folder)
    ? readdirSync(folder).filter((name) => name.endsWith('.json'))
    : []
if (files.length === 0) {
  process.stdout.write(
    'The import of synthetic patients is not tested: MEDLEDGER_TEST_DATA names no folder with them.\n',
  )
}

interface Imported {
  readonly patient: { readonly user: string; readonly handle: string }
  readonly documents: readonly { readonly id: string; readonly state: string }[]
  readonly encounters: number
  readonly summary: boolean
}

interface Resource {
  readonly resourceType: string
  readonly name?: readonly { readonly family: string; readonly given: readonly string[] }[]
}

let data: string
let instance: RunningInstance
const outputs: string[] = []

const run = async (...args: string[]): Promise<Finished> => {
  const finished = await medledger([...args, '--data', data, '--json'])
  outputs.push(finished.stderr)
  return finished
}

describe.runIf(files.length > 0)('importing a patient of another system', () => {
  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'medledger-import-'))
    instance = await startInstance(data, ['--port', String(testPort(380))])
  })

  afterAll(async () => {
    await instance.interrupt()
    await rm(data, { recursive: true, force: true })
  })

  test.each(files)('%s: a document for each encounter and one summary, and nothing twice', async (file) => {
    const path = join(folder ?? '', file)
    const bundle = JSON.parse(readFileSync(path, 'utf8')) as { entry: { resource: Resource }[] }
    const encounters = bundle.entry.filter(({ resource }) => resource.resourceType === 'Encounter').length
    const first = await run('import', path, '--org', 'north')
    expect(first.code).toBe(0)
    const imported = JSON.parse(first.stdout) as Imported
    expect(imported.encounters).toBe(encounters)
    expect(imported.documents).toHaveLength(encounters + (imported.summary ? 1 : 0))
    const second = JSON.parse((await run('import', path, '--org', 'north')).stdout) as Imported
    expect(second.patient).toEqual(imported.patient)
    expect(second.documents.every(({ state }) => state === 'unchanged')).toBe(true)
    const { user } = imported.patient
    const listed = await run('documents', '--patient', user, '--as', user)
    expect((JSON.parse(listed.stdout) as unknown[]).length).toBe(imported.documents.length)
  })

  test('a doctor of the other hospital reads one after a grant, and the name is in no block, log or error', async () => {
    const path = join(folder ?? '', files[0] ?? '')
    const { patient, documents } = JSON.parse(
      (await run('import', path, '--org', 'north')).stdout,
    ) as Imported
    const id = documents[0]?.id ?? ''
    expect((await run('read', id, '--as', 'dr.chen')).code).toBe(4)
    expect((await run('grant', '--as', patient.user, '--to', 'dr.chen')).code).toBe(0)
    const read = await run('read', id, '--as', 'dr.chen')
    expect(read.code).toBe(0)
    const canary = familyName(path)
    expect(read.stdout).toContain(canary)
    const seen = [...filesBelow(join(data, 'logs')), ...filesBelow(join(data, 'network')).filter(isBlockFile)]
    expect(seen.some(isBlockFile)).toBe(true)
    for (const file of seen) expectWithout(file, [canary, 'no-such-document', 'default-policy', '"deny"'])
    expect(outputs.join('\n')).not.toContain(canary)
  })

  test.each([
    ['not JSON', 'this is canary, not JSON'],
    ['not a Bundle', '{"resourceType":"Patient","id":"canary"}'],
    ['no patient', '{"resourceType":"Bundle","type":"collection","entry":[]}'],
    ['a name twice', '{"resourceType":"Bundle","resourceType":"canary"}'],
  ])('a file with %s is refused in one line without its content', async (_what, content) => {
    const path = join(data, 'wrong.json')
    await writeFile(path, content)
    const { code, stdout, stderr } = await run('import', path, '--org', 'north')
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).not.toContain('canary')
  })
})

function familyName(path: string): string {
  const bundle = JSON.parse(readFileSync(path, 'utf8')) as { entry: { resource: Resource }[] }
  const found = bundle.entry.find(({ resource }) => resource.resourceType === 'Patient')?.resource.name?.[0]
    ?.family
  if (found === undefined) throw new Error('the patient has no name')
  return found
}

const isBlockFile = (path: string): boolean => /block|chain/.test(path.split('/').at(-1) ?? '')

function expectWithout(file: string, words: readonly string[]): void {
  const content = readFileSync(file)
  for (const word of words) expect([...occurrences(content, word).keys()], `${word} in ${file}`).toEqual([])
}

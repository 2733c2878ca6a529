import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { check, DocumentId, randomId } from 'medledger-chaincode/api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { demoDocuments } from '../../../scripts/development/demo-documents.ts'
import {
  findPerson,
  inventPeople,
  newUserName,
  readPeople,
  replaceFile,
  writeOnce,
  writePeople,
} from '../../../scripts/development/index.ts'
import { demoTopology } from '../../../scripts/network/topology.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'medledger-people-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const { constitution } = demoTopology()

describe('the invented people', () => {
  test('have each a name and a handle of their own, and a role that their issuer may assert', () => {
    const people = inventPeople(constitution, randomId)
    expect(new Set(people.map(({ user }) => user)).size).toBe(people.length)
    expect(new Set(people.map(({ handle }) => handle)).size).toBe(people.length)
    for (const { organisation, role } of people) {
      const issuer = constitution.issuers.find((candidate) => candidate.organisation === organisation)
      expect(issuer?.roles).toContain(role)
    }
  })

  test('are the same after they were written and read', async () => {
    const people = inventPeople(constitution, randomId)
    const file = join(folder, 'people.json')
    await writePeople(file, people)
    expect(await readPeople(file)).toEqual(people)
    expect(findPerson(people, 'maria')).toBe(findPerson(people, findPerson(people, 'maria')?.handle ?? ''))
  })

  test('whose file is damaged are not taken for none', async () => {
    const file = join(folder, 'people.json')
    await writeFile(file, '{"people":[{"user":"canary"}]}')
    await expect(readPeople(file)).rejects.toThrow(/^(?!.*canary).*is damaged/)
    expect(await readPeople(join(folder, 'none.json'))).toBeUndefined()
  })
})

describe('a user name', () => {
  test.each([
    ['Martín25', 'Rodríquez611', 'martin.rodriquez'],
    ['Åse', 'Ødegård', 'ase.degard'],
    ['', 'Morar593', 'morar'],
    ['王', '小明', 'patient'],
  ])('for %s %s is %s', (given, family, expected) => {
    expect(newUserName(given, family, new Set())).toBe(expected)
  })

  test('is new and can be typed, whatever the person is called', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }))),
        (names) => {
          const taken = new Set<string>()
          for (const [given, family] of names) {
            const name = newUserName(given, family, taken)
            expect(name).toMatch(/^[a-z][a-z0-9.]{0,69}$/)
            expect(taken.has(name)).toBe(false)
            taken.add(name)
          }
        },
      ),
    )
  })
})

describe('files', () => {
  test('are replaced whole, and leave nothing behind', async () => {
    const file = join(folder, 'a', 'value')
    await Promise.all(['one', 'two', 'three'].map((text) => replaceFile(file, text)))
    expect(await readdir(join(folder, 'a'))).toEqual(['value'])
  })

  test('that must not change do not', async () => {
    const file = join(folder, 'key')
    expect(await writeOnce(file, () => 'first')).toBe('first')
    expect(await writeOnce(file, () => 'second')).toBe('first')
  })
})

describe('the demonstration’s documents', () => {
  const people = inventPeople(constitution, randomId)

  test.each(demoDocuments.map((document) => [document.id, document] as const))(
    '%s is a FHIR document of its custodian, whose references all lead into it',
    (id, { custodian, patient, author, bundle }) => {
      expect(() => check(DocumentId, id, 'id')).not.toThrow()
      expect(id.startsWith(`${custodian}-`)).toBe(true)
      expect(findPerson(people, patient)?.role).toBe('patient')
      if (author !== undefined) expect(findPerson(people, author)?.organisation).toBe(custodian)
      const { entry } = bundle as { entry: { fullUrl: string; resource: { resourceType: string } }[] }
      expect(entry[0]?.resource.resourceType).toBe('Composition')
      const urls = entry.map(({ fullUrl }) => fullUrl)
      expect(new Set(urls).size).toBe(urls.length)
      const references = [...JSON.stringify(entry).matchAll(/"reference":"([^"]*)"/g)].map(([, url]) => url)
      expect(references.filter((url) => !urls.includes(url ?? ''))).toEqual([])
    },
  )

  test('have ids of their own and are of several types', () => {
    expect(new Set(demoDocuments.map(({ id }) => id)).size).toBe(demoDocuments.length)
    expect(new Set(demoDocuments.map(({ type }) => type.code)).size).toBeGreaterThanOrEqual(4)
  })
})

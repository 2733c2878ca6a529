import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfiguration } from '../../chaincode/src/configuration.ts'
import { demoConstitution } from '../support/ledger-world.ts'

let folder: string
let file: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'medledger-chaincode-'))
  file = join(folder, 'constitution.json')
  await writeFile(file, JSON.stringify(demoConstitution))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('a chaincode names the variable that it lacks', () => {
  expect(() => readConfiguration({})).toThrow('MEDLEDGER_CONSTITUTION_FILE is not set')
})

test.each([undefined, 'false', '1', 'TRUE', ''])(
  'a chaincode refuses development providers when MEDLEDGER_DEVELOPMENT is %j',
  (value) => {
    const environment = { MEDLEDGER_CONSTITUTION_FILE: file, MEDLEDGER_DEVELOPMENT: value }
    expect(() => readConfiguration(environment)).toThrow(/identity providers for development/)
  },
)

test('a chaincode takes them where it is told that there are invented people only', () => {
  const environment = { MEDLEDGER_CONSTITUTION_FILE: file, MEDLEDGER_DEVELOPMENT: 'true' }
  expect(readConfiguration(environment).constitution).toEqual(demoConstitution)
})

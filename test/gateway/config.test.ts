import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../gateway/src/config.ts'
import { demoConstitution } from '../support/ledger-world.ts'

const names = [
  'MEDLEDGER_CONSTITUTION_FILE',
  'MEDLEDGER_ORGANISATION',
  'MEDLEDGER_CHAINCODE',
  'MEDLEDGER_CONNECTION_PROFILE_FILE',
  'MEDLEDGER_CERTIFICATE_FILE',
  'MEDLEDGER_PRIVATE_KEY_FILE',
  'MEDLEDGER_EXCHANGE_CERTIFICATE_FILE',
  'MEDLEDGER_EXCHANGE_PRIVATE_KEY_FILE',
  'MEDLEDGER_EXCHANGE_PORT',
  'MEDLEDGER_PARTNERS_FILE',
  'MEDLEDGER_HTTP_PORT',
  'MEDLEDGER_DATA_DIRECTORY',
  'MEDLEDGER_MASTER_KEY_FILE',
]
const masterKey = '5e'.repeat(32)
const partners = { north: { url: 'https://localhost:7713', name: 'exchange.north', authority: 'PEM' } }

let directory: string
let environment: NodeJS.ProcessEnv

/** Writes a file of this test and answers with its path. */
function fileOf(name: string, content: string): string {
  const file = join(directory, name)
  writeFileSync(file, content)
  return file
}

function faultsOf(changed: NodeJS.ProcessEnv): string {
  try {
    readConfig(changed)
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('the configuration was accepted')
}

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'medledger-config-'))
  const pem = fileOf('some.pem', 'PEM')
  environment = {
    MEDLEDGER_CONSTITUTION_FILE: fileOf('constitution.json', JSON.stringify(demoConstitution)),
    MEDLEDGER_ORGANISATION: 'south',
    MEDLEDGER_CHAINCODE: 'medledger',
    MEDLEDGER_CONNECTION_PROFILE_FILE: fileOf('profile.json', '{"peers":{}}'),
    MEDLEDGER_CERTIFICATE_FILE: pem,
    MEDLEDGER_PRIVATE_KEY_FILE: pem,
    MEDLEDGER_EXCHANGE_CERTIFICATE_FILE: pem,
    MEDLEDGER_EXCHANGE_PRIVATE_KEY_FILE: pem,
    MEDLEDGER_EXCHANGE_PORT: '7714',
    MEDLEDGER_PARTNERS_FILE: fileOf('partners.json', JSON.stringify(partners)),
    MEDLEDGER_HTTP_PORT: '7711',
    MEDLEDGER_DATA_DIRECTORY: directory,
    MEDLEDGER_MASTER_KEY_FILE: fileOf('master.key', `${masterKey}\n`),
  }
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('a configuration', () => {
  test('is read from the environment and the files that it names', () => {
    expect(readConfig(environment)).toEqual({
      constitution: demoConstitution,
      organisation: demoConstitution.organisations[1],
      chaincode: 'medledger',
      connectionProfile: { peers: {} },
      certificate: 'PEM',
      privateKey: 'PEM',
      exchange: { certificate: 'PEM', privateKey: 'PEM', port: 7714 },
      partners,
      httpPort: 7711,
      dataDirectory: directory,
      masterKey: Buffer.from(masterKey, 'hex'),
    })
  })

  test('that is missing is reported variable by variable, all at once', () => {
    const message = faultsOf({})
    for (const name of names) expect(message).toContain(`${name} is not set`)
    expect(faultsOf({ ...environment, MEDLEDGER_CHAINCODE: '' })).toContain('MEDLEDGER_CHAINCODE is not set')
  })

  test('that is wrong in several places is reported with all of them', () => {
    const message = faultsOf({
      ...environment,
      MEDLEDGER_ORGANISATION: 'west',
      MEDLEDGER_HTTP_PORT: '70000',
      MEDLEDGER_EXCHANGE_PORT: '1.5',
      MEDLEDGER_MASTER_KEY_FILE: fileOf('short.key', masterKey.slice(2)),
      MEDLEDGER_PARTNERS_FILE: fileOf('plain.json', '{"north":{"url":"http://localhost","authority":"PEM"}}'),
      MEDLEDGER_CONNECTION_PROFILE_FILE: fileOf('broken.json', '{"peers":'),
    })
    for (const name of ['ORGANISATION', 'HTTP_PORT', 'EXCHANGE_PORT', 'MASTER_KEY_FILE', 'PARTNERS_FILE'])
      expect(message).toContain(`MEDLEDGER_${name}: `)
    expect(message).toContain('MEDLEDGER_CONNECTION_PROFILE_FILE: is not a JSON file')
  })

  test('has a name for each partner’s certificate', () => {
    const { name: _name, ...nameless } = partners.north
    const file = fileOf('nameless.json', JSON.stringify({ north: nameless }))
    expect(faultsOf({ ...environment, MEDLEDGER_PARTNERS_FILE: file })).toContain('MEDLEDGER_PARTNERS_FILE: ')
  })

  test('that is wrong is reported without a value of it, even where a secret stands instead of a file', () => {
    const secret = 'c0ffee'.repeat(10)
    const asFile = Object.fromEntries(names.map((name) => [name, secret]))
    expect(faultsOf(asFile)).not.toContain(secret)
    const file = fileOf('secret.json', `{"organisations": ${secret}`)
    const inFile = Object.fromEntries(
      names.filter((name) => name.endsWith('_FILE')).map((name) => [name, file]),
    )
    expect(faultsOf({ ...environment, ...inFile })).not.toContain(secret)
  })

  test('has a master key of 64 lower-case hexadecimal digits', () => {
    for (const key of ['', 'g'.repeat(64), 'AB'.repeat(32), `${masterKey}00`]) {
      const file = fileOf('other.key', key)
      expect(faultsOf({ ...environment, MEDLEDGER_MASTER_KEY_FILE: file })).toContain('64 hexadecimal digits')
    }
  })
})

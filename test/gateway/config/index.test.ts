import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkConfig, readConfig, settings, variablesOf } from '../../../gateway/src/config/index.ts'
import { demoTopology } from '../../../scripts/network/topology.ts'
import { gatewayPlan } from '../../../scripts/start/parts.ts'
import { pathsIn } from '../../../scripts/start/paths.ts'
import { prepare, type Prepared } from '../../../scripts/start/prepare.ts'
import { runCommand } from '../../scripts/cli/fake-instance.ts'
import { repository } from '../../support/command-line.ts'

const table = Object.values(settings)
const required = table.filter((setting) => !('default' in setting))
const secrets = table.filter(({ form }) => form === 'secret')

let directory: string
let prepared: Prepared
/** South's, as an instance has it. */
let environment: NodeJS.ProcessEnv

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'medledger-config-'))
  prepared = await prepare(demoTopology(), pathsIn(directory))
  // With what an instance does without, so that the tests have every secret.
  environment = {
    ...ownSettings('south'),
    MEDLEDGER_DATABASE_FILE: fileOf('database', 'postgres://south:one%20secret@localhost/south\n'),
    MEDLEDGER_KEY_DATABASE_FILE: fileOf('key-database', 'postgres://south:another-secret@[::1]:5433/keys'),
  }
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const ownSettings = (organisation: string): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(gatewayPlan(prepared, organisation).environment).filter(([name]) =>
      name.startsWith('MEDLEDGER_'),
    ),
  )

function fileOf(name: string, content: string, mode = 0o600): string {
  const file = join(directory, name)
  writeFileSync(file, content)
  chmodSync(file, mode)
  return file
}

const contentOf = (name: string): string => readFileSync(environment[name] ?? '', 'utf8')
const faultsOf = (changed: NodeJS.ProcessEnv, now?: () => number): readonly string[] =>
  checkConfig({ ...environment, ...changed }, now).faults

describe('a configuration', () => {
  test.each(['north', 'south', 'authority'])(
    'of an instance’s gateway of %s has no fault',
    (organisation) => {
      const report = checkConfig(ownSettings(organisation))
      expect([report.faults, report.unknown]).toEqual([[], []])
    },
  )

  test('is read from the environment and the files that it names', () => {
    const config = readConfig(environment)
    expect(config.organisation.name).toBe('south')
    expect(config.constitution).toEqual(prepared.topology.constitution)
    expect(config.privateKey).toBe(contentOf('MEDLEDGER_PRIVATE_KEY_FILE'))
    expect(Buffer.from(config.masterKey).toString('hex')).toBe(contentOf('MEDLEDGER_MASTER_KEY_FILE').trim())
    expect(config.exchange.port).toBe(Number(environment['MEDLEDGER_EXCHANGE_PORT']))
  })

  test('means the same whether content stands in the environment or in a file', () => {
    const direct = Object.fromEntries(
      Object.entries(environment).map(([name, value = '']) =>
        name.endsWith('_FILE')
          ? [name.slice(0, -'_FILE'.length), readFileSync(value, 'utf8')]
          : [name, value],
      ),
    )
    expect(readConfig(direct)).toEqual(readConfig(environment))
  })

  test('that is missing is reported setting by setting, all at once', () => {
    const { faults } = checkConfig({})
    expect(faults.map((fault) => fault.split(' ')[0])).toEqual(required.map(({ variable }) => variable))
    expect(() => readConfig({})).toThrow(faults.join('; '))
    expect(faultsOf({ MEDLEDGER_ORGANISATION: '' })).toContain('MEDLEDGER_ORGANISATION is not set')
  })

  test.each(secrets.map(({ variable }) => variable))('takes %s once: as value or as file', (variable) => {
    const value = contentOf(`${variable}_FILE`)
    expect(faultsOf({ [variable]: value })).toEqual([
      `${variable} and ${variable}_FILE are both set: give one of them`,
    ])
  })

  test.each(secrets.map(({ variable }) => variable))(
    'takes no %s from a file that others may read or change',
    (variable) => {
      for (const [mode, isFit] of [
        [0o600, true],
        [0o440, true],
        [0o644, false],
        [0o660, false],
        [0o601, false],
      ] as const) {
        const file = fileOf('secret', contentOf(`${variable}_FILE`), mode)
        const faults = faultsOf({ [`${variable}_FILE`]: file })
        expect(faults.length, mode.toString(8)).toBe(isFit ? 0 : 1)
        if (!isFit) expect(faults[0]).toContain('chmod 600')
        chmodSync(file, 0o600)
      }
    },
  )

  test('that is wrong is reported without any of its values', () => {
    const canary = 'c0ffee'.repeat(10)
    const file = fileOf('canary', `{"a": ${canary}`)
    for (const setting of table) {
      for (const variable of variablesOf(setting)) {
        const report = checkConfig({ [variable]: variable.endsWith('_FILE') ? file : canary })
        expect(report.faults.join('\n'), variable).not.toContain(canary)
        if (setting.form === 'secret') expect(JSON.stringify(report), variable).not.toContain(canary)
      }
    }
    expect(JSON.stringify(checkConfig({ ...environment, MEDLEDGER_MASTER_KEY_FILE: canary }))).not.toContain(
      canary,
    )
  })

  test('has a master key of 64 lower-case hexadecimal digits', () => {
    const key = '5e'.repeat(32)
    for (const wrong of ['g'.repeat(64), 'AB'.repeat(32), `${key}00`, key.slice(2)])
      expect(faultsOf({ MEDLEDGER_MASTER_KEY_FILE: fileOf('key', wrong) })).toEqual([
        'MEDLEDGER_MASTER_KEY_FILE: must be 64 lower-case hexadecimal digits',
      ])
    expect(faultsOf({ MEDLEDGER_MASTER_KEY_FILE: fileOf('key', `${key}\n`) })).toEqual([])
  })

  test.each([
    ['MEDLEDGER_DEVELOPMENT', 'yes', 'is neither true nor false'],
    ['MEDLEDGER_PROJECTION_REBUILD', '1', 'is neither true nor false'],
    ['MEDLEDGER_HTTP_PORT', '70000', 'is not a port'],
    ['MEDLEDGER_EXCHANGE_PORT', '1.5', 'is not a port'],
    ['MEDLEDGER_RATE_LIMIT_PERSON', '0', 'is not a whole number from 1'],
    ['MEDLEDGER_RATE_LIMIT_PERSON', '1e3', 'is not a whole number'],
    ['MEDLEDGER_TRUSTED_PROXIES', '10.0.0.1, proxy', 'is not a list of IP addresses'],
    ['MEDLEDGER_PARTNERS_FILE', '/nowhere/at/all', 'cannot be read (ENOENT)'],
  ])('has no %s like %s', (name, value, reason) => {
    expect(faultsOf({ [name]: value })).toEqual([expect.stringContaining(reason)])
  })

  test('takes the addresses of proxies, networks too', () => {
    const { trustedProxies } = readConfig({ ...environment, MEDLEDGER_TRUSTED_PROXIES: '10.0.0.0/8, ::1' })
    expect(trustedProxies).toEqual(['10.0.0.0/8', '::1'])
  })
})

describe('the databases', () => {
  const authority = (): string => contentOf('MEDLEDGER_CERTIFICATE_FILE')
  const named = (database: string, keys: string, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
    MEDLEDGER_DATABASE_FILE: '',
    MEDLEDGER_KEY_DATABASE_FILE: '',
    MEDLEDGER_DATABASE: database,
    MEDLEDGER_KEY_DATABASE: keys,
    ...more,
  })

  test('lie in the data directory unless they are named', () => {
    expect(readConfig({ ...environment, ...named('', '') }).postgres).toBeUndefined()
    expect(readConfig(environment).postgres).toEqual({
      database: { host: 'localhost', port: 5432, user: 'south', password: 'one secret', database: 'south' },
      keyDatabase: { host: '::1', port: 5433, user: 'south', password: 'another-secret', database: 'keys' },
      authority: undefined,
    })
  })

  test.each([
    ['mysql://u:p@localhost/d', 'is not of the form postgres://'],
    ['postgres://u@localhost', 'is not of the form postgres://'],
    ['postgres://u@localhost/d/e', 'is not of the form postgres://'],
    ['postgres://localhost/d', 'is not of the form postgres://'],
    ['postgres://u@one,other/d', 'is not of the form postgres://'],
    ['postgres://u:%ff@localhost/d', 'is not of the form postgres://'],
    ['postgres://u@localhost:x/d', 'is not of the form postgres://'],
    ['postgres://u:p@localhost/d?sslmode=no-verify', 'takes nothing after the name'],
    ['postgres://u:p@localhost/d?host=elsewhere', 'takes nothing after the name'],
  ])('are not named like %s', (url, reason) => {
    expect(faultsOf(named(url, 'postgres://u@localhost/keys'))).toEqual([
      expect.stringMatching(new RegExp(`^MEDLEDGER_DATABASE: ${reason.replaceAll('/', '.')}`)),
    ])
  })

  test.each([
    ['postgres://u@localhost/d', '', 'must be set, since MEDLEDGER_DATABASE is'],
    ['', 'postgres://u@localhost/d', 'is set without MEDLEDGER_DATABASE'],
    ['postgres://u@localhost/d', 'postgresql://v:p@127.0.0.1:5432/d', 'is the same database'],
    ['postgres://u@[::1]/d', 'postgres://u@LOCALHOST/d', 'is the same database'],
  ])('are two: %s and %s are not', (database, keys, reason) => {
    expect(faultsOf(named(database, keys))).toEqual([
      expect.stringContaining(`MEDLEDGER_KEY_DATABASE: ${reason}`),
    ])
  })

  test('on another machine are used over TLS only, by an authority, where somebody depends on them', () => {
    const { issuers, ...rest } = prepared.topology.constitution
    const secure = issuers.map((issuer) => ({ ...issuer, issuer: `https://${issuer.organisation}.example` }))
    const inProduction = (more: NodeJS.ProcessEnv): readonly string[] =>
      faultsOf(
        named('postgres://u@db.example/d', 'postgres://u@127.0.0.1/keys', {
          MEDLEDGER_CONSTITUTION: JSON.stringify({ ...rest, issuers: secure }),
          MEDLEDGER_CONSTITUTION_FILE: '',
          MEDLEDGER_DEVELOPMENT: 'false',
          ...more,
        }),
      )
    expect(inProduction({})).toEqual([
      'MEDLEDGER_DATABASE: is on another machine: MEDLEDGER_DATABASE_AUTHORITY must be set',
    ])
    expect(inProduction({ MEDLEDGER_DATABASE_AUTHORITY: authority() })).toEqual([])
    expect(inProduction({ MEDLEDGER_DATABASE_AUTHORITY: 'PEM' })).toEqual([
      'MEDLEDGER_DATABASE_AUTHORITY: is not a certificate in PEM',
    ])
    expect(faultsOf(named('postgres://u@db.example/d', 'postgres://u@db.example/keys'))).toEqual([])
  })
})

describe('a configuration whose parts do not fit together', () => {
  const of = (name: string): string => ownSettings('north')[name] ?? ''
  const days = 86_400_000

  test('names each of them', () => {
    const own = prepared.topology.constitution
    const partners = JSON.parse(contentOf('MEDLEDGER_PARTNERS_FILE')) as Record<string, object>
    const { authority: _gone, ...without } = partners
    const certificate = contentOf('MEDLEDGER_EXCHANGE_CERTIFICATE_FILE')
    const cases: [NodeJS.ProcessEnv, string][] = [
      [{ MEDLEDGER_ORGANISATION: 'west' }, 'the constitution has no such organisation'],
      [
        { MEDLEDGER_PRIVATE_KEY_FILE: of('MEDLEDGER_PRIVATE_KEY_FILE') },
        'does not belong to the certificate',
      ],
      [{ MEDLEDGER_PRIVATE_KEY_FILE: fileOf('no.pem', 'PEM') }, 'is not a private key in PEM'],
      [{ MEDLEDGER_CERTIFICATE_FILE: fileOf('no.pem', 'PEM') }, 'is not a certificate in PEM'],
      [{ MEDLEDGER_CERTIFICATE: certificate }, "is not a client's (OU=client)"],
      [{ MEDLEDGER_CONNECTION_PROFILE_FILE: of('MEDLEDGER_CONNECTION_PROFILE_FILE') }, 'not of SouthMSP'],
      [
        { MEDLEDGER_EXCHANGE_CERTIFICATE_FILE: of('MEDLEDGER_EXCHANGE_CERTIFICATE_FILE') },
        'is not the one by which the partners would know this gateway',
      ],
      [{ MEDLEDGER_PARTNERS: JSON.stringify(without) }, 'there is no partner authority'],
      [
        { MEDLEDGER_PARTNERS: JSON.stringify({ ...partners, west: partners['north'] }) },
        'a partner is not in the constitution',
      ],
      [
        {
          MEDLEDGER_PARTNERS: JSON.stringify({
            ...partners,
            north: { ...partners['north'], authority: 'x' },
          }),
        },
        'the authority of north is not a certificate',
      ],
      [{ MEDLEDGER_HTTP_PORT: environment['MEDLEDGER_EXCHANGE_PORT'] }, 'must be different'],
      [{ MEDLEDGER_DATA_DIRECTORY: fileOf('a file', '') }, 'is not a directory'],
    ]
    expect(own.organisations).toHaveLength(3)
    for (const [changed, reason] of cases) {
      const override = Object.keys(changed).flatMap((name) =>
        name.endsWith('_FILE') ? [] : [[`${name}_FILE`, undefined] as const],
      )
      const faults = faultsOf({ ...Object.fromEntries(override), ...changed })
      expect(faults.join('\n')).toContain(reason)
      expect(() => readConfig({ ...environment, ...Object.fromEntries(override), ...changed })).toThrow(
        reason,
      )
    }
  })

  test('takes tokens from development providers only where that is declared', () => {
    const faults = faultsOf({ MEDLEDGER_DEVELOPMENT: 'false' })
    expect(faults).toEqual([
      expect.stringMatching(/^MEDLEDGER_CONSTITUTION: .*(127\.0\.0\.1.*){3}MEDLEDGER_DEVELOPMENT=true/),
    ])
    const { issuers, ...rest } = prepared.topology.constitution
    const secure = issuers.map((issuer) => ({ ...issuer, issuer: `https://${issuer.organisation}.example` }))
    const constitution = JSON.stringify({ ...rest, issuers: secure })
    const changed = { MEDLEDGER_CONSTITUTION: constitution, MEDLEDGER_CONSTITUTION_FILE: undefined }
    expect(faultsOf({ ...changed, MEDLEDGER_DEVELOPMENT: undefined })).toEqual([])
  })

  test('has certificates that are valid now', () => {
    const later = faultsOf({}, () => Date.now() + 3700 * days)
    expect(later).toEqual([
      expect.stringMatching(/^MEDLEDGER_CERTIFICATE: expired on /),
      expect.stringMatching(/^MEDLEDGER_EXCHANGE_CERTIFICATE: expired on /),
    ])
    expect(faultsOf({}, () => Date.now() - days).join()).toContain('is not valid before')
  })
})

describe('medledger config check', () => {
  const check = async (changed: NodeJS.ProcessEnv, ...words: string[]) => {
    const before = { ...process.env }
    Object.assign(process.env, environment, changed)
    try {
      return await runCommand('config', 'check', ...words)
    } finally {
      for (const name of Object.keys(process.env))
        if (!(name in before)) Reflect.deleteProperty(process.env, name)
      Object.assign(process.env, before)
    }
  }

  test('shows every setting, where it comes from, and no secret', async () => {
    const { code, stdout, stderr } = await check({ MEDLEDGER_RATE_LIMT: '1' })
    expect(code).toBe(0)
    for (const { variable } of table) expect(stdout).toContain(variable)
    expect(stdout).toMatch(/MEDLEDGER_PRIVATE_KEY +file +redacted/)
    expect(stdout).toMatch(/MEDLEDGER_RATE_LIMIT_PERSON +environment +1000000/)
    expect(stdout).toMatch(/MEDLEDGER_TRUSTED_PROXIES +default/)
    expect(stderr).toContain('MEDLEDGER_RATE_LIMT is no setting')
    for (const { variable } of secrets) expect(stdout).not.toContain(contentOf(`${variable}_FILE`).trim())
  })

  test('shows no secret where none is set', async () => {
    const { stdout } = await check({
      MEDLEDGER_DATABASE: '',
      MEDLEDGER_DATABASE_FILE: '',
      MEDLEDGER_KEY_DATABASE: '',
      MEDLEDGER_KEY_DATABASE_FILE: '',
    })
    expect(stdout).toMatch(/^MEDLEDGER_DATABASE +default *$/m)
    expect(stdout).toMatch(/^MEDLEDGER_KEY_DATABASE +default *$/m)
  })

  test('ends with 2 and names all faults, as JSON too', async () => {
    const wrong = { MEDLEDGER_ORGANISATION: 'west', MEDLEDGER_HTTP_PORT: '0' }
    const { code, stderr } = await check(wrong)
    expect(code).toBe(2)
    expect(
      stderr
        .trim()
        .split('\n')
        .filter((line) => /^MEDLEDGER_(ORG|HTTP)/.test(line)),
    ).toHaveLength(2)
    const { code: again, stdout } = await check(wrong, '--json')
    expect(again).toBe(2)
    const report = JSON.parse(stdout) as ReturnType<typeof checkConfig>
    expect(report.faults).toHaveLength(2)
    expect(report.settings).toHaveLength(table.length)
  })
})

test('the README lists every setting, its default and its purpose, and no other', () => {
  const readme = readFileSync(join(repository, 'README.md'), 'utf8')
  const rows = readme.split('\n').filter((line) => line.startsWith('| `MEDLEDGER_'))
  const cells = rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
  expect(cells).toEqual(
    table.map((setting) => [
      variablesOf(setting)
        .map((name) => `\`${name}\``)
        .join(' or '),
      setting.form === 'secret' ? 'yes' : '',
      'default' in setting ? (setting.default === '' ? 'none' : `\`${setting.default}\``) : 'required',
      setting.purpose,
    ]),
  )
})

describe('the identity providers whose keys are held against the ledger’s', () => {
  const north = 'https://login.north.example/realms/north'
  const faultsWith = (providers: object, development: boolean): readonly string[] => {
    const { issuers, ...rest } = prepared.topology.constitution
    const constitution = {
      ...rest,
      issuers: issuers.map((issuer) => ({
        ...issuer,
        issuer: issuer.organisation === 'north' ? north : `https://${issuer.organisation}.example`,
      })),
    }
    return faultsOf({
      MEDLEDGER_CONSTITUTION: JSON.stringify(constitution),
      MEDLEDGER_CONSTITUTION_FILE: undefined,
      MEDLEDGER_DEVELOPMENT: String(development),
      MEDLEDGER_IDENTITY_PROVIDERS: JSON.stringify(providers),
    })
  }

  test('are named by their issuer, with an address or without', () => {
    expect(faultsWith({}, false)).toEqual([])
    expect(faultsWith({ [north]: {} }, false)).toEqual([])
    expect(faultsWith({ [north]: { jwks: `${north}/protocol/openid-connect/certs` } }, false)).toEqual([])
    const { authority } = JSON.parse(contentOf('MEDLEDGER_PARTNERS_FILE')).north
    expect(faultsWith({ [north]: { authority } }, false)).toEqual([])
  })

  test.each([
    ['without TLS', { [north]: { jwks: 'http://login.north.example/keys' } }, 'over https only'],
    ['by a file', { [north]: { jwks: 'file:///etc/keys' } }, 'over https only'],
    ['by no address', { [north]: { jwks: 'keys' } }, 'is not a URL'],
    ['of a strange issuer', { 'https://evil.example': {} }, 'is not in the constitution'],
    ['of no authority', { [north]: { authority: 'x' } }, 'is not a certificate'],
    ['with a strange setting', { [north]: { uri: 'https://x' } }, 'list of identity providers'],
  ])('are refused %s', (_what, providers, fault) => {
    for (const development of [true, false]) {
      const faults = faultsWith(providers, development)
      expect(faults).toEqual([expect.stringMatching(/^MEDLEDGER_IDENTITY_PROVIDERS: /)])
      expect(faults[0]).toContain(fault)
    }
  })

  test('may answer without TLS on this machine, where that is declared', () => {
    const local = { [north]: { jwks: 'http://127.0.0.1:8080/keys' } }
    expect(faultsWith(local, true)).toEqual([])
    expect(faultsWith(local, false)).toHaveLength(1)
  })
})

import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { computed, importsOf, readSources, type Source } from './support/ledger-imports.ts'

interface Part {
  /** Its folders (`a/`, with all below), the files directly in a folder (`a/*`), or single files. */
  readonly files: readonly string[]
  /** The parts that it may import, beside itself. */
  readonly may: readonly string[]
}

/** What both sides of the ledger's edge may take from the chaincode's workspace. */
const shared = ['chaincode api', 'chaincode core', 'chaincode identity']
const gatewayBase = ['gateway base', 'gateway config', 'chaincode api']

/**
 * The parts of the product and what each may import, from the bottom up: a part never imports one that stands below it in
 * this table. A new folder needs a line here.
 */
const parts: Readonly<Record<string, Part>> = {
  'chaincode core': { files: ['chaincode/src/core/'], may: [] },
  'chaincode api': { files: ['chaincode/src/api/'], may: ['chaincode core'] },
  'chaincode identity': { files: ['chaincode/src/identity/'], may: ['chaincode api'] },
  'chaincode ledger': { files: ['chaincode/src/ledger/'], may: shared },
  'chaincode handlers': {
    files: ['chaincode/src/handlers/'],
    may: [...shared, 'chaincode ledger'],
  },
  // A gateway runs its queries itself, on what its own peer has delivered.
  'chaincode queries': {
    files: ['chaincode/src/queries.ts', 'chaincode/src/transact.ts'],
    may: ['chaincode api', 'chaincode ledger', 'chaincode handlers'],
  },
  'chaincode contract': {
    files: ['chaincode/src/*'],
    may: ['chaincode api', 'chaincode queries'],
  },

  'gateway config': { files: ['gateway/src/config/'], may: ['chaincode api'] },
  'gateway base': {
    files: ['error', 'log', 'json-body'].map((name) => `gateway/src/${name}.ts`),
    may: ['chaincode api'],
  },
  'gateway ledger port': { files: ['gateway/src/ledger/port.ts'], may: gatewayBase },
  'gateway fabric': {
    files: ['gateway/src/ledger/fabric/'],
    may: [...gatewayBase, 'gateway ledger port'],
  },
  'gateway ledger': {
    files: ['gateway/src/ledger/*'],
    may: [...gatewayBase, 'gateway ledger port', 'gateway fabric'],
  },
  'gateway store': { files: ['gateway/src/store/'], may: [...gatewayBase, 'gateway ledger'] },
  'gateway vault': { files: ['gateway/src/vault/'], may: [...gatewayBase, 'gateway store'] },
  'gateway fhir': { files: ['gateway/src/fhir/'], may: [...gatewayBase, 'gateway store'] },
  'gateway openapi': { files: ['gateway/src/openapi/'], may: [...gatewayBase, 'gateway fhir'] },
  'gateway release': {
    files: ['gateway/src/release/'],
    may: [...gatewayBase, 'chaincode core', 'gateway ledger', 'gateway store', 'gateway vault'],
  },
  'gateway settlement': {
    files: ['gateway/src/settlement/'],
    may: [...gatewayBase, 'gateway ledger', 'gateway store'],
  },
  'gateway identity': {
    files: ['gateway/src/identity/'],
    may: [...gatewayBase, 'chaincode identity', 'gateway ledger'],
  },
  'gateway projection': {
    files: ['gateway/src/projection/'],
    may: [...gatewayBase, 'chaincode queries', 'gateway ledger', 'gateway store'],
  },
  'gateway services': {
    files: ['gateway/src/services.ts', 'gateway/src/authenticate.ts', 'gateway/src/idempotency.ts'],
    may: [
      ...gatewayBase,
      'chaincode identity',
      'gateway identity',
      'gateway ledger',
      'gateway store',
      'gateway vault',
      'gateway release',
      'gateway settlement',
    ],
  },
  'gateway routes': {
    files: ['gateway/src/routes/'],
    may: [
      ...shared,
      ...gatewayBase,
      'gateway ledger',
      'gateway store',
      'gateway vault',
      'gateway fhir',
      'gateway openapi',
      'gateway release',
      'gateway settlement',
      'gateway services',
    ],
  },
  'gateway application': {
    files: ['gateway/src/*'],
    may: [
      ...shared,
      ...gatewayBase,
      'gateway identity',
      'gateway ledger',
      'gateway store',
      'gateway vault',
      'gateway fhir',
      'gateway openapi',
      'gateway release',
      'gateway settlement',
      'gateway projection',
      'gateway services',
      'gateway routes',
    ],
  },
  portal: { files: ['gateway/portal/'], may: ['chaincode api'] },

  network: { files: ['scripts/network/*'], may: ['chaincode api'] },
  'fabric messages': { files: ['scripts/network/fabric/'], may: ['network', 'chaincode api'] },
  'embedded network': {
    files: ['scripts/network/embedded/'],
    may: ['network', 'fabric messages', 'chaincode api'],
  },
  'docker network': {
    files: ['scripts/network/docker/'],
    may: ['network', 'fabric messages', 'chaincode api'],
  },
  development: { files: ['scripts/development/'], may: ['chaincode api'] },
  'identity provider': {
    files: ['scripts/identity-provider/'],
    may: ['network', 'development', 'chaincode api'],
  },
  import: { files: ['scripts/import/'], may: ['chaincode api'] },
  start: {
    files: ['scripts/start/'],
    may: [
      'network',
      'embedded network',
      'docker network',
      'development',
      'identity provider',
      'chaincode api',
      'gateway ledger',
    ],
  },
  cli: {
    files: ['scripts/cli/'],
    may: [
      'network',
      'embedded network',
      'development',
      'identity provider',
      'import',
      'start',
      'gateway config',
      ...shared,
    ],
  },
  'entry points': { files: ['scripts/*'], may: ['cli'] },
}

/** Packages that only these parts or files may import. */
const keepers: Readonly<Record<string, readonly string[]>> = {
  'fabric-network': ['gateway fabric'],
  'fabric-common': ['gateway fabric'],
  'fabric-protos': ['gateway fabric'],
  'fabric-contract-api': ['chaincode/src/contract.ts', 'chaincode/src/quiet.ts'],
  'fabric-shim': ['chaincode/src/contract.ts', 'chaincode/src/quiet.ts'],
  '@hyperledger/fabric-protos': ['fabric messages'],
  'google-protobuf': ['fabric messages'],
  '@grpc/grpc-js': ['fabric messages', 'embedded network', 'docker network'],
  pg: ['gateway store'],
  kysely: ['gateway store', 'gateway vault', 'gateway release', 'gateway projection'],
}

/** Parts that import no package and nothing of Node: no clock, no I/O, no Fabric. */
const pure: ReadonlySet<string> = new Set(['chaincode core'])

/** What the workspaces export, and the part that it belongs to. */
const workspaces: Readonly<Record<string, string>> = {
  'medledger-chaincode': 'chaincode contract',
  'medledger-chaincode/api': 'chaincode api',
  'medledger-chaincode/core': 'chaincode core',
  'medledger-chaincode/identity': 'chaincode identity',
  'medledger-chaincode/queries': 'chaincode queries',
  'medledger-gateway/config': 'gateway config',
  'medledger-gateway/ledger': 'gateway ledger',
}

const table = 'see the table in test/architecture.test.ts'

/** How well a path fits a pattern of {@link Part.files}: longer is better, 0 is not at all. */
function fit(path: string, pattern: string): number {
  if (pattern.endsWith('/')) return path.startsWith(pattern) ? pattern.length : 0
  if (pattern.endsWith('/*')) return `${posix.dirname(path)}/*` === pattern ? pattern.length : 0
  return path === pattern ? pattern.length + 1 : 0
}

function partOf(path: string): string | undefined {
  const fits = Object.entries(parts).flatMap(([name, { files }]) =>
    files.map((pattern) => ({ name, length: fit(path, pattern) })),
  )
  const best = fits.filter(({ length }) => length > 0).sort((left, right) => right.length - left.length)[0]
  return best?.name
}

const isTest = (path: string): boolean => path.startsWith('test/')
const workspaceOf = (path: string): string => path.slice(0, path.indexOf('/'))

/** Why a file must not import something; undefined when it may. */
function objection(path: string, part: string, imported: string): string | undefined {
  if (imported === computed) return 'imports something that is computed, which cannot be checked'
  if (imported.startsWith('.')) return objectionToFile(path, part, posix.join(posix.dirname(path), imported))
  const workspace = workspaces[imported]
  if (workspace !== undefined) return objectionToPart(part, workspace, imported)
  if (imported.startsWith('medledger-')) return `imports ${imported}, which ${table} does not know`
  return objectionToPackage(path, part, imported)
}

function objectionToFile(path: string, part: string, target: string): string | undefined {
  if (isTest(target)) return `imports ${target}, a test`
  const other = partOf(target)
  if (other === undefined) return `imports ${target}, which belongs to no part: ${table}`
  if (workspaceOf(target) !== workspaceOf(path)) return `imports ${target} past its workspace's exports`
  return objectionToPart(part, other, target)
}

function objectionToPart(part: string, other: string, target: string): string | undefined {
  if (other === part || parts[part]?.may.includes(other) === true) return undefined
  return `imports ${target}, but "${part}" may not import "${other}": ${table}`
}

function objectionToPackage(path: string, part: string, imported: string): string | undefined {
  if (pure.has(part)) return `imports ${imported}, but "${part}" is pure: ${table}`
  const keeper = Object.entries(keepers).find(
    ([name]) => imported === name || imported.startsWith(`${name}/`),
  )
  if (keeper === undefined || keeper[1].includes(part) || keeper[1].includes(path)) return undefined
  return `imports ${imported}, which only ${keeper[1].join(', ')} may import: ${table}`
}

/** Every import that the table forbids, a line each. */
function violations(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    const { path } = source
    const part = partOf(path)
    if (part === undefined)
      return [`${path} belongs to no part: extend the table in test/architecture.test.ts`]
    return importsOf(source).flatMap((imported) => {
      const found = objection(path, part, imported)
      return found === undefined ? [] : [`${path} ${found}`]
    })
  })
}

const product = await readSources(['chaincode', 'gateway', 'scripts'])

describe('the architecture', () => {
  test('every file belongs to a part, and imports what its part may import', () => {
    expect(violations(product)).toEqual([])
  })

  test('the table goes from the bottom up', () => {
    const names = Object.keys(parts)
    for (const [index, [name, { may }]] of Object.entries(parts).entries()) {
      for (const other of may) expect(names.slice(0, index), `${name} → ${other}`).toContain(other)
    }
  })

  test('the chaincode has no clock but the one in its configuration, no random results and no locale but for zones', () => {
    const words = /Date\.now|new Date\(\)|Math\.random|performance\.|localeCompare|toLocale|Intl\./
    const found = product.filter(
      ({ path, text }) => path.startsWith('chaincode/src/') && words.test(text.replaceAll(/\/\/.*/g, '')),
    )
    // Where days begin in a named zone is in the time zone database, which only Intl reads.
    expect(found.map(({ path }) => path)).toEqual([
      'chaincode/src/configuration.ts',
      'chaincode/src/core/period.ts',
    ])
  })
})

describe('a forbidden import is found', () => {
  const planted = (path: string, text: string): string[] => violations([{ path, text }])

  test.each([
    ['core → api', 'chaincode/src/core/x.ts', `import '../api/index.ts'`],
    ['core → node', 'chaincode/src/core/x.ts', `import { readFileSync } from 'node:fs'`],
    ['api → ledger', 'chaincode/src/api/x.ts', `import type { Book } from '../ledger/book.ts'`],
    ['ledger → handlers', 'chaincode/src/ledger/x.ts', `export * from '../handlers/index.ts'`],
    ['handlers → shim', 'chaincode/src/handlers/x.ts', `import shim from 'fabric-shim'`],
    ['handlers → shim', 'chaincode/src/handlers/x.ts', `const x = require('fabric-shim/lib/stub.js')`],
    ['chaincode → gateway', 'chaincode/src/x.ts', `import { y } from '../../gateway/src/error.ts'`],
    ['chaincode → gateway', 'chaincode/src/x.ts', `import { y } from 'medledger-gateway/ledger'`],
    ['chaincode → scripts', 'chaincode/src/ledger/x.ts', `import '../../../scripts/network/topology.ts'`],
    ['routes → Fabric', 'gateway/src/routes/x.ts', `const { Gateway } = await import('fabric-network')`],
    ['routes → adapter', 'gateway/src/routes/x.ts', `import { y } from '../ledger/fabric/connect.ts'`],
    ['gateway → contract', 'gateway/src/x.ts', `import { contracts } from 'medledger-chaincode'`],
    ['routes → queries', 'gateway/src/routes/x.ts', `import { x } from 'medledger-chaincode/queries'`],
    ['gateway → ledger', 'gateway/src/x.ts', `import 'medledger-chaincode/ledger'`],
    ['gateway → sources', 'gateway/src/routes/x.ts', `import '../../../chaincode/src/api/index.ts'`],
    ['vault → routes', 'gateway/src/vault/x.ts', `type X = import('../routes/bundle.ts').Y`],
    ['routes → SQL', 'gateway/src/routes/x.ts', `import { sql } from 'kysely'`],
    ['cli → protobuf', 'scripts/cli/x.ts', `import x = require('google-protobuf')`],
    ['cli → protobuf', 'scripts/cli/x.ts', `import '@hyperledger/fabric-protos'`],
    ['network → embedded', 'scripts/network/x.ts', `export { y } from './embedded/main.ts'`],
    ['product → test', 'scripts/start/x.ts', `import '../../test/support/ledger-world.ts'`],
    ['computed', 'scripts/cli/x.ts', `await import(process.argv[2])`],
    ['computed', 'scripts/cli/x.ts', `createRequire(import.meta.url)(name)`],
  ])('%s: %s, %s', (_what, path, text) => {
    expect(planted(path, text)).toEqual([expect.stringContaining(`${path} imports `)])
  })

  test('among others, in a real file', () => {
    const first = product.find(({ path }) => path === 'chaincode/src/core/decide.ts')
    expect(first).toBeDefined()
    const text = `${first?.text}\nexport { kysely } from 'kysely'\n`
    expect(violations(product)).not.toContain(expect.stringContaining('decide.ts'))
    expect(planted('chaincode/src/core/decide.ts', text)).toHaveLength(1)
  })

  test('and a folder that the table does not name', () => {
    expect(planted('gateway/src/billing/x.ts', '')).toEqual([
      'gateway/src/billing/x.ts belongs to no part: extend the table in test/architecture.test.ts',
    ])
    expect(planted('gateway/src/main.ts', `import './billing/x.ts'`)).toHaveLength(1)
  })

  test('but not what is only spoken of', () => {
    const text = `// import 'fabric-network'\nconst x = "import 'kysely'"\nexport const y = { require: x }\n`
    expect(planted('gateway/src/routes/x.ts', text)).toEqual([])
  })
})

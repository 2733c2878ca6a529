import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { chaincodeCommand, chaincodeEnvironment } from '../network/embedded/chaincode/environment.ts'
import { credentialsOf } from '../network/profile.ts'
import { portsOf } from '../network/topology.ts'
import { localUrl } from './addresses.ts'
import type { Prepared } from './prepare.ts'

/** How to run one process of an instance with this Node. */
export interface ProcessPlan {
  readonly name: string
  readonly command: readonly string[]
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const chaincodeFolder = dirname(createRequire(import.meta.url).resolve('medledger-chaincode/package.json'))
const leash = pathToFileURL(join(root, 'scripts', 'start', 'leash.ts')).href

/**
 * Eleven processes share one machine. A small young generation keeps each of them at the size of what it holds instead
 * of the size of what it has thrown away.
 */
const frugal = ['--max-semi-space-size=2']

/** What a process gets from our own environment: what it needs to run at all, and no settings meant for others. */
const inherited = [
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'TZ',
  'TMPDIR',
  'NODE_EXTRA_CA_CERTS',
  'NODE_V8_COVERAGE',
]

/** Code that has been compiled once need not be compiled again by the next of our processes: 0.5 s less for each. */
const compileCache = join(root, '.cache', 'compile')

function ownEnvironment(): Record<string, string> {
  const entries = inherited.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { NODE_COMPILE_CACHE: compileCache, ...Object.fromEntries(entries) }
}

export const networkPlan = ({ paths }: Prepared): ProcessPlan => ({
  name: 'network',
  command: [...frugal, join(root, 'scripts', 'network', 'embedded', 'main.ts'), paths.networkSettings],
  directory: root,
  environment: ownEnvironment(),
})

export const chaincodePlan = (
  { topology, credentials, paths }: Prepared,
  organisation: string,
): ProcessPlan => ({
  name: `chaincode-${organisation}`,
  // The shim knows nothing of a supervisor, so a module loaded before it watches over its end.
  command: [...frugal, '--import', leash, ...chaincodeCommand()],
  directory: chaincodeFolder,
  environment: {
    ...ownEnvironment(),
    ...chaincodeEnvironment(topology, credentials, organisation),
    CORE_CHAINCODE_LOGGING_LEVEL: 'ERROR',
    MEDLEDGER_CONSTITUTION_FILE: paths.constitution,
    MEDLEDGER_DEVELOPMENT: 'true',
  },
})

/** A handful of invented people are asked for by tests and measurements; and a child is ended 5 s after its stop. */
const demonstration = {
  MEDLEDGER_RATE_LIMIT_PERSON: '1000000',
  MEDLEDGER_RATE_LIMIT_ORGANISATION: '100000000',
  MEDLEDGER_RATE_LIMIT_REFUSED_TOKENS: '1000000',
  MEDLEDGER_STOP_SECONDS: '4',
}

export function gatewayPlan({ topology, credentials, paths }: Prepared, organisation: string): ProcessPlan {
  const own = credentialsOf(credentials, organisation)
  const { data, profile, partners, masterKey } = paths.gateway(organisation)
  const ports = portsOf(topology, organisation)
  return {
    name: `gateway-${organisation}`,
    command: [...frugal, join(root, 'gateway', 'src', 'main.ts')],
    directory: root,
    environment: {
      ...ownEnvironment(),
      MEDLEDGER_ORGANISATION: organisation,
      MEDLEDGER_CONSTITUTION_FILE: paths.constitution,
      MEDLEDGER_CHAINCODE: topology.chaincode.name,
      MEDLEDGER_CONNECTION_PROFILE_FILE: profile,
      MEDLEDGER_CERTIFICATE_FILE: own.gateway.certificateFile,
      MEDLEDGER_PRIVATE_KEY_FILE: own.gateway.privateKeyFile,
      MEDLEDGER_EXCHANGE_CERTIFICATE_FILE: own.tls.exchange.certificateFile,
      MEDLEDGER_EXCHANGE_PRIVATE_KEY_FILE: own.tls.exchange.privateKeyFile,
      MEDLEDGER_PARTNERS_FILE: partners,
      MEDLEDGER_HTTP_PORT: String(ports.gateway),
      MEDLEDGER_EXCHANGE_PORT: String(ports.exchange),
      MEDLEDGER_METRICS_PORT: String(ports.metrics),
      MEDLEDGER_DATA_DIRECTORY: data,
      MEDLEDGER_MASTER_KEY_FILE: masterKey,
      ...demonstration,
      MEDLEDGER_DEVELOPMENT: 'true',
    },
  }
}

export const providerPlan = ({ topology, paths }: Prepared, organisation: string): ProcessPlan => ({
  name: `provider-${organisation}`,
  command: [...frugal, join(root, 'scripts', 'identity-provider', 'main.ts')],
  directory: root,
  environment: {
    ...ownEnvironment(),
    MEDLEDGER_DEVELOPMENT: 'true',
    MEDLEDGER_ORGANISATION: organisation,
    MEDLEDGER_CONSTITUTION_FILE: paths.constitution,
    MEDLEDGER_PEOPLE_FILE: paths.people,
    MEDLEDGER_PROVIDER_KEYS_FILE: paths.issuer(organisation),
    MEDLEDGER_DEVELOPMENT_SECRET_FILE: paths.developmentSecret,
    MEDLEDGER_GATEWAYS: topology.constitution.organisations
      .map(({ name }) => localUrl(portsOf(topology, name).gateway))
      .join(' '),
  },
})

export const bootstrapPlan = ({ paths }: Prepared): ProcessPlan => ({
  name: 'bootstrap',
  command: [join(root, 'scripts', 'start', 'bootstrap.ts'), paths.root],
  directory: root,
  environment: ownEnvironment(),
})

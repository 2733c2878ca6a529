import { readFileSync } from 'node:fs'
import { Type, type Static } from 'typebox'
import { check, Constitution, organisationNamed, type Organisation } from 'medledger-chaincode/api'

/** Another organisation's gateway: where it answers, and the name and authority of its certificate. */
const Partners = Type.Record(
  Type.String(),
  Type.Object({
    url: Type.String({ pattern: '^https://' }),
    /** DNS name in its certificate: the authority signs peers and orderers too, and these must not pass for it. */
    name: Type.String({ minLength: 1 }),
    /** PEM. */
    authority: Type.String({ minLength: 1 }),
  }),
)
export type Partners = Static<typeof Partners>

export interface Config {
  readonly organisation: Organisation
  readonly constitution: Constitution
  readonly chaincode: string
  readonly connectionProfile: object
  /** The Fabric identity of the gateway, PEM. */
  readonly certificate: string
  readonly privateKey: string
  /** The TLS identity towards other gateways, PEM. */
  readonly exchange: { readonly certificate: string; readonly privateKey: string; readonly port: number }
  readonly partners: Partners
  readonly httpPort: number
  readonly dataDirectory: string
  /** 32 bytes. */
  readonly masterKey: Uint8Array
}

/**
 * Reads the configuration from the environment (prefix `MEDLEDGER_`). Errors: one error that names every variable that
 * is missing or wrong, and never a value.
 */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const faults: string[] = []
  const attempt = <Value>(name: string, read: (text: string) => Value): Value | undefined => {
    const text = environment[name]
    if (text === undefined || text === '') {
      faults.push(`${name} is not set`)
      return undefined
    }
    try {
      return read(text)
    } catch (error) {
      faults.push(`${name}: ${error instanceof Error ? reasonOf(error) : 'cannot be read'}`)
      return undefined
    }
  }
  const constitution = attempt('MEDLEDGER_CONSTITUTION_FILE', (file) =>
    check(Constitution, json(file), 'constitution'),
  )
  const config = {
    constitution,
    organisation: attempt(
      'MEDLEDGER_ORGANISATION',
      (name) => constitution && organisationNamed(constitution, name),
    ),
    chaincode: attempt('MEDLEDGER_CHAINCODE', String),
    connectionProfile: attempt('MEDLEDGER_CONNECTION_PROFILE_FILE', (file) => json(file) as object),
    certificate: attempt('MEDLEDGER_CERTIFICATE_FILE', text),
    privateKey: attempt('MEDLEDGER_PRIVATE_KEY_FILE', text),
    exchange: {
      certificate: attempt('MEDLEDGER_EXCHANGE_CERTIFICATE_FILE', text) ?? '',
      privateKey: attempt('MEDLEDGER_EXCHANGE_PRIVATE_KEY_FILE', text) ?? '',
      port: attempt('MEDLEDGER_EXCHANGE_PORT', port) ?? 0,
    },
    partners: attempt('MEDLEDGER_PARTNERS_FILE', (file) => check(Partners, json(file), 'list of partners')),
    httpPort: attempt('MEDLEDGER_HTTP_PORT', port),
    dataDirectory: attempt('MEDLEDGER_DATA_DIRECTORY', String),
    masterKey: attempt('MEDLEDGER_MASTER_KEY_FILE', masterKey),
  }
  if (faults.length > 0) throw new Error(`The gateway cannot start: ${faults.join('; ')}.`)
  return config as Config
}

const text = (file: string): string => readFileSync(file, 'utf8')
const json = (file: string): unknown => JSON.parse(text(file))

function port(value: string): number {
  const number = Number(value)
  if (!Number.isInteger(number) || number < 1 || number > 65_535) throw new Error('is not a port number')
  return number
}

function masterKey(file: string): Uint8Array {
  const value = text(file).trim()
  if (!/^[0-9a-f]{64}$/.test(value)) throw new Error('must be a file with 64 hexadecimal digits')
  return Buffer.from(value, 'hex')
}

/** A JSON error may quote the content, and a file error the path, where somebody may have put the secret itself. */
function reasonOf(error: Error): string {
  if (error instanceof SyntaxError) return 'is not a JSON file'
  return 'code' in error && 'syscall' in error
    ? `names a file that cannot be read (${String(error.code)})`
    : error.message
}

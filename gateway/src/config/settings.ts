import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { Type, type Static } from 'typebox'
import { canonical, check, Constitution, sha256Hex } from 'medledger-chaincode/api'
import { databaseLocation, type DatabaseLocation } from './database.ts'
import { asIs, port, setting, wholeNumber, type Setting } from './setting.ts'

/** Another organisation's gateway: where it answers, and the name and authority of its certificate. */
export const Partners = Type.Record(
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

/**
 * Everything that a gateway can be told, and the only place that says so: reading, `medledger config check`, redaction
 * and the README's list follow from this table.
 */
export const settings = {
  organisation: setting({
    variable: 'MEDLEDGER_ORGANISATION',
    form: 'value',
    purpose: 'name of the own organisation in the constitution',
    read: asIs,
    show: asIs,
  }),
  constitution: setting<Constitution>({
    variable: 'MEDLEDGER_CONSTITUTION',
    form: 'content',
    purpose: 'the constitution, the same at every organisation; JSON',
    read: (text) => check(Constitution, json(text), 'constitution'),
    show: (value) => `sha256 ${sha256Hex(canonical(value))}`,
  }),
  development: setting<boolean>({
    variable: 'MEDLEDGER_DEVELOPMENT',
    form: 'value',
    purpose:
      '`true` declares that nobody depends on this: only then may tokens come from a provider without https',
    default: 'false',
    read: trueOrFalse,
    show: Boolean,
  }),
  identityProviders: setting<readonly KeysLocation[]>({
    variable: 'MEDLEDGER_IDENTITY_PROVIDERS',
    form: 'content',
    purpose:
      'issuers whose keys must also be published by their provider: `{ <issuer>: { jwks?, authority? } }`, the address ' +
      'of its keys (by default its discovery document says it) and the PEM of its TLS authority (by default the ' +
      "system's); JSON",
    default: '{}',
    read: identityProviders,
    show: (value) => value.map(({ issuer }) => issuer).join(', '),
  }),
  chaincode: setting({
    variable: 'MEDLEDGER_CHAINCODE',
    form: 'value',
    purpose: 'name of the chaincode on the channel',
    default: 'medledger',
    read: asIs,
    show: asIs,
  }),
  connectionProfile: setting<object>({
    variable: 'MEDLEDGER_CONNECTION_PROFILE',
    form: 'content',
    purpose: 'the static connection profile of fabric-network: peers, orderers, TLS authorities; JSON',
    read: object,
    show: (value) => `sha256 ${sha256Hex(canonical(value))}`,
  }),
  certificate: setting({
    variable: 'MEDLEDGER_CERTIFICATE',
    form: 'content',
    purpose: "the gateway's Fabric certificate; PEM",
    read: asIs,
    show: describeCertificate,
  }),
  privateKey: setting({
    variable: 'MEDLEDGER_PRIVATE_KEY',
    form: 'secret',
    purpose: 'the private key of that certificate; PEM',
    read: asIs,
  }),
  exchangeCertificate: setting({
    variable: 'MEDLEDGER_EXCHANGE_CERTIFICATE',
    form: 'content',
    purpose: 'the TLS certificate towards other gateways; PEM',
    read: asIs,
    show: describeCertificate,
  }),
  exchangePrivateKey: setting({
    variable: 'MEDLEDGER_EXCHANGE_PRIVATE_KEY',
    form: 'secret',
    purpose: 'the private key of that certificate; PEM',
    read: asIs,
  }),
  exchangePort: setting({
    variable: 'MEDLEDGER_EXCHANGE_PORT',
    form: 'value',
    purpose: "where other organisations' gateways ask for releases, over mutual TLS",
    read: port,
    show: Number,
  }),
  partners: setting<Partners>({
    variable: 'MEDLEDGER_PARTNERS',
    form: 'content',
    purpose: "the other organisations' gateways: `{ <organisation>: { url, name, authority } }`; JSON",
    read: (text) => check(Partners, json(text), 'list of partners'),
    show: (value) =>
      Object.entries(value)
        .map(([name, { url }]) => `${name} ${url}`)
        .join(', '),
  }),
  httpPort: setting({
    variable: 'MEDLEDGER_HTTP_PORT',
    form: 'value',
    purpose: 'where people and their programs ask: put TLS in front of it',
    read: port,
    show: Number,
  }),
  listenAddress: setting({
    variable: 'MEDLEDGER_LISTEN_ADDRESS',
    form: 'value',
    purpose:
      'the IP address of the interface on which all three ports are opened; `0.0.0.0` only where nobody else can reach them, ' +
      'as in a container',
    default: '127.0.0.1',
    read: ipAddress,
    show: asIs,
  }),
  metricsPort: setting<number | undefined>({
    variable: 'MEDLEDGER_METRICS_PORT',
    form: 'value',
    purpose: 'where the monitoring asks for `/metrics`; none when empty',
    default: '',
    read: (text) => (text === '' ? undefined : port(text)),
    show: (value) => value ?? 'none',
  }),
  dataDirectory: setting({
    variable: 'MEDLEDGER_DATA_DIRECTORY',
    form: 'value',
    purpose: 'where the databases lie that are not in PostgreSQL',
    read: asIs,
    show: asIs,
  }),
  database: setting<DatabaseLocation | undefined>({
    variable: 'MEDLEDGER_DATABASE',
    form: 'secret',
    purpose:
      '`postgres://user:password@host:port/database` (PostgreSQL 15 or newer); SQLite in the data directory when empty',
    default: '',
    read: databaseLocation,
  }),
  keyDatabase: setting<DatabaseLocation | undefined>({
    variable: 'MEDLEDGER_KEY_DATABASE',
    form: 'secret',
    purpose:
      "likewise, for the patients' keys: another database, which the backups of the first must not include",
    default: '',
    read: databaseLocation,
  }),
  databaseAuthority: setting<string | undefined>({
    variable: 'MEDLEDGER_DATABASE_AUTHORITY',
    form: 'content',
    purpose:
      "the authority of the databases' TLS certificate, PEM; without it only databases on this machine are used, and " +
      'without TLS',
    default: '',
    read: (text) => (text.trim() === '' ? undefined : text),
    show: (value) => (value === undefined ? 'none' : describeCertificate(value)),
  }),
  projectionRebuild: setting<boolean>({
    variable: 'MEDLEDGER_PROJECTION_REBUILD',
    form: 'value',
    purpose: '`true` makes the projection anew from block 0 at the start; for one start, then take it away',
    default: 'false',
    read: trueOrFalse,
    show: Boolean,
  }),
  masterKey: setting<Uint8Array>({
    variable: 'MEDLEDGER_MASTER_KEY',
    form: 'secret',
    purpose: "the key that wraps the patients' keys; 64 lower-case hexadecimal digits",
    read: masterKey,
  }),
  trustedProxies: setting<readonly string[]>({
    variable: 'MEDLEDGER_TRUSTED_PROXIES',
    form: 'value',
    purpose:
      'addresses, separated by commas, whose X-Forwarded-For says who asks; without it the header is ignored',
    default: '',
    read: addresses,
    show: (value) => value.join(', '),
  }),
  personPerMinute: setting({
    variable: 'MEDLEDGER_RATE_LIMIT_PERSON',
    form: 'value',
    purpose: 'requests a minute of one person',
    default: '600',
    read: wholeNumber(1, 1_000_000),
    show: Number,
  }),
  organisationPerMinute: setting({
    variable: 'MEDLEDGER_RATE_LIMIT_ORGANISATION',
    form: 'value',
    purpose: "requests a minute of all whose tokens are of one organisation's issuers",
    default: '30000',
    read: wholeNumber(1, 100_000_000),
    show: Number,
  }),
  refusedPerMinute: setting({
    variable: 'MEDLEDGER_RATE_LIMIT_REFUSED_TOKENS',
    form: 'value',
    purpose:
      'refused tokens a minute from one address, before it is told to wait; good tokens are not affected',
    default: '300',
    read: wholeNumber(1, 1_000_000),
    show: Number,
  }),
  eventLoopDelayMs: setting({
    variable: 'MEDLEDGER_MAX_EVENT_LOOP_DELAY_MS',
    form: 'value',
    purpose:
      'mean delay of the event loop in milliseconds above which requests are answered 503; 0 is no limit',
    default: '1000',
    read: wholeNumber(0, 60_000),
    show: Number,
  }),
  stopSeconds: setting({
    variable: 'MEDLEDGER_STOP_SECONDS',
    form: 'value',
    purpose: 'how long a stop waits for requests that are under way',
    default: '15',
    read: wholeNumber(1, 600),
    show: Number,
  }),
} as const

export type SettingName = keyof typeof settings

type ValueOf<S> = S extends Setting<infer Value> ? Value : never
export type Settings = { readonly [Name in SettingName]: ValueOf<(typeof settings)[Name]> }

/** Where an issuer's provider publishes its keys. */
export interface KeysLocation {
  readonly issuer: string
  /** The address of its keys, or undefined: its discovery document names them. */
  readonly jwks: URL | undefined
  /** PEM of the authority that its certificate comes from; the system's when undefined. */
  readonly authority: string | undefined
}

const IdentityProviders = Type.Record(
  Type.String(),
  Type.Object(
    {
      jwks: Type.Optional(Type.String({ minLength: 1, maxLength: 2000 })),
      authority: Type.Optional(Type.String({ minLength: 1 })),
    },
    { additionalProperties: false },
  ),
)

function identityProviders(text: string): readonly KeysLocation[] {
  const found = check(IdentityProviders, json(text), 'list of identity providers')
  return Object.entries(found).map(([issuer, { jwks, authority }]) => {
    const url = jwks === undefined ? undefined : URL.parse(jwks)
    if (url === null) throw new Error('an address of keys is not a URL')
    return { issuer, jwks: url, authority }
  })
}

function trueOrFalse(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new Error('is neither true nor false')
  return text === 'true'
}

/** Errors: SyntaxError, whose words are not for a log: they may quote the text. */
const json = (text: string): unknown => JSON.parse(text)

function object(text: string): object {
  const value = json(text)
  if (typeof value !== 'object' || value === null) throw new Error('is not a JSON object')
  return value
}

function masterKey(text: string): Uint8Array {
  const value = text.trim()
  if (!/^[0-9a-f]{64}$/.test(value)) throw new Error('must be 64 lower-case hexadecimal digits')
  return Buffer.from(value, 'hex')
}

function ipAddress(text: string): string {
  if (isIP(text) === 0) throw new Error('it is not an IP address')
  return text
}

function addresses(text: string): readonly string[] {
  const found = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  if (found.some((part) => isIP(part.replace(/\/\d{1,3}$/, '')) === 0))
    throw new Error('is not a list of IP addresses')
  return found
}

function describeCertificate(pem: string): string {
  try {
    const { subject, validTo, fingerprint256 } = new X509Certificate(pem)
    const name = /^CN=(.*)$/m.exec(subject)?.[1] ?? 'without a name'
    return `${name}, until ${new Date(validTo).toISOString()}, sha256 ${fingerprint256.replaceAll(':', '').toLowerCase()}`
  } catch {
    return 'not a certificate'
  }
}

import { organisationNamed, type Constitution, type Organisation } from 'medledger-chaincode/api'
import type { DatabaseLocation } from './database.ts'
import { readSettings, type Reading, type Source } from './read.ts'
import { areValid, rules } from './rules.ts'
import type { Setting } from './setting.ts'
import { settings, type KeysLocation, type SettingName, type Settings, type Partners } from './settings.ts'

export { settings, type KeysLocation, type Partners, type SettingName, type Settings } from './settings.ts'
export type { DatabaseLocation } from './database.ts'
export type { Source } from './read.ts'

export interface Config {
  readonly organisation: Organisation
  readonly constitution: Constitution
  /** Providers whose published keys count beside the ledger's. */
  readonly identityProviders: readonly KeysLocation[]
  readonly chaincode: string
  readonly connectionProfile: object
  /** The Fabric identity of the gateway, PEM. */
  readonly certificate: string
  readonly privateKey: string
  /** The TLS identity towards other gateways, PEM. */
  readonly exchange: { readonly certificate: string; readonly privateKey: string; readonly port: number }
  readonly partners: Partners
  /** IP address of the interface on which it listens. */
  readonly listenAddress: string
  readonly httpPort: number
  /** Undefined: no metrics are served. */
  readonly metricsPort: number | undefined
  readonly dataDirectory: string
  /** Undefined: SQLite in the data directory. */
  readonly postgres: PostgresConfig | undefined
  /** The projection is to be made anew from block 0. */
  readonly projectionRebuild: boolean
  /** 32 bytes. */
  readonly masterKey: Uint8Array
  readonly trustedProxies: readonly string[]
  readonly limits: Limits
  readonly stopWithinMs: number
}

/** The databases of a gateway that has them in PostgreSQL. */
export interface PostgresConfig {
  readonly database: DatabaseLocation
  /** Of the patients' keys. */
  readonly keyDatabase: DatabaseLocation
  /** PEM of the authority that both servers' TLS certificates come from; without TLS when undefined. */
  readonly authority: string | undefined
}

/** How much a gateway takes. */
export interface Limits {
  readonly personPerMinute: number
  readonly organisationPerMinute: number
  readonly refusedPerMinute: number
  /** 0: none. */
  readonly eventLoopDelayMs: number
}

/** What an operator learns of a configuration before a gateway starts with it. */
export interface ConfigReport {
  readonly faults: readonly string[]
  /** Variables with the prefix that no setting has: misspelt, perhaps. */
  readonly unknown: readonly string[]
  readonly settings: readonly ShownSetting[]
}

export interface ShownSetting {
  readonly variable: string
  readonly source: Source | 'none'
  /** A secret is shown as `redacted`; null when there is none or it could not be read. */
  readonly value: string | number | boolean | null
}

/**
 * Reads the configuration from the environment. Errors: one error that names every variable that is missing or wrong,
 * and never a value.
 */
export function readConfig(environment: NodeJS.ProcessEnv, now: () => number = Date.now): Config {
  const reading = readSettings(environment)
  const faults = faultsOf(reading, now())
  if (faults.length > 0) throw new Error(`The gateway cannot start: ${faults.join('; ')}.`)
  return toConfig(reading.values as Settings)
}

/** Whether the gateway's certificates, which were valid at the start, still are. `at` is in milliseconds since 1970. */
export const certificatesAreValid = ({ certificate, exchange }: Config, at: number): boolean =>
  areValid([certificate, exchange.certificate], at)

/** What {@link readConfig} would make of an environment, without a secret. */
export function checkConfig(environment: NodeJS.ProcessEnv, now: () => number = Date.now): ConfigReport {
  const reading = readSettings(environment)
  const names = Object.keys(settings) as SettingName[]
  const known = new Set(names.flatMap((name) => variablesOf(settings[name])))
  return {
    faults: faultsOf(reading, now()),
    unknown: Object.keys(environment)
      .filter((name) => name.startsWith('MEDLEDGER_') && !known.has(name))
      .toSorted(),
    settings: names.map((name) => ({
      variable: settings[name].variable,
      source: reading.sources[name] ?? 'none',
      value: Object.hasOwn(reading.values, name) ? shown(settings[name], reading.values[name]) : null,
    })),
  }
}

/** The names under which a setting can be given. */
export const variablesOf = ({ variable, form }: Setting<unknown>): readonly string[] =>
  form === 'value' ? [variable] : [variable, `${variable}_FILE`]

function shown(definition: Setting<unknown>, value: unknown): string | number | boolean | null {
  if (definition.form === 'secret') return value === undefined ? null : 'redacted'
  return definition.show?.(value) ?? null
}

const faultsOf = ({ values, faults }: Reading, at: number): readonly string[] => [
  ...faults,
  ...rules
    .filter(({ needs }) => needs.every((name) => Object.hasOwn(values, name)))
    .flatMap((rule) => rule.faults(values as Settings, at)),
]

function toConfig(values: Settings): Config {
  const { constitution, organisation, exchangeCertificate, exchangePrivateKey, exchangePort } = values
  const { personPerMinute, organisationPerMinute, refusedPerMinute, eventLoopDelayMs, stopSeconds } = values
  return {
    constitution,
    organisation: organisationNamed(constitution, organisation),
    identityProviders: values.identityProviders,
    chaincode: values.chaincode,
    connectionProfile: values.connectionProfile,
    certificate: values.certificate,
    privateKey: values.privateKey,
    exchange: { certificate: exchangeCertificate, privateKey: exchangePrivateKey, port: exchangePort },
    partners: values.partners,
    listenAddress: values.listenAddress,
    httpPort: values.httpPort,
    metricsPort: values.metricsPort,
    dataDirectory: values.dataDirectory,
    postgres: postgresOf(values),
    projectionRebuild: values.projectionRebuild,
    masterKey: values.masterKey,
    trustedProxies: values.trustedProxies,
    limits: { personPerMinute, organisationPerMinute, refusedPerMinute, eventLoopDelayMs },
    stopWithinMs: stopSeconds * 1000,
  }
}

function postgresOf({ database, keyDatabase, databaseAuthority }: Settings): PostgresConfig | undefined {
  if (database === undefined || keyDatabase === undefined) return undefined
  return { database, keyDatabase, authority: databaseAuthority }
}

import { join } from 'node:path'

/** Where an instance keeps what; every path is absolute when the root is. */
export interface Paths {
  readonly root: string
  /** Says that the directory is ours, in which format and for which topology. */
  readonly marker: string
  /** What a running instance says about itself. */
  readonly instance: string
  readonly control: string
  readonly constitution: string
  readonly credentials: string
  readonly ledger: string
  readonly networkSettings: string
  /** Of a network of containers: the block that begins its channel, and what its containers are told. */
  readonly genesis: string
  readonly composeEnvironment: string
  /** What the bootstrap has done already. */
  readonly journal: string
  readonly people: string
  readonly logs: string
  /** Keys of an organisation's development identity provider. */
  readonly issuer: (organisation: string) => string
  /** What programs of this user show to a development provider for a token without a sign-in. */
  readonly developmentSecret: string
  readonly gateway: (organisation: string) => GatewayPaths
}

export interface GatewayPaths {
  readonly data: string
  readonly profile: string
  readonly partners: string
  readonly masterKey: string
  /** Of a network of containers: what the gateway shows to its database. */
  readonly databasePassword: string
}

export const defaultDirectory = '.medledger'

/** Of a network of containers. */
export const defaultNetworkDirectory = '.medledger-docker'

export function pathsIn(root: string): Paths {
  const inRoot = (...parts: string[]): string => join(root, ...parts)
  return {
    root,
    marker: inRoot('medledger.json'),
    instance: inRoot('instance.json'),
    control: inRoot('control.sock'),
    constitution: inRoot('constitution.json'),
    credentials: inRoot('network', 'credentials'),
    ledger: inRoot('network', 'ledger'),
    networkSettings: inRoot('network', 'settings.json'),
    genesis: inRoot('network', 'genesis.block'),
    composeEnvironment: inRoot('compose.env'),
    journal: inRoot('network', 'bootstrapped.json'),
    people: inRoot('people.json'),
    logs: inRoot('logs'),
    developmentSecret: inRoot('issuers', 'secret'),
    issuer: (organisation) => inRoot('issuers', `${organisation}.json`),
    gateway: (organisation) => ({
      data: inRoot('gateways', organisation, 'data'),
      profile: inRoot('gateways', organisation, 'profile.json'),
      partners: inRoot('gateways', organisation, 'partners.json'),
      masterKey: inRoot('gateways', organisation, 'master.key'),
      databasePassword: inRoot('gateways', organisation, 'database.password'),
    }),
  }
}

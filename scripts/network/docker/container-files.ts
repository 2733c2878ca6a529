import { hostOf } from '../names.ts'
import type { OrganisationCredentials } from '../issue.ts'
import { containerPorts } from '../reach.ts'

/** What a container finds in its folder, by the path in it; the folder is mounted at {@link mountPoint}. */
export type Files = Readonly<Record<string, string>>

/** Where every container has its own folder, read-only. */
export const mountPoint = '/run/medledger'

/**
 * The folder of an identity as Fabric's nodes read it. The OU of a certificate says what its holder is, so that no list of
 * administrators is needed.
 */
const mspFiles = (
  { ca, tlsCa }: OrganisationCredentials,
  identity: OrganisationCredentials['peer'],
): Files => ({
  'msp/config.yaml': nodeUnits,
  'msp/cacerts/ca.pem': ca.certificate,
  'msp/tlscacerts/tlsca.pem': tlsCa.certificate,
  'msp/signcerts/cert.pem': identity.certificate,
  'msp/keystore/key.pem': identity.privateKey,
})

const nodeUnits = [
  'NodeOUs:',
  '  Enable: true',
  ...['Client', 'Peer', 'Admin', 'Orderer'].flatMap((unit) => [
    `  ${unit}OUIdentifier:`,
    `    OrganizationalUnitIdentifier: ${unit.toLowerCase()}`,
  ]),
  '',
].join('\n')

const tlsFiles = (
  { tlsCa }: OrganisationCredentials,
  { certificate, privateKey }: OrganisationCredentials['tls']['peer'],
): Files => ({
  'tls/cert.pem': certificate,
  'tls/key.pem': privateKey,
  'tls/ca.pem': tlsCa.certificate,
})

export const ordererFiles = (credentials: OrganisationCredentials): Files => ({
  ...mspFiles(credentials, credentials.orderer),
  ...tlsFiles(credentials, credentials.tls.orderer),
})

/** `chaincode.env` is what the peer's ccaas builder fills into the package: where its chaincode is, and how to show itself. */
export function peerFiles(organisation: string, credentials: OrganisationCredentials): Files {
  const { tls, tlsCa } = credentials
  const address = `${hostOf('chaincode', organisation)}:${containerPorts.chaincode}`
  const connection = {
    address,
    key: tls.peer.privateKey,
    cert: tls.peer.certificate,
    ca: tlsCa.certificate,
  }
  return {
    ...mspFiles(credentials, credentials.peer),
    ...tlsFiles(credentials, tls.peer),
    'chaincode.env': `CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG=${JSON.stringify(connection)}\n`,
  }
}

export const chaincodeFiles = (credentials: OrganisationCredentials, constitution: string): Files => ({
  ...tlsFiles(credentials, credentials.tls.chaincode),
  'constitution.json': constitution,
})

/** What a gateway's folder is made of. */
export interface GatewayContents {
  readonly credentials: OrganisationCredentials
  readonly constitution: string
  readonly profile: string
  readonly partners: string
  readonly masterKey: string
  readonly databasePassword: string
}

export const databaseUser = 'medledger'
export const databases = { main: 'medledger', keys: 'medledger_keys' } as const

const databaseUrl = (organisation: string, password: string, name: string): string =>
  `postgres://${databaseUser}:${password}@${hostOf('database', organisation)}:${containerPorts.database}/${name}`

export function gatewayFiles(organisation: string, contents: GatewayContents): Files {
  const { credentials, constitution, profile, partners, masterKey, databasePassword } = contents
  const { gateway, tls, tlsCa } = credentials
  return {
    'cert.pem': gateway.certificate,
    'key.pem': gateway.privateKey,
    'exchange/cert.pem': tls.exchange.certificate,
    'exchange/key.pem': tls.exchange.privateKey,
    'database/authority.pem': tlsCa.certificate,
    'database/url': databaseUrl(organisation, databasePassword, databases.main),
    'database/keys-url': databaseUrl(organisation, databasePassword, databases.keys),
    'constitution.json': constitution,
    'profile.json': profile,
    'partners.json': partners,
    'master.key': masterKey,
  }
}

/** Only over TLS and with the password; the socket in the container is for the server's own checks and for backups. */
const databaseAccess = ['local all all trust', 'hostssl all all all scram-sha-256', ''].join('\n')

export const databaseFiles = (credentials: OrganisationCredentials, password: string): Files => ({
  'cert.pem': credentials.tls.database.certificate,
  'key.pem': credentials.tls.database.privateKey,
  'pg_hba.conf': databaseAccess,
  password,
  'initialise/keys.sql': `CREATE DATABASE ${databases.keys};\n`,
})

export interface ProviderContents {
  readonly constitution: string
  readonly people: string
  readonly keys: string
  readonly secret: string
}

export const providerFiles = ({ constitution, people, keys, secret }: ProviderContents): Files => ({
  'constitution.json': constitution,
  'people.json': people,
  'keys.json': keys,
  secret,
})

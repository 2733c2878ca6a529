import { createPrivateKey, X509Certificate } from 'node:crypto'
import { accessSync, constants, statSync } from 'node:fs'
import { developmentFault, isLoopbackHost, type Constitution } from 'medledger-chaincode/api'
import { isOnThisMachine, isSameDatabase } from './database.ts'
import { settings, type KeysLocation, type SettingName, type Settings } from './settings.ts'

/** Something that several settings, or a setting and the world, must satisfy together. */
export interface Rule {
  /** It is asked only when all of these could be read. */
  readonly needs: readonly SettingName[]
  /** What is wrong, a line each; `at` is in milliseconds since 1970. */
  faults(values: Settings, at: number): readonly string[]
}

const rule = <Name extends SettingName>(
  needs: readonly Name[],
  faults: (values: Pick<Settings, Name>, at: number) => readonly string[],
): Rule => ({ needs, faults })

const variable = (name: SettingName): string => settings[name].variable

/** A new rule has its place here. Nobody starts a gateway whose configuration breaks one. */
export const rules: readonly Rule[] = [
  rule(['organisation', 'constitution'], ({ organisation, constitution }) =>
    constitution.organisations.some(({ name }) => name === organisation)
      ? []
      : [`${variable('organisation')}: the constitution has no such organisation`],
  ),
  rule(['constitution', 'development'], ({ constitution, development }) => {
    const fault = developmentFault(constitution, development)
    return fault === undefined ? [] : [`${variable('constitution')}: ${fault}`]
  }),
  rule(['constitution', 'development', 'identityProviders'], (values) => {
    const { constitution, development, identityProviders } = values
    return identityProviders.flatMap((location) =>
      providerFaults(location, constitution, development).map(
        (fault) => `${variable('identityProviders')}: ${fault}`,
      ),
    )
  }),
  rule(['organisation', 'constitution', 'partners'], ({ organisation, constitution, partners }) => {
    const others = constitution.organisations.map(({ name }) => name).filter((name) => name !== organisation)
    const missing = others.filter((name) => !Object.hasOwn(partners, name))
    const strange = Object.keys(partners).filter((name) => name !== organisation && !others.includes(name))
    return [
      ...missing.map((name) => `${variable('partners')}: there is no partner ${name}`),
      ...strange.map(() => `${variable('partners')}: a partner is not in the constitution`),
    ]
  }),
  rule(['partners'], ({ partners }) =>
    Object.entries(partners)
      .filter(([, { authority }]) => certificateIn(authority) === undefined)
      .map(([name]) => `${variable('partners')}: the authority of ${name} is not a certificate`),
  ),
  rule(['certificate', 'privateKey'], ({ certificate, privateKey }) =>
    pairFaults('certificate', certificate, 'privateKey', privateKey),
  ),
  rule(['exchangeCertificate', 'exchangePrivateKey'], (values) =>
    pairFaults(
      'exchangeCertificate',
      values.exchangeCertificate,
      'exchangePrivateKey',
      values.exchangePrivateKey,
    ),
  ),
  rule(['certificate'], ({ certificate }, at) => validityFaults('certificate', certificate, at)),
  rule(['exchangeCertificate'], ({ exchangeCertificate }, at) =>
    validityFaults('exchangeCertificate', exchangeCertificate, at),
  ),
  rule(['certificate'], ({ certificate }) => {
    const subject = certificateIn(certificate)?.subject
    return subject === undefined || /^OU=client$/m.test(subject)
      ? []
      : [`${variable('certificate')}: is not a client's (OU=client), so peers and orderers would refuse it`]
  }),
  rule(['organisation', 'constitution', 'connectionProfile'], (values) => {
    const { organisation, constitution, connectionProfile } = values
    const own = constitution.organisations.find(({ name }) => name === organisation)
    return own === undefined || mspIn(connectionProfile) === own.mspId
      ? []
      : [`${variable('connectionProfile')}: its client is not of ${own.mspId}, the MSP of this organisation`]
  }),
  rule(['organisation', 'partners', 'exchangeCertificate'], (values) => {
    const { organisation, partners, exchangeCertificate } = values
    const own = partners[organisation]
    const authority = certificateIn(own?.authority)
    const leaf = certificateIn(exchangeCertificate)
    if (own === undefined || authority === undefined || leaf === undefined) return []
    const isOurs = leaf.checkIssued(authority) && leaf.verify(authority.publicKey)
    return isOurs && leaf.checkHost(own.name) !== undefined
      ? []
      : [`${variable('exchangeCertificate')}: is not the one by which the partners would know this gateway`]
  }),
  rule(['httpPort', 'exchangePort', 'metricsPort'], ({ httpPort, exchangePort, metricsPort }) => {
    const ports = [httpPort, exchangePort, ...(metricsPort === undefined ? [] : [metricsPort])]
    return new Set(ports).size === ports.length
      ? []
      : [
          `${variable('httpPort')}, ${variable('exchangePort')} and ${variable('metricsPort')} must be different`,
        ]
  }),
  rule(['dataDirectory'], ({ dataDirectory }) => {
    const found = statSync(dataDirectory, { throwIfNoEntry: false })
    // What does not exist yet is made at the start.
    if (found === undefined) return []
    if (!found.isDirectory()) return [`${variable('dataDirectory')}: is not a directory`]
    return isWritable(dataDirectory) ? [] : [`${variable('dataDirectory')}: cannot be written to`]
  }),
  rule(['database', 'keyDatabase'], ({ database, keyDatabase }) => {
    const name = variable('keyDatabase')
    if (database === undefined)
      return keyDatabase === undefined ? [] : [`${name}: is set without ${variable('database')}`]
    if (keyDatabase === undefined) return [`${name}: must be set, since ${variable('database')} is`]
    return isSameDatabase(database, keyDatabase)
      ? [`${name}: is the same database: backups of the content must not hold the patients' keys`]
      : []
  }),
  rule(['database', 'keyDatabase', 'databaseAuthority', 'development'], (values) => {
    if (values.databaseAuthority !== undefined || values.development) return []
    return (['database', 'keyDatabase'] as const).flatMap((name) => {
      const location = values[name]
      return location === undefined || isOnThisMachine(location)
        ? []
        : [`${variable(name)}: is on another machine: ${variable('databaseAuthority')} must be set`]
    })
  }),
  rule(['databaseAuthority'], ({ databaseAuthority }) =>
    databaseAuthority === undefined || certificateIn(databaseAuthority) !== undefined
      ? []
      : [`${variable('databaseAuthority')}: is not a certificate in PEM`],
  ),
]

/** Whether the certificates with which a gateway shows who it is are valid at an instant (milliseconds since 1970). */
export const areValid = (pems: readonly string[], at: number): boolean =>
  pems.every((pem) => validityFaults('certificate', pem, at).length === 0)

function providerFaults(
  { issuer, jwks, authority }: KeysLocation,
  { issuers }: Constitution,
  development: boolean,
): readonly string[] {
  const isKnown = issuers.some((known) => known.issuer === issuer)
  const isCertificate = authority === undefined || certificateIn(authority) !== undefined
  return [
    ...(isKnown ? [] : ['an issuer is not in the constitution']),
    ...(isSafe(jwks ?? URL.parse(issuer), development) ? [] : ['keys are fetched over https only']),
    ...(isCertificate ? [] : ['an authority is not a certificate']),
  ]
}

/** Over https; on the machine itself also without, where there are invented people only. */
const isSafe = (address: URL | null, development: boolean): boolean =>
  address?.protocol === 'https:' ||
  (development && address?.protocol === 'http:' && isLoopbackHost(address.hostname))

function certificateIn(pem: string | undefined): X509Certificate | undefined {
  try {
    return pem === undefined ? undefined : new X509Certificate(pem)
  } catch {
    return undefined
  }
}

function pairFaults(
  certificateName: SettingName,
  certificate: string,
  keyName: SettingName,
  privateKey: string,
): readonly string[] {
  const leaf = certificateIn(certificate)
  if (leaf === undefined) return [`${variable(certificateName)}: is not a certificate in PEM`]
  try {
    const key = createPrivateKey(privateKey)
    return leaf.checkPrivateKey(key) ? [] : [`${variable(keyName)}: does not belong to the certificate`]
  } catch {
    return [`${variable(keyName)}: is not a private key in PEM`]
  }
}

function validityFaults(name: SettingName, pem: string, at: number): readonly string[] {
  const certificate = certificateIn(pem)
  if (certificate === undefined) return []
  const { validFrom, validTo } = certificate
  if (Date.parse(validTo) <= at) return [`${variable(name)}: expired on ${validTo}`]
  return Date.parse(validFrom) > at ? [`${variable(name)}: is not valid before ${validFrom}`] : []
}

/** The MSP for whose client a connection profile is. */
function mspIn(profile: object): unknown {
  const { client, organizations } = profile as {
    readonly client?: { readonly organization?: string }
    readonly organizations?: Readonly<Record<string, { readonly mspid?: unknown }>>
  }
  const name = client?.organization
  return name === undefined ? undefined : organizations?.[name]?.mspid
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

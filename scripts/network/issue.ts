import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { createAuthority, issueLeaf, type IssuedPair, type LeafRequest } from './certificates.ts'
import { hostOf } from './names.ts'
import { createRevocationList } from './revocations.ts'
import type { Topology } from './topology.ts'

/** A certificate and its private key, and the files that hold them. */
export interface KeyPair extends IssuedPair {
  readonly certificateFile: string
  readonly privateKeyFile: string
}

/** Everything that one organisation's parts need to show who they are. */
export interface OrganisationCredentials {
  readonly mspId: string
  /** Signs the identities below; its certificate is the root of the organisation's MSP. */
  readonly ca: KeyPair
  /** The lists (PEM) of what `ca` has revoked: none, or one. A network takes them up when it is made. */
  readonly revocations: readonly string[]
  /** Signs the TLS certificates below. */
  readonly tlsCa: KeyPair
  readonly peer: KeyPair
  readonly orderer: KeyPair
  /** Clients whose `medledger.role` attribute says what the chaincode may take them for. */
  readonly gateway: KeyPair
  readonly operator: KeyPair
  readonly admin: KeyPair
  readonly tls: {
    readonly peer: KeyPair
    readonly orderer: KeyPair
    readonly chaincode: KeyPair
    /** For the gateway's connections with other organisations' gateways, as server and as client. */
    readonly exchange: KeyPair
    readonly database: KeyPair
    /** Shown by the administrator to the orderer. */
    readonly admin: KeyPair
  }
}

/** The credentials of each organisation by its name. */
export type Credentials = ReadonlyMap<string, OrganisationCredentials>

async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The `wx` flag refuses to overwrite, whatever happened since the file was found to be missing. */
async function writeNew(file: string, content: string, mode: number): Promise<void> {
  const handle = await open(file, 'wx', mode)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Loads the pair in a folder, or issues it when the folder has neither file. A certificate that is on a channel cannot
 * be replaced without its organisation's old admin key, so that nothing here ever overwrites one.
 * Errors: when one file of the two is missing.
 */
async function loadOrIssue(folder: string, issue: () => Promise<IssuedPair>): Promise<KeyPair> {
  const certificateFile = join(folder, 'cert.pem')
  const privateKeyFile = join(folder, 'key.pem')
  const [certificate, privateKey] = await Promise.all([certificateFile, privateKeyFile].map(readIfPresent))
  if (certificate !== undefined && privateKey !== undefined)
    return { certificate, privateKey, certificateFile, privateKeyFile }
  if (certificate !== undefined || privateKey !== undefined) {
    const [present, absent] =
      certificate === undefined ? [privateKeyFile, certificateFile] : [certificateFile, privateKeyFile]
    throw new Error(
      `${present} exists but ${absent} does not: restore it, or move the other one away as well`,
    )
  }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const pair = await issue()
  await writeNew(privateKeyFile, pair.privateKey, 0o600)
  await writeNew(certificateFile, pair.certificate, 0o644)
  return { ...pair, certificateFile, privateKeyFile }
}

const revocationFile = (directory: string, organisation: string): string =>
  join(directory, organisation, 'ca', 'crl.pem')

type Unit = 'client' | 'peer' | 'orderer' | 'admin'

async function issueOrganisation(
  { name, title, mspId }: Topology['constitution']['organisations'][number],
  directory: string,
  now: number,
): Promise<OrganisationCredentials> {
  const pairOf = (folder: string, issue: () => Promise<IssuedPair>): Promise<KeyPair> =>
    loadOrIssue(join(directory, name, folder), issue)
  const authority = (folder: string): Promise<KeyPair> =>
    pairOf(folder, () => createAuthority({ commonName: hostOf(folder, name), organisation: title }, now))
  const [ca, tlsCa] = await Promise.all([authority('ca'), authority('tlsca')])

  const identity = (part: string, unit: Unit, role?: string): Promise<KeyPair> => {
    const subject = { commonName: hostOf(part, name), organisation: title, unit }
    const request: LeafRequest =
      role === undefined ? { subject } : { subject, attributes: { 'medledger.role': role } }
    return pairOf(part, () => issueLeaf(ca, request, now))
  }
  const tls = (part: string, organisation = title): Promise<KeyPair> => {
    const commonName = hostOf(part, name)
    const hosts = [commonName, 'localhost', '127.0.0.1']
    return pairOf(`${part}-tls`, () =>
      issueLeaf(tlsCa, { subject: { commonName, organisation }, hosts }, now),
    )
  }
  const revocations = await readIfPresent(revocationFile(directory, name))
  return {
    mspId,
    ca,
    tlsCa,
    revocations: revocations === undefined ? [] : [revocations],
    peer: await identity('peer', 'peer'),
    orderer: await identity('orderer', 'orderer'),
    gateway: await identity('gateway', 'client', 'gateway'),
    operator: await identity('operator', 'client', 'operator'),
    admin: await identity('admin', 'admin'),
    tls: {
      peer: await tls('peer'),
      orderer: await tls('orderer'),
      chaincode: await tls('chaincode'),
      // The other gateways learn from O which organisation calls, by the name that the topology uses.
      exchange: await tls('exchange', name),
      database: await tls('database'),
      admin: await tls('admin'),
    },
  }
}

/**
 * The certificates of every organisation of a topology: loaded from the directory where they exist, issued where they
 * do not. Files are `<directory>/<organisation>/<part>/{cert,key}.pem`; keys can be read by their owner only.
 * Errors: when a certificate is there without its key or a key without its certificate.
 */
export async function issueCredentials(
  topology: Topology,
  directory: string,
  now: () => number = Date.now,
): Promise<Credentials> {
  const issued = topology.constitution.organisations.map(
    async (organisation) =>
      [organisation.name, await issueOrganisation(organisation, directory, now())] as const,
  )
  return new Map(await Promise.all(issued))
}

/**
 * Puts certificates on the revocation list of their organisation, `<directory>/<organisation>/ca/crl.pem`. A network
 * that is made from these credentials afterwards knows them as revoked from its first block on; to one that exists already
 * the list comes by an update of its channel's configuration, without which it refuses to start with other lists than it has.
 * @param certificates PEM
 * Errors: when the organisation has no authority there, or it did not issue one of them.
 */
export async function revokeCertificates(
  directory: string,
  organisation: string,
  certificates: readonly string[],
  now: () => number = Date.now,
): Promise<void> {
  const folder = join(directory, organisation, 'ca')
  const [certificate, privateKey] = await Promise.all(
    ['cert.pem', 'key.pem'].map((name) => readFile(join(folder, name), 'utf8')),
  )
  if (certificate === undefined || privateKey === undefined) throw new Error(`${folder} holds no authority`)
  const file = revocationFile(directory, organisation)
  const previous = await readIfPresent(file)
  const list = await createRevocationList({ certificate, privateKey }, certificates, now(), previous)
  const draft = `${file}.${process.pid}`
  await writeNew(draft, list, 0o644)
  await rename(draft, file)
}

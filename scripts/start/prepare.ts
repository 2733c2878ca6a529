import { randomBytes } from 'node:crypto'
import { chmod, mkdir } from 'node:fs/promises'
import { randomId } from 'medledger-chaincode/api'
import {
  inventPeople,
  readIfPresent,
  readPeople,
  replaceFile,
  toText,
  writeOnce,
  writePeople,
  type DevelopmentPerson,
} from '../development/index.ts'
import { ensureKeys, type ProviderKeys } from '../identity-provider/index.ts'
import { issueCredentials, type Credentials } from '../network/issue.ts'
import { connectionProfile, credentialsOf } from '../network/profile.ts'
import { hostOf } from '../network/names.ts'
import { addressOf } from '../network/reach.ts'
import type { Topology } from '../network/topology.ts'
import type { Paths } from './paths.ts'

/** All that the parts of an instance need, on disk and in hand. */
export interface Prepared {
  readonly topology: Topology
  readonly paths: Paths
  readonly credentials: Credentials
  /** The keys of each organisation's development provider. */
  readonly issuers: readonly ProviderKeys[]
  readonly people: readonly DevelopmentPerson[]
}

/**
 * Writes what follows from the topology, each time anew, and what must stay the same (certificates, keys, handles) only
 * when it is not there. Errors: one line about a file that is damaged or missing.
 */
export async function prepare(topology: Topology, paths: Paths): Promise<Prepared> {
  const { constitution } = topology
  await Promise.all(
    [paths.logs, paths.ledger].map((folder) => mkdir(folder, { recursive: true, mode: 0o700 })),
  )
  await chmod(paths.root, 0o700)
  const credentials = await issueCredentials(topology, paths.credentials)
  const people = await ensurePeople(topology, paths)
  const issuers = await Promise.all(
    constitution.issuers.map((issuer) => ensureKeys(paths.issuer(issuer.organisation), issuer)),
  )
  await writeOnce(paths.developmentSecret, () => `${randomBytes(32).toString('hex')}\n`)
  await Promise.all([
    replaceFile(paths.constitution, toText(constitution)),
    replaceFile(
      paths.networkSettings,
      toText({ topology, credentialsDirectory: paths.credentials, directory: paths.ledger }),
    ),
    ...constitution.organisations.map(({ name }) => prepareGateway(name, { topology, paths, credentials })),
  ])
  return { topology, paths, credentials, issuers, people }
}

/** Handles are on the ledger, so people who are lost while the ledger is not cannot be invented again. */
async function ensurePeople({ constitution }: Topology, paths: Paths): Promise<readonly DevelopmentPerson[]> {
  const known = await readPeople(paths.people)
  if (known !== undefined) return known
  if ((await readIfPresent(paths.journal)) !== undefined)
    throw new Error(`${paths.people} is missing, but the ledger has its people: restore it, or use --reset.`)
  const invented = inventPeople(constitution, randomId)
  await writePeople(paths.people, invented)
  return invented
}

async function prepareGateway(
  organisation: string,
  { topology, paths, credentials }: Pick<Prepared, 'topology' | 'paths' | 'credentials'>,
): Promise<void> {
  const { data, profile, partners, masterKey } = paths.gateway(organisation)
  await mkdir(data, { recursive: true, mode: 0o700 })
  await writeOnce(masterKey, () => `${randomBytes(32).toString('hex')}\n`)
  await replaceFile(profile, toText(connectionProfile(topology, credentials, organisation)))
  await replaceFile(partners, toText(partnersOf(topology, credentials)))
}

/** Where each organisation's gateway answers the others, and the authority that its certificate must come from. */
function partnersOf(
  topology: Topology,
  credentials: Credentials,
): Record<string, { url: string; name: string; authority: string }> {
  const partners = topology.constitution.organisations.map(({ name }) => {
    const url = `https://${addressOf(topology, 'exchange', name)}`
    const { tlsCa } = credentialsOf(credentials, name)
    return [name, { url, name: hostOf('exchange', name), authority: tlsCa.certificate }] as const
  })
  return Object.fromEntries(partners)
}

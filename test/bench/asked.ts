import { createPrivateKey } from 'node:crypto'
import { randomId, type Constitution } from 'medledger-chaincode/api'
import { findPerson, readPeople } from '../../scripts/development/index.ts'
import { readKeys, signingKey } from '../../scripts/identity-provider/keys.ts'
import { networkDown } from '../../scripts/start/docker/down.ts'
import { openDockerNetwork, type DockerNetwork } from '../../scripts/start/docker/open.ts'
import { gatewaysOf } from '../../scripts/start/docker/steps.ts'
import { issueCredentials, type Credentials } from '../../scripts/network/issue.ts'
import { connectionProfile, type ConnectionProfile } from '../../scripts/network/profile.ts'
import { pathsIn } from '../../scripts/start/paths.ts'
import { docker } from '../../scripts/network/docker/compose.ts'
import { medledger } from '../support/command-line.ts'
import { connectLedger, newRegistration, subjectOf } from './instance.ts'
import { documentBundle, permitSouth, type BenchPatient } from './patients.ts'
import type { Counted } from './processes.ts'
import { createRecipientKey, signToken, type BenchKey } from './tokens.ts'
import { accessFields, expectStatus } from './work.ts'

/** A network as whoever asks its gateways sees it, whatever it is made of. */
export interface Asked {
  readonly constitution: Constitution
  readonly processes: readonly Counted[]
  /** URLs of the gateways by organisation. */
  readonly gateways: Readonly<Record<string, string>>
  readonly token: (user: string) => string
  /** A token of a patient, for an organisation's gateway. */
  readonly patientToken: (patient: string, at: string) => string
  /** Has an access of South's doctor recorded, by the ledger port and no gateway. */
  readonly access?: (documents: readonly string[]) => Promise<void>
  /** Resolves when no block has come for a while. */
  readonly quiet: () => Promise<void>
  readonly close: () => Promise<void>
}

const kinds = ['peer', 'orderer', 'chaincode', 'gateway', 'database'] as const

/** What its containers are counted as: peers, orderers and databases are told apart, organisations are not. */
const columnOf: Readonly<Record<(typeof kinds)[number], string>> = {
  peer: 'network, peers',
  orderer: 'network, orderers',
  chaincode: 'chaincode',
  gateway: 'gateway',
  database: 'gateway, databases',
}

const quietMs = 500
const quietDeadlineMs = 60_000

async function heightAt(url: string): Promise<number> {
  const response = await fetch(`${url}/readyz`)
  const { ledger } = (await response.json()) as { readonly ledger?: { readonly blocks?: number } }
  return ledger?.blocks ?? 0
}

async function waitForQuiet(url: string): Promise<void> {
  const deadline = performance.now() + quietDeadlineMs
  let known = -1
  while (performance.now() < deadline) {
    const height = await heightAt(url)
    if (height === known) return
    known = height
    await new Promise((resolve) => {
      setTimeout(resolve, quietMs)
    })
  }
}

/** The development providers' keys sign for the bench: people have no other here. */
async function keyOf(data: string, organisation: string): Promise<BenchKey> {
  const found = signingKey(await readKeys(pathsIn(data).issuer(organisation)), Date.now())
  if (found === undefined) throw new Error(`no key of ${organisation} signs`)
  const { d: _d, ...publicPart } = found.key
  const privateKey = createPrivateKey({ key: found.key, format: 'jwk' })
  return { kid: found.kid, privateKey, publicKey: { ...publicPart, alg: 'ES256' } }
}

/**
 * A profile of containers as this machine reaches them: by the addresses that Docker has given them, since no port of a peer
 * is published. They are there for a Docker that runs on this machine's own kernel.
 */
async function profileByAddress(
  { topology, compose }: DockerNetwork,
  credentials: Credentials,
  organisation: string,
): Promise<ConnectionProfile> {
  const addressOf = async (host: string): Promise<string> => {
    const [part = '', name = ''] = host.split('.')
    const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}'
    const found = await docker(['inspect', '--format', format, await compose.container(`${part}-${name}`)])
    return found.trim().split(' ')[0] ?? ''
  }
  const reach = async (endpoints: ConnectionProfile['peers']): Promise<ConnectionProfile['peers']> =>
    Object.fromEntries(
      await Promise.all(
        Object.entries(endpoints).map(async ([host, endpoint]) => {
          const url = new URL(endpoint.url.replace('grpcs:', 'https:'))
          return [host, { ...endpoint, url: `grpcs://${await addressOf(host)}:${url.port}` }] as const
        }),
      ),
    )
  const profile = connectionProfile(topology, credentials, organisation)
  return { ...profile, peers: await reach(profile.peers), orderers: await reach(profile.orderers) }
}

/** Brings a network of containers up in a directory. */
export async function startContainers(data: string, firstPort: number): Promise<Asked> {
  const up = ['network', 'up', '--no-demo', '--data', data, '--port', String(firstPort)]
  const { code, stderr } = await medledger(up)
  if (code !== 0) throw new Error(`the network of containers did not come up: ${stderr}`)
  const network = await openDockerNetwork(data)
  const { constitution } = network.topology
  const people = (await readPeople(network.paths.people)) ?? []
  const names = constitution.organisations.map(({ name }) => name)
  const keys = new Map(await Promise.all(names.map(async (name) => [name, await keyOf(data, name)] as const)))
  const processes = await Promise.all(
    names.flatMap((name) =>
      kinds.map(async (kind) => {
        const id = await network.compose.container(`${kind}-${name}`)
        const container = (await docker(['inspect', '--format', '{{.Id}}', id])).trim()
        return { name: columnOf[kind], container }
      }),
    ),
  )
  const gateways = Object.fromEntries(
    gatewaysOf(network.topology).map(({ organisation, url }) => [organisation, url]),
  )
  const sign = (organisation: string, subject: string, role: string, at: string): string => {
    const key = keys.get(organisation)
    const issuer = constitution.issuers.find((candidate) => candidate.organisation === organisation)?.issuer
    const audience = constitution.organisations.find(({ name }) => name === at)?.audience
    if (key === undefined || issuer === undefined || audience === undefined)
      throw new RangeError(`there is no organisation ${organisation}`)
    return signToken(key, { issuer, subject, role, audience })
  }
  const { topology, paths } = network
  const credentials = await issueCredentials(topology, paths.credentials)
  const profile = await profileByAddress(network, credentials, 'south')
  const { client, transport } = await connectLedger(
    { topology, credentials },
    'south',
    'gateway',
    () => {},
    profile,
  )
  const recipient = createRecipientKey()
  const token = (user: string): string => {
    const { role, organisation } = findPerson(people, user) ?? { role: '', organisation: '' }
    return sign(organisation, user, role, organisation)
  }
  return {
    constitution,
    processes,
    gateways,
    token,
    access: async (documents) =>
      void (await client.submit('RequestAccess', accessFields(recipient, documents), {
        token: token('dr.chen'),
      })),
    patientToken: (patient, at) => sign('authority', subjectOf(patient), 'patient', at),
    quiet: () => waitForQuiet(gateways['south'] ?? ''),
    async close() {
      transport.close()
      await networkDown(network, true)
    },
  }
}

/** A patient with a document at North that South may read, all by HTTP. */
export async function depositByHttp(network: Asked): Promise<BenchPatient> {
  const { gateways, token, patientToken } = network
  const registration = newRegistration(network)
  const { patient } = registration
  const { authority, north } = gateways
  await expectStatus(201, `${authority}/v1/patients`, token('operator.authority'), registration)
  await expectStatus(
    201,
    `${authority}/fhir/Consent`,
    patientToken(patient, 'authority'),
    permitSouth(patient),
  )
  const document = {
    source: randomId(),
    id: `north-${randomId()}`,
    type: { system: 'http://loinc.org', code: '11502-2' },
    date: '2026-05-04',
    bundle: documentBundle(),
  }
  await expectStatus(200, `${north}/v1/documents`, token('records.north'), { patient, documents: [document] })
  return { handle: patient, documents: [document.id] }
}
